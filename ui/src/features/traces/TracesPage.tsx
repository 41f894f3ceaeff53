import { X } from "lucide-react";
import { useCallback, useEffect, useMemo } from "react";
import { ApiError } from "../../api/client";
import { useRangeQuery } from "../../api/queries";
import type { ScatterPoints } from "../../api/schema";
import { traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { useTimeRange } from "../../app/useTimeRange";
import { type Brush, ScatterPlot, type ScatterPoint } from "../../charts/ScatterPlot";
import { seriesColor } from "../../charts/palette";
import { Button } from "../../components/Button";
import { Connect } from "../../components/Connect";
import { Segmented } from "../../components/Segmented";
import { EmptyState, ErrorState, PartialNote, QueryView, Skeleton } from "../../components/states";
import { useOpen } from "../../components/useOpen";
import { parseTraceReference, shortId } from "../../format/ids";
import { formatCount } from "../../format/numbers";
import { brushText, countBrushed, isInBrush, parseBrush } from "./brush";
import { DifferenceList } from "./DifferenceList";
import { FacetList } from "./FacetList";
import { TraceQuery } from "./TraceQuery";
import { Results } from "./Results";
import styles from "./TracesPage.module.css";
import { type SortBy, useTraceSearch } from "./useTraceSearch";

const POINTS = 3000;

/** Find traces: a query, what it breaks down to, latency over time, and the traces themselves. */
export default function TracesPage() {
  const query = useParam("q");
  const sort: SortBy = useParam("sort") === "slowest" ? "slowest" : "newest";
  const brushed = useParam("brush");
  const comparing = useParam("compare");
  const setSearch = useSetSearch();
  const open = useOpen();
  const brush = useMemo(() => parseBrush(brushed), [brushed]);
  const search = useTraceSearch(query, sort, brush);
  const points = useRangeQuery<ScatterPoints>("/api/tracing/points", { q: query, limit: POINTS });
  const isInvalid = search.first.error instanceof ApiError && search.first.error.status === 400;
  const onQuery = useCallback(
    (text: string) => {
      // An id that is pasted here means that trace.
      const reference = parseTraceReference(text);
      if (reference) open(traceLink(reference.traceId, reference.spanId));
      else setSearch({ q: text, brush: undefined });
    },
    [open, setSearch],
  );
  const onCompare = useCallback(
    (traceId: string) => {
      if (comparing === "") setSearch({ compare: traceId }, { replace: true });
      else if (comparing === traceId) setSearch({ compare: undefined }, { replace: true });
      else open({ to: "/traces/compare", search: { left: comparing, right: traceId } });
    },
    [comparing, open, setSearch],
  );
  useShortcuts(
    [{ keys: "Escape", does: "Drop the selection", group: "Traces", run: () => setSearch({ brush: undefined }, { replace: true }) }],
    brush !== null,
  );
  const found = points.data?.data.found;
  const traces = useMemo(
    () => (brush ? search.traces.filter((trace) => isInBrush(brush, Number(BigInt(trace.start_ns) / 1_000_000n), trace.duration_ns)) : search.traces),
    [search.traces, brush],
  );
  const { more } = search;
  const isEmpty = query === "" && brush === null && more === null && search.first.data?.data.traces.length === 0 && !search.first.isPlaceholderData;
  const wantsMore = brush !== null && traces.length < 30 && more !== null;
  const loaded = search.traces.length;
  useEffect(() => {
    // Part of the page lies outside the selection's height: go on until a screen is full.
    if (wantsMore) more();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [wantsMore, loaded]);
  return (
    <div className={styles.page}>
      <TraceQuery query={query} onQuery={onQuery} error={isInvalid ? search.first.error : null} />
      {isInvalid || isEmpty ? (
        <div>{isInvalid ? <Hints /> : <Nothing query="" />}</div>
      ) : (
        <div className={styles.body}>
          <FacetList query={query} onQuery={(text) => setSearch({ q: text })} />
          <div className={styles.main} data-brushed={brush !== null || undefined}>
            <Scatter points={points} brush={brush} traces={search.traces} />
            {brush && <DifferenceList query={query} brush={brush} onQuery={(text) => setSearch({ q: text })} />}
            <div className={styles.head}>
              <h2>
                {brush && points.data
                  ? `${formatCount(countBrushed(points.data.data, brush))} traces selected`
                  : found === undefined
                    ? "Traces"
                    : `${points.data?.data.complete ? "" : "About "}${formatCount(found)} ${found === 1 ? "trace" : "traces"}`}
              </h2>
              {brush && (
                <Button kind="plain" onClick={() => setSearch({ brush: undefined })}>
                  <X size={14} aria-hidden /> Drop the selection
                </Button>
              )}
              {search.note !== "" && <PartialNote>{search.note}</PartialNote>}
              {comparing !== "" && (
                <span className={styles.comparing}>
                  Compare {shortId(comparing)} with …
                  <Button kind="plain" icon aria-label="Stop comparing" onClick={() => setSearch({ compare: undefined }, { replace: true })}>
                    <X size={14} />
                  </Button>
                </span>
              )}
              <div className={styles.sort}>
                <Segmented
                  label="Order"
                  value={sort}
                  options={[
                    { value: "newest", label: "Newest" },
                    { value: "slowest", label: "Slowest" },
                  ]}
                  onChange={(value) => setSearch({ sort: value === "slowest" ? value : undefined }, { replace: true })}
                />
              </div>
            </div>
            <div className={styles.results}>
              <QueryView query={search.first} failed="Traces could not be searched" skeleton={<Skeleton rows={12} />}>
                {() =>
                  traces.length === 0 && more === null ? (
                    <Nothing query={query} />
                  ) : (
                    <Results
                      traces={traces}
                      isFiltered={query !== ""}
                      comparing={comparing}
                      onCompare={onCompare}
                      onNearEnd={() => more?.()}
                    />
                  )
                }
              </QueryView>
              {search.moreError && <ErrorState title="More traces could not be read" error={search.moreError} onRetry={more ?? undefined} />}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}

interface ScatterProps {
  points: ReturnType<typeof useRangeQuery<ScatterPoints>>;
  brush: Brush | null;
  traces: ReturnType<typeof useTraceSearch>["traces"];
}

/** Latency over time, a point a trace: brush to select, click to open. */
function Scatter({ points, brush, traces }: ScatterProps) {
  const setSearch = useSetSearch();
  const open = useOpen();
  const logarithmic = useParam("scale") === "log";
  const data = points.data?.data;
  const known = useMemo(() => new Map(traces.map((trace) => [trace.trace_id, trace])), [traces]);
  const marks = useMemo(
    (): ScatterPoint[] =>
      (data?.trace_id ?? []).map((id, index) => {
        const trace = known.get(id);
        return {
          id,
          timeMs: data?.start_ms[index] ?? 0,
          value: data?.duration_ns[index] ?? 0,
          name: trace && trace.root_service !== "" ? `${trace.root_service}: ${trace.root_name}` : `Trace ${shortId(id)}`,
          color: trace && trace.root_service !== "" ? seriesColor(trace.root_service) : "var(--mark-neutral)",
          failed: (data?.errors[index] ?? 0) > 0,
        };
      }),
    [data, known],
  );
  const onBrush = useCallback((next: Brush) => setSearch({ brush: brushText(next) }), [setSearch]);
  const onOpen = useCallback((point: ScatterPoint) => open(traceLink(point.id)), [open]);
  return (
    <section aria-label="Duration over time">
      <div className={styles.head}>
        <h2>Duration over time</h2>
        <span className="quiet">× has errors. Drag to select, click to open.</span>
        {data && data.note !== "" && <PartialNote>{data.note}</PartialNote>}
        <button
          type="button"
          className={styles.toggle}
          aria-pressed={logarithmic}
          onClick={() => setSearch({ scale: logarithmic ? undefined : "log" }, { replace: true })}
        >
          Logarithmic
        </button>
      </div>
      <QueryView query={points} failed="The plot could not be drawn" skeleton={<Skeleton rows={1} height={144} />}>
        {({ range }) => (
          <ScatterPlot
            label="Duration of traces over time"
            points={marks}
            range={range}
            unit="duration"
            height={152}
            logarithmic={logarithmic}
            onBrush={onBrush}
            brush={brush}
            onOpen={onOpen}
          />
        )}
      </QueryView>
    </section>
  );
}

function Nothing({ query }: { query: string }) {
  const setSearch = useSetSearch();
  const { text, set } = useTimeRange();
  const isWide = text.from === "now-7d";
  return (
    <EmptyState title={query === "" ? "No traces in this time range" : "No trace matches"}>
      <div className={styles.ways}>
        {!isWide && <Button onClick={() => set({ from: "now-7d", to: "now" })}>Search the last 7 days</Button>}
        {query !== "" && <Button onClick={() => setSearch({ q: undefined, brush: undefined })}>Clear the query</Button>}
      </div>
      {query === "" && (
        <>
          <p>Every request through your services becomes a trace here, a second after it ended. Point an OpenTelemetry SDK or Collector at this server:</p>
          <Connect />
        </>
      )}
    </EmptyState>
  );
}

const EXAMPLES: readonly [string, string][] = [
  ["service = gateway and duration > 1s", "spans of one service that took long"],
  ["status = error and http.response.status_code >= 500", "failures, by any attribute"],
  ['name =~ "^POST /orders" and not user.tier = free', "a pattern, and what is not wanted"],
  ["has:exception.type", "spans on which an attribute is set"],
  ["(service = worker or service = router) and root = false", "alternatives"],
];

/** How the query language goes, for who got it wrong. */
function Hints() {
  const setSearch = useSetSearch();
  return (
    <EmptyState title="The query could not be read">
      <p>It is made of conditions on spans; a trace is found when one of its spans meets all of them.</p>
      <ul className={styles.examples}>
        {EXAMPLES.map(([text, does]) => (
          <li key={text}>
            <button type="button" className="mono" onClick={() => setSearch({ q: text })}>
              {text}
            </button>
            <span className="quiet">{does}</span>
          </li>
        ))}
      </ul>
    </EmptyState>
  );
}
