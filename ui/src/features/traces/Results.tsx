import { CircleAlert, GitCompareArrows } from "lucide-react";
import { useMemo } from "react";
import type { TraceRow } from "../../api/schema";
import { traceLink } from "../../app/links";
import { seriesColor } from "../../charts/palette";
import { PageLink } from "../../components/PageLink";
import { ServiceName } from "../../components/ServiceName";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import styles from "./Results.module.css";

interface ResultsProps {
  traces: readonly TraceRow[];
  /** Whether a query limits the spans, so that it is worth telling how many match. */
  isFiltered: boolean;
  /** How the ids of two traces that are to be compared are chosen. */
  comparing: string;
  onCompare: (traceId: string) => void;
  onNearEnd: () => void;
}

/** The traces found, a row each, with a bar as long as the trace and divided by where its time went. */
export function Results({ traces, isFiltered, comparing, onCompare, onNearEnd }: ResultsProps) {
  const open = useOpen();
  const columns = useMemo(
    (): Column<TraceRow>[] => [
      { key: "start", title: "Start", cell: ({ start_ns: ns }) => <Time ms={Number(BigInt(ns) / 1_000_000n)} millis />, width: "104px" },
      {
        key: "root",
        title: "Trace",
        cell: (trace) => (
          <PageLink {...traceLink(trace.trace_id)} className={styles.root}>
            {trace.root_service === "" ? (
              <span className="quiet">root missing</span>
            ) : (
              <>
                <ServiceName name={trace.root_service} link={false} />
                <span className="truncate" title={trace.root_name}>
                  {trace.root_name}
                </span>
              </>
            )}
          </PageLink>
        ),
      },
      {
        key: "errors",
        title: "Errors",
        cell: ({ errors }) =>
          errors > 0 ? (
            <span className={styles.errors}>
              <CircleAlert size={12} aria-hidden />
              {formatCount(errors)}
            </span>
          ) : null,
        numeric: true,
        width: "60px",
      },
      {
        key: "spans",
        title: isFiltered ? "Matching" : "Spans",
        hint: isFiltered ? "Spans that meet the query, of all spans of the trace" : "Spans of the trace",
        cell: ({ spans, matched_spans: matched }) => (isFiltered ? `${formatCount(matched)} of ${formatCount(spans)}` : formatCount(spans)),
        numeric: true,
        width: isFiltered ? "96px" : "72px",
      },
      { key: "duration", title: "Duration", cell: ({ duration_ns: ns }) => formatDuration(ns), numeric: true, width: "80px" },
      {
        key: "where",
        title: "Where the time went",
        hint: "Own time of the services, as shares of the whole",
        cell: (trace) => <TimeBar trace={trace} />,
        width: "22%",
      },
      {
        key: "compare",
        title: "",
        cell: ({ trace_id: id }) => (
          <button
            type="button"
            className={styles.compare}
            data-chosen={comparing !== "" || undefined}
            aria-pressed={id === comparing}
            aria-label={compareWords(comparing, id)}
            title={compareWords(comparing, id)}
            onClick={() => onCompare(id)}
          >
            <GitCompareArrows size={14} />
          </button>
        ),
        width: "32px",
      },
    ],
    [isFiltered, comparing, onCompare],
  );
  return (
    <Table
      label="Traces"
      columns={columns}
      rows={traces}
      rowKey={({ trace_id: id }) => id}
      onOpen={({ trace_id: id }) => open(traceLink(id))}
      height="100%"
      onNearEnd={onNearEnd}
      keyboard
    />
  );
}

/** Services with a stretch of their own in the bar; the rest is grey. */
const MOST_SERVICES = 8;

const compareWords = (comparing: string, id: string) =>
  comparing === "" ? "Compare with another trace" : id === comparing ? "Stop comparing" : "Compare with this";

function TimeBar({ trace: { services } }: { trace: TraceRow }) {
  const shown = services.slice(0, MOST_SERVICES);
  const rest = services.slice(MOST_SERVICES).reduce((sum, { share }) => sum + share, 0);
  const words = services.map(({ service, spans, share }) => `${service}: ${formatShare(share)} in ${formatCount(spans)} ${spans === 1 ? "span" : "spans"}`).join("\n");
  return (
    <div className={styles.bar} title={words} role="img" aria-label={words}>
      {shown.map(({ service, share }) => (
        <span key={service} style={{ flexGrow: share, background: seriesColor(service) }} />
      ))}
      {rest > 0 && <span style={{ flexGrow: rest, background: "var(--mark-neutral)" }} />}
    </div>
  );
}
