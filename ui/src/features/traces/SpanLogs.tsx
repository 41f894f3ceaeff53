import { levelColor } from "../../charts/palette";
import { QueryView, Skeleton } from "../../components/states";
import { Time } from "../../components/Time";
import styles from "./SpanLogs.module.css";
import { useTraceLogs } from "./traceLogs";

const MOST = 20;

/** The first log lines that were written within a span. */
export function SpanLogs({ traceId, spanId, startMs, endMs }: { traceId: string; spanId: string; startMs: number; endMs: number }) {
  const query = useTraceLogs(traceId, spanId, startMs, endMs, MOST);
  return (
    <QueryView query={query} failed="Its log lines could not be read" skeleton={<Skeleton rows={2} />}>
      {({ lines, next_cursor: next }) =>
        lines.length === 0 ? (
          <p className="quiet">None were written within this span.</p>
        ) : (
          <ul className={styles.lines}>
            {lines.map((line) => (
              <li key={line.id}>
                <span className={styles.level} style={{ borderColor: levelColor(line.level) }}>
                  {line.level}
                </span>
                <Time ms={Number(BigInt(line.ts_ns) / 1_000_000n)} millis />
                <p className="mono">{line.body}</p>
              </li>
            ))}
            {next !== null && <li className="quiet">The first {MOST}; open its logs for the rest.</li>}
          </ul>
        )
      }
    </QueryView>
  );
}
