import { ArrowLeftRight, CircleAlert, Minus, Plus } from "lucide-react";
import { useMemo } from "react";
import { useApi } from "../../api/queries";
import type { ComparedSpans, ComparedStep, ComparedTrace, TraceComparison } from "../../api/schema";
import { traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { usePageTitle } from "../../app/title";
import { seriesColor } from "../../charts/palette";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatDuration } from "../../format/durations";
import { formatChange, formatCount } from "../../format/numbers";
import { parseTraceReference } from "../../format/ids";
import styles from "./ComparePage.module.css";
import { isMarked, scaleOf } from "./comparison";

/** Two traces side by side: the same place of the tree in one row. */
export default function ComparePage() {
  usePageTitle("Compare traces", [{ label: "Traces", to: "/traces" }]);
  const left = useParam("left");
  const right = useParam("right");
  const setSearch = useSetSearch();
  const isReady = left !== "" && right !== "";
  const query = useApi<TraceComparison>("/api/tracing/compare", { left, right }, { enabled: isReady });
  return (
    <div className={styles.page}>
      <div className={styles.ids}>
        <TraceField key={`left ${left}`} label="Left" value={left} onValue={(id) => setSearch({ left: id }, { replace: true })} />
        <Button kind="plain" icon aria-label="Swap sides" title="Swap sides" onClick={() => setSearch({ left: right, right: left }, { replace: true })}>
          <ArrowLeftRight size={14} />
        </Button>
        <TraceField key={`right ${right}`} label="Right" value={right} onValue={(id) => setSearch({ right: id }, { replace: true })} />
      </div>
      {isReady ? (
        <div className={styles.fill}>
          <QueryView query={query} failed="The traces could not be compared" skeleton={<Skeleton rows={14} />}>
            {(comparison) => <Comparison comparison={comparison} />}
          </QueryView>
        </div>
      ) : (
        <EmptyState title={left === "" && right === "" ? "Which two traces?" : "With which other trace?"}>
          <p>Paste a trace id above, or choose one in the search: every row there offers it.</p>
          <p>
            <PageLink to="/traces" search={left || right ? { compare: left || right } : {}}>
              Choose in the search
            </PageLink>
          </p>
        </EmptyState>
      )}
    </div>
  );
}

function TraceField({ label, value, onValue }: { label: string; value: string; onValue: (id: string) => void }) {
  return (
    <form
      className={styles.field}
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("id");
        const text = typeof typed === "string" ? typed.trim() : "";
        onValue(parseTraceReference(text)?.traceId ?? text);
      }}
    >
      <label>
        <span className="quiet">{label}</span>
        <input name="id" defaultValue={value} placeholder="Trace id" className="mono" spellCheck={false} autoComplete="off" />
      </label>
    </form>
  );
}

function Comparison({ comparison }: { comparison: TraceComparison }) {
  const all = useParam("show") !== "changed";
  const setSearch = useSetSearch();
  const { left, right, steps } = comparison;
  const scale = useMemo(() => scaleOf(steps), [steps]);
  const marked = useMemo(() => steps.filter((step) => isMarked(step)), [steps]);
  const shown = all ? steps : marked;
  const columns = useMemo(
    (): Column<ComparedStep>[] => [
      {
        key: "step",
        title: "Service and operation",
        cell: ({ depth, service, name }) => (
          <span className={styles.step} style={{ paddingLeft: Math.min(depth, 24) * 12 }} title={`${service}: ${name}`}>
            <span className={styles.dot} style={{ background: seriesColor(service) }} aria-hidden />
            <span className={styles.service}>{service}</span>
            <span className="truncate">{name}</span>
          </span>
        ),
        width: "32%",
      },
      { key: "left", title: "Left", cell: (step) => <Side side={step.left} id={left.trace_id} scale={scale} />, width: "19%" },
      { key: "right", title: "Right", cell: (step) => <Side side={step.right} id={right.trace_id} scale={scale} />, width: "19%" },
      { key: "change", title: "Right against left", cell: (step) => <Change step={step} scale={scale} />, numeric: true },
    ],
    [left.trace_id, right.trace_id, scale],
  );
  return (
    <div className={styles.comparison}>
      <div className={styles.traces}>
        <TraceFacts trace={left} />
        <TraceFacts trace={right} other={left} />
      </div>
      <div className={styles.tools}>
        <span>
          {marked.length === 0 ? "No place differs in count, errors or, notably, in time" : `${formatCount(marked.length)} of ${formatCount(steps.length)} places differ`}
        </span>
        <Button aria-pressed={!all} disabled={all && marked.length === 0} onClick={() => setSearch({ show: all ? "changed" : undefined }, { replace: true })}>
          Only what differs
        </Button>
      </div>
      <Table
        label="Comparison"
        columns={columns}
        rows={shown}
        rowKey={(step) => `${step.left?.first_span_id ?? ""} ${step.right?.first_span_id ?? ""}`}
        height="100%"
        keyboard
      />
    </div>
  );
}

function TraceFacts({ trace, other }: { trace: ComparedTrace; other?: ComparedTrace }) {
  return (
    <div className={styles.trace}>
      <PageLink {...traceLink(trace.trace_id)}>{trace.root_name ? `${trace.root_service}: ${trace.root_name}` : "Root missing"}</PageLink>
      <div className={styles.facts}>
        <span className={styles.duration}>{formatDuration(trace.duration_ns)}</span>
        {other && <strong>{formatChange(trace.duration_ns, other.duration_ns)}</strong>}
        <span>{formatCount(trace.spans)} spans</span>
        <span className={trace.errors > 0 ? styles.bad : "quiet"}>{trace.errors > 0 ? `${formatCount(trace.errors)} ${trace.errors === 1 ? "error" : "errors"}` : "no errors"}</span>
        <Time ms={Number(BigInt(trace.start_ns) / 1_000_000n)} style="date" />
      </div>
    </div>
  );
}

function Side({ side, id, scale }: { side: ComparedSpans | null; id: string; scale: number }) {
  if (side === null) return <span className="quiet">–</span>;
  return (
    <PageLink {...traceLink(id, side.first_span_id)} className={styles.side}>
      <span className={styles.track}>
        <span className={styles.bar} style={{ width: `${Math.max((side.duration_ns / scale) * 100, 0.5)}%` }} />
      </span>
      <span className="number">
        {formatDuration(side.duration_ns)}
        {side.spans > 1 && <span className="quiet"> ×{formatCount(side.spans)}</span>}
      </span>
      {side.errors > 0 && <CircleAlert size={12} className={styles.bad} aria-label={`${formatCount(side.errors)} failed`} />}
    </PageLink>
  );
}

function Change({ step, scale }: { step: ComparedStep; scale: number }) {
  const { left, right, change_ns: change } = step;
  if (left === null || right === null) {
    return (
      <span className={styles.only}>
        {left === null ? <Plus size={12} aria-hidden /> : <Minus size={12} aria-hidden />}
        {left === null ? "only right" : "only left"}
      </span>
    );
  }
  const counts = right.spans - left.spans;
  const failed = right.errors - left.errors;
  return (
    <span className={styles.change} data-marked={isMarked(step) || undefined}>
      {failed !== 0 && <span className={failed > 0 ? styles.bad : styles.good}>{`${failed > 0 ? "+" : "−"}${formatCount(Math.abs(failed))} failed`}</span>}
      {counts !== 0 && <span>{`${counts > 0 ? "+" : "−"}${formatCount(Math.abs(counts))} spans`}</span>}
      <span>
        {change === 0 ? "±0" : `${change > 0 ? "+" : "−"}${formatDuration(Math.abs(change))}`}
        <span className="quiet"> {formatChange(right.duration_ns, left.duration_ns)}</span>
      </span>
      <span className={styles.lean} aria-hidden>
        <span data-side={change > 0 ? "more" : "less"} style={{ width: `${Math.min((Math.abs(change) / scale) * 50, 50)}%` }} />
      </span>
    </span>
  );
}
