import { useContext, useState } from "react";
import { useRangeQuery } from "../../../api/queries";
import type { LogSearchResponse } from "../../../api/schema";
import { QueryView, Skeleton } from "../../../components/states";
import { LineDetails } from "../../logs/LineDetails";
import { LineList } from "../../logs/LineList";
import { type PanelProps, PanelsContext, useWords } from "../panelContext";
import styles from "./panels.module.css";

const MOST = 100;
const NONE: ReadonlySet<string> = new Set();
const ignore = () => undefined;

/** The newest log lines of a search. */
export function LogsPanel({ panel, visible }: PanelProps) {
  const { ready } = useContext(PanelsContext);
  const words = useWords();
  const [opened, setOpened] = useState("");
  const query = useRangeQuery<LogSearchResponse>(
    "/api/logs/search",
    { q: words(panel.search), order: "newest", limit: MOST },
    { enabled: visible && ready && opened === "" },
  );
  if (query.data === undefined && !(visible && ready)) return null;
  return (
    <QueryView query={query} failed="The log lines could not be read" skeleton={<Skeleton rows={4} height={16} />}>
      {({ data }) =>
        data.lines.length === 0 ? (
          <p className={styles.note}>No log line in this range</p>
        ) : (
          <div className={styles.list}>
            <LineList
              label={panel.title || "Log lines"}
              lines={data.lines}
              resources={data.resources}
              columns={[]}
              words={[]}
              wrap={false}
              withDay={false}
              current=""
              selected={NONE}
              onCurrent={ignore}
              opened={opened}
              onOpened={setOpened}
              details={(line, resource) => <LineDetails line={line} resource={resource} />}
            />
          </div>
        )
      }
    </QueryView>
  );
}
