import { useMemo } from "react";
import type { LogLineResponse, Waterfall } from "../../api/schema";
import { traceLogsLink } from "../../app/links";
import { levelColor } from "../../charts/palette";
import { PageLink } from "../../components/PageLink";
import { ServiceName } from "../../components/ServiceName";
import { EmptyState, PartialNote, QueryView } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatDuration } from "../../format/durations";
import { formatCount } from "../../format/numbers";
import styles from "./TraceLogs.module.css";
import { useTraceLogs } from "./traceLogs";

const MOST = 1000;

/** Every log line that was written in the trace, in order; a line opens its span. */
export default function TraceLogs({ waterfall, onSpan }: { waterfall: Waterfall; onSpan: (span: number) => void }) {
  const startMs = Number(BigInt(waterfall.start_ns) / 1_000n) / 1_000;
  const query = useTraceLogs(waterfall.trace_id, { startMs, endMs: startMs + waterfall.duration_ns / 1e6 }, MOST);
  const { spans, names } = waterfall;
  const columns = useMemo((): Column<LogLineResponse>[] => {
    const startNs = BigInt(waterfall.start_ns);
    const operation = (line: LogLineResponse) => {
      const span = line.span_id ? spans.span_id.indexOf(line.span_id) : -1;
      return span < 0 ? "" : (names[spans.name[span] ?? 0] ?? "");
    };
    return [
      {
        key: "offset",
        title: "After the start",
        cell: (line) => {
          const ns = Number(BigInt(line.ts_ns) - startNs);
          return `${ns < 0 ? "−" : ""}${formatDuration(Math.abs(ns))}`;
        },
        numeric: true,
        width: "112px",
      },
      { key: "time", title: "Time", cell: (line) => <Time ms={Number(BigInt(line.ts_ns) / 1_000_000n)} millis />, width: "112px" },
      {
        key: "level",
        title: "Level",
        cell: (line) => (
          <span className={styles.level} style={{ borderColor: levelColor(line.level) }}>
            {line.level}
          </span>
        ),
        width: "80px",
      },
      { key: "service", title: "Service", cell: (line) => <ServiceName name={line.service} link={false} />, width: "14%" },
      { key: "span", title: "Span", cell: (line) => <span className="quiet">{operation(line)}</span>, width: "16%" },
      {
        key: "body",
        title: "Message",
        cell: (line) => (
          <span className="mono" title={line.body}>
            {line.body}
          </span>
        ),
      },
    ];
  }, [waterfall.start_ns, spans, names]);
  return (
    <QueryView query={query} failed="The log lines of the trace could not be read">
      {({ lines, next_cursor: next }) =>
        lines.length === 0 ? (
          <EmptyState title="No log line carries this trace's id">
            <p>
              Lines that are written within a span carry its ids when the application's logging goes through OpenTelemetry. Lines of the same services at that time may
              still help:
            </p>
            <p>
              <PageLink {...traceLogsLink(waterfall.trace_id)}>Search the logs</PageLink>
            </p>
          </EmptyState>
        ) : (
          <div className={styles.view}>
            <div className={styles.tools}>
              <span className="quiet">
                {formatCount(lines.length)} {lines.length === 1 ? "line" : "lines"}
              </span>
              {next !== null && <PartialNote>The first {formatCount(MOST)} lines; the logs page has all of them.</PartialNote>}
              <PageLink {...traceLogsLink(waterfall.trace_id)}>Open in logs</PageLink>
            </div>
            <Table
              label="Log lines of the trace"
              columns={columns}
              rows={lines}
              rowKey={(line) => line.id}
              onOpen={(line) => {
                const span = line.span_id ? spans.span_id.indexOf(line.span_id) : -1;
                if (span >= 0) onSpan(span);
              }}
              height="100%"
              keyboard
            />
          </div>
        )
      }
    </QueryView>
  );
}
