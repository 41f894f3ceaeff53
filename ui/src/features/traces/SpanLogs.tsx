import { LogsOf } from "../logs/LogsOf";
import { traceLogsQuery, withMargin } from "./traceLogs";

const MOST = 50;

/** The first log lines that were written within a span. */
export function SpanLogs({ traceId, spanId, startMs, endMs }: { traceId: string; spanId: string; startMs: number; endMs: number }) {
  return (
    <LogsOf
      query={traceLogsQuery(traceId, spanId)}
      within={withMargin({ startMs, endMs })}
      none="None were written within this span."
      most={MOST}
    />
  );
}
