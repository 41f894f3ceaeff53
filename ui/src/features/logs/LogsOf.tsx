import { useState } from "react";
import { useApi } from "../../api/queries";
import type { LogSearchResponse } from "../../api/schema";
import { logsLink } from "../../app/links";
import { type MomentRange, momentText } from "../../app/timeRange";
import { PageLink } from "../../components/PageLink";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { formatCount } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { LineDetails } from "./LineDetails";
import { LineList } from "./LineList";
import styles from "./LogsOf.module.css";

interface LogsOfProps {
  /** What they are the lines of: `trace_id:4bf9…`. */
  query: string;
  within: MomentRange;
  /** Said where there are none. */
  none: string;
  /** Fields beside time, level and message. */
  columns?: readonly string[];
  /** How many lines at most; the logs page has the rest. */
  most?: number;
  /** In px, at most. */
  height?: number;
}

const NONE: ReadonlySet<string> = new Set();

/** Log lines that belong to something else, as to a span: oldest first, details inline, with the way to the logs page. */
export function LogsOf({ query, within, none, columns = [], most = 100, height = 320 }: LogsOfProps) {
  const [opened, setOpened] = useState("");
  const [from, to] = [momentText(within.startMs), momentText(within.endMs)];
  const found = useApi<LogSearchResponse>("/api/logs/search", { q: query, from, to, order: "oldest", limit: most });
  return (
    <QueryView query={found} failed="The log lines could not be read" skeleton={<Skeleton rows={2} />}>
      {({ lines, resources, next_cursor: next }) =>
        lines.length === 0 ? (
          <p className="quiet">{none}</p>
        ) : (
          <div className={styles.panel}>
            <LineList
                label="Log lines"
                lines={lines}
                resources={resources}
                columns={columns}
                words={[]}
                wrap
                withDay={nsToMs(lines.at(-1)?.ts_ns) - nsToMs(lines[0]?.ts_ns) > DAY_MS}
                current=""
                selected={NONE}
                onCurrent={ignore}
                opened={opened}
                onOpened={setOpened}
                details={(line, resource) => <LineDetails line={line} resource={resource} />}
              maxHeight={height}
            />
            <div className={styles.foot}>
              <PageLink {...logsLink(query, { from, to })}>Open in logs</PageLink>
              {next !== null && <PartialNote>The first {formatCount(most)}; the logs page has the rest.</PartialNote>}
            </div>
          </div>
        )
      }
    </QueryView>
  );
}

const DAY_MS = 86_400_000;

const ignore = () => undefined;
