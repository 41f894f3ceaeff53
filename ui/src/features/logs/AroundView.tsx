import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../../api/queries";
import type { LogSurroundingsResponse } from "../../api/schema";
import { useSetSearch } from "../../app/location";
import { Button } from "../../components/Button";
import { ServiceName } from "../../components/ServiceName";
import { QueryView, Skeleton } from "../../components/states";
import { Time } from "../../components/Time";
import { nsToMs } from "../../format/times";
import { LinesPanel } from "./LinesPanel";
import styles from "./LogsPage.module.css";
import type { LineView } from "./useLineView";

const STEP = 50;
const MOST = 1000;

/** What the same sender wrote just before and after a line, whatever the query. */
export function AroundView({ lineId, view }: { lineId: string; view: LineView }) {
  const [before, setBefore] = useState(STEP);
  const [after, setAfter] = useState(STEP);
  const setSearch = useSetSearch();
  const query = useApi<LogSurroundingsResponse>(`/api/logs/around/${encodeURIComponent(lineId)}`, { before, after });
  const back = (
    <Button onClick={() => setSearch({ around: undefined, line: lineId })}>
      <ArrowLeft size={14} aria-hidden /> Back to the search
    </Button>
  );
  return (
    <QueryView query={query} failed="The lines around it could not be read" skeleton={<Skeleton rows={16} height={16} />}>
      {({ lines, resources, position, more_before: moreBefore, more_after: moreAfter }) => {
        const line = lines[position];
        return (
          <LinesPanel
            label="Surrounding lines"
            view={view}
            lines={lines}
            resources={resources}
            marked={lineId}
            status={
              <>
                {back}
                {line && (
                  <span className={styles.around}>
                    Around <Time ms={nsToMs(line.ts_ns)} millis /> from the same instance of <ServiceName name={line.service} link={false} />
                  </span>
                )}
              </>
            }
            before={
              <p className={styles.end}>
                {moreBefore && before < MOST ? <Button onClick={() => setBefore(Math.min(before + 4 * STEP, MOST))}>Show earlier lines</Button> : "No earlier lines"}
              </p>
            }
            after={
              <p className={styles.end}>
                {moreAfter && after < MOST ? <Button onClick={() => setAfter(Math.min(after + 4 * STEP, MOST))}>Show later lines</Button> : "No later lines"}
              </p>
            }
            empty={null}
          />
        );
      }}
    </QueryView>
  );
}
