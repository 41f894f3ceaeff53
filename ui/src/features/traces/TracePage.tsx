import { useParams } from "@tanstack/react-router";
import { lazy, Suspense, useLayoutEffect, useMemo, useRef } from "react";
import { useApi } from "../../api/queries";
import { ApiError } from "../../api/client";
import type { Waterfall as WaterfallData } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { usePageTitle } from "../../app/title";
import { useShortcuts } from "../../app/shortcuts";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { Segmented } from "../../components/Segmented";
import { nextMatch } from "./findSpans";
import { FindField } from "./FindField";
import { Minimap } from "./Minimap";
import { SpanPanel } from "./SpanPanel";
import { TraceHeader } from "./TraceHeader";
import styles from "./TracePage.module.css";
import { useFoundSpans } from "./useFoundSpans";
import { type Tab, TABS, useTraceView } from "./useTraceView";
import { NOTHING_FOLDED } from "./visibleRows";
import { Waterfall } from "./Waterfall";
import { WaterfallTools } from "./WaterfallTools";

const FlameGraph = lazy(() => import("./FlameGraph"));
const TraceTable = lazy(() => import("./TraceTable"));
const TraceLogs = lazy(() => import("./TraceLogs"));
const TraceMap = lazy(() => import("./TraceMap"));
const TraceJson = lazy(() => import("./TraceJson"));

const TAB_WORDS: Record<Tab, string> = {
  waterfall: "Waterfall",
  flame: "Flame graph",
  table: "Table",
  logs: "Logs",
  map: "Map",
  json: "JSON",
};

/** One trace: where the time went, span by span. */
export default function TracePage() {
  const { traceId = "" }: { traceId?: string } = useParams({ strict: false });
  const query = useApi<WaterfallData>(`/api/tracing/trace/${encodeURIComponent(traceId)}/spans`);
  if (query.error instanceof ApiError && query.error.status === 404 && query.data === undefined) return <NoTrace traceId={traceId} message={query.error.message} />;
  return (
    <div className={styles.page}>
      <QueryView query={query} failed="The trace could not be read" skeleton={<Skeleton rows={14} />}>
        {(waterfall) => <TraceContent key={waterfall.trace_id} waterfall={waterfall} />}
      </QueryView>
    </div>
  );
}

function NoTrace({ traceId, message }: { traceId: string; message: string }) {
  usePageTitle("No such trace", [{ label: "Traces", to: "/traces" }]);
  return (
    <EmptyState title="There is no such trace">
      <p>{message}</p>
      <p>
        Traces are kept for as long as Settings says, and a trace that has only just been sent may take a second. Was the sender told to sample{" "}
        <span className="mono">{traceId}</span> away?
      </p>
    </EmptyState>
  );
}

function TraceContent({ waterfall }: { waterfall: WaterfallData }) {
  usePageTitle(waterfall.root_name || "Trace without its root", [{ label: "Traces", to: "/traces" }]);
  const setSearch = useSetSearch();
  const view = useTraceView(waterfall);
  const find = useParam("find");
  const found = useFoundSpans(waterfall, find);
  const { spans } = waterfall;
  const matches = useMemo(() => (found.spans === null ? null : new Set(found.spans)), [found.spans]);
  const { tab, rows, selected, select } = view;
  const rowsOnView = tab === "waterfall";

  // Keys may come faster than the address changes: each goes on from where the last one led.
  const latest = useRef(selected);
  useLayoutEffect(() => {
    latest.current = selected;
  }, [selected]);
  const goTo = (span: number) => {
    latest.current = span;
    select(span);
  };
  const move = (by: number) => {
    const at = latest.current;
    const row = at < 0 ? (by > 0 ? -1 : 0) : (rows.rowOf[at] ?? 0);
    const next = Math.min(Math.max(row + by, 0), rows.spans.length - 1);
    goTo(rows.spans[next] ?? -1);
  };
  const goToError = () => {
    const failed: number[] = [];
    spans.status.forEach((status, span) => {
      if (status === 2) failed.push(span);
    });
    const next = nextMatch(failed, selected, 1);
    if (next !== null) select(next, "waterfall");
  };
  const goToMatch = (direction: -1 | 1) => {
    const next = found.spans === null ? null : nextMatch(found.spans, selected, direction);
    if (next !== null) select(next, rowsOnView ? undefined : "waterfall");
  };
  const group = "Trace";
  useShortcuts(
    [
      { keys: "ArrowDown", does: "Next span", group, run: () => move(1) },
      { keys: "j", does: "Next span", group, run: () => move(1) },
      { keys: "ArrowUp", does: "Previous span", group, run: () => move(-1) },
      { keys: "k", does: "Previous span", group, run: () => move(-1) },
      { keys: "PageDown", does: "Twenty spans down", group, run: () => move(20) },
      { keys: "PageUp", does: "Twenty spans up", group, run: () => move(-20) },
      { keys: "Home", does: "First span", group, run: () => select(rows.spans[0] ?? -1) },
      { keys: "End", does: "Last span", group, run: () => select(rows.spans.at(-1) ?? -1) },
      {
        keys: "ArrowLeft",
        does: "Fold, or go to the parent",
        group,
        run: () => {
          const at = latest.current;
          if (at < 0) return;
          if ((spans.descendants[at] ?? 0) > 0 && view.isOpen(at)) view.toggle(at);
          else if ((spans.parent[at] ?? -1) >= 0) goTo(spans.parent[at] ?? -1);
        },
      },
      {
        keys: "ArrowRight",
        does: "Unfold, or go to the first child",
        group,
        run: () => {
          const at = latest.current;
          if (at < 0 || (spans.descendants[at] ?? 0) === 0) return;
          if (view.isOpen(at)) goTo(at + 1);
          else view.toggle(at);
        },
      },
      { keys: "e", does: "Unfold all", group, run: () => view.fold(NOTHING_FOLDED) },
      { keys: "c", does: "Fold all", group, run: () => view.fold({ all: true, except: new Set() }) },
    ],
    rowsOnView,
  );
  useShortcuts([
    { keys: "n", does: "Next match", group, run: () => goToMatch(1) },
    { keys: "N", does: "Previous match", group, run: () => goToMatch(-1) },
    { keys: "x", does: "Next error", group, run: goToError },
    ...TABS.map((one, index) => ({
      keys: String(index + 1),
      does: TAB_WORDS[one],
      group,
      run: () => setSearch({ tab: one === "waterfall" ? undefined : one }),
    })),
    {
      keys: "Escape",
      does: "Close the span, then show all of the time",
      group,
      run: () => {
        if (selected >= 0) select(-1);
        else view.zoom(null);
      },
    },
  ]);
  return (
    <div className={styles.content} data-panel={selected >= 0 || undefined}>
      <TraceHeader
        waterfall={waterfall}
        onErrors={goToError}
        onService={(service) => setSearch({ find: find === service ? undefined : service, tab: undefined }, { replace: true })}
      />
      <div className={styles.tools}>
        <Segmented
          label="View"
          value={tab}
          options={TABS.map((value) => ({ value, label: TAB_WORDS[value] }))}
          onChange={(value) => setSearch({ tab: value === "waterfall" ? undefined : value })}
        />
        {(rowsOnView || tab === "flame") && (
          <FindField text={find} onText={(text) => setSearch({ find: text }, { replace: true })} found={found} selected={selected} onMove={goToMatch} />
        )}
        {rowsOnView && <WaterfallTools view={view} />}
      </div>
      <div className={styles.main}>
        <div className={styles.view} data-tab={tab}>
          {rowsOnView ? (
            <>
              <Minimap waterfall={waterfall} window={view.window} onWindow={view.zoom} />
              <Waterfall
                waterfall={waterfall}
                rows={rows}
                isOpen={view.isOpen}
                onToggle={view.toggle}
                selected={selected}
                onSelect={(span) => select(span)}
                window={view.window}
                onWindow={view.zoom}
                matches={matches}
                showPath={view.showPath}
              />
            </>
          ) : (
            <Suspense fallback={<Skeleton rows={10} />}>
              {tab === "flame" && <FlameGraph waterfall={waterfall} matches={matches} onSelect={(span) => select(span)} />}
              {tab === "table" && <TraceTable waterfall={waterfall} onOpen={(span) => select(span)} />}
              {tab === "logs" && <TraceLogs waterfall={waterfall} onSpan={(span) => select(span)} />}
              {tab === "map" && <TraceMap waterfall={waterfall} />}
              {tab === "json" && <TraceJson waterfall={waterfall} />}
            </Suspense>
          )}
        </div>
        {selected >= 0 && (
          <SpanPanel
            waterfall={waterfall}
            span={selected}
            onClose={() => select(-1)}
            onZoom={() => {
              const start = spans.start_ns[selected] ?? 0;
              const duration = Math.max(spans.duration_ns[selected] ?? 0, 1_000);
              view.zoom({ startNs: Math.max(start - duration * 0.05, 0), endNs: start + duration * 1.05 });
            }}
          />
        )}
      </div>
    </div>
  );
}
