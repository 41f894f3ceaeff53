import { CircleAlert, GitCompareArrows, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { Waterfall } from "../../api/schema";
import { seriesColor } from "../../charts/palette";
import { Id } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { Time } from "../../components/Time";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { TasksOfTrace } from "../tasks/TasksOfTrace";
import styles from "./TraceHeader.module.css";

interface TraceHeaderProps {
  waterfall: Waterfall;
  /** Show the spans of one service. */
  onService: (service: string) => void;
  /** Go to the first span that failed. */
  onErrors: () => void;
}

const MOST_SERVICES = 8;

/** What a trace is, in two lines: its figures, and which services the time went to. */
export function TraceHeader({ waterfall, onService, onErrors }: TraceHeaderProps) {
  const { spans, service_times: times, warnings } = waterfall;
  const shown = spans.span_id.length;
  const startMs = Number(BigInt(waterfall.start_ns) / 1_000n) / 1_000;
  const own = times.reduce((sum, { self_ns: ns }) => sum + ns, 0);
  const ranked = [...times].sort((a, b) => b.self_ns - a.self_ns);
  return (
    <header className={styles.header}>
      <div className={styles.figures}>
        <span className={styles.duration}>{formatDuration(waterfall.duration_ns)}</span>
        <span>
          <Time ms={startMs} style="date" millis />
        </span>
        <span className="number">
          {shown < waterfall.spans_total ? `${formatCount(shown)} of ${formatCount(waterfall.spans_total)}` : formatCount(shown)}{" "}
          {waterfall.spans_total === 1 ? "span" : "spans"}
        </span>
        <span className="number">
          {times.length} {times.length === 1 ? "service" : "services"}
        </span>
        {waterfall.errors > 0 ? (
          <button type="button" className={styles.errors} onClick={onErrors} title="Go to the next error">
            <CircleAlert size={13} aria-hidden />
            <span className="number">
              {formatCount(waterfall.errors)} {waterfall.errors === 1 ? "error" : "errors"}
            </span>
          </button>
        ) : (
          <span className="quiet">no errors</span>
        )}
        <TasksOfTrace traceId={waterfall.trace_id} />
        <Id id={waterfall.trace_id} />
        <PageLink to="/traces/compare" search={{ left: waterfall.trace_id }} className={styles.compare}>
          <GitCompareArrows size={14} aria-hidden /> Compare
        </PageLink>
      </div>
      <div className={styles.services} role="group" aria-label="Own time by service">
        {ranked.slice(0, MOST_SERVICES).map(({ service, self_ns: ns, spans: count, errors }) => (
          <button
            key={service}
            type="button"
            className={styles.service}
            title={`${service}: ${formatDuration(ns)} of its own in ${formatCount(count)} spans, ${formatCount(errors)} failed. Click to find them.`}
            onClick={() => onService(service)}
          >
            <span className={styles.dot} style={{ background: seriesColor(service) }} aria-hidden />
            <span className="truncate">{service}</span>
            <span className="number quiet">{formatShare(own > 0 ? ns / own : null)}</span>
            {errors > 0 && <CircleAlert size={11} className={styles.bad} aria-label={`${errors} failed`} />}
          </button>
        ))}
        {ranked.length > MOST_SERVICES && <span className="quiet">and {ranked.length - MOST_SERVICES} more services, see Table</span>}
      </div>
      {warnings.length > 0 && <Warnings waterfall={waterfall} />}
    </header>
  );
}

const AT_FIRST = 2;

function Warnings({ waterfall: { warnings } }: { waterfall: Waterfall }) {
  const [all, setAll] = useState(false);
  const shown = all ? warnings : warnings.slice(0, AT_FIRST);
  return (
    <ul className={styles.warnings} aria-label="Warnings">
      {shown.map((warning) => (
        <li key={warning.kind}>
          <TriangleAlert size={13} aria-hidden />
          {warning.message}
        </li>
      ))}
      {!all && warnings.length > AT_FIRST && (
        <li>
          <button type="button" onClick={() => setAll(true)}>
            {warnings.length - AT_FIRST} more
          </button>
        </li>
      )}
    </ul>
  );
}
