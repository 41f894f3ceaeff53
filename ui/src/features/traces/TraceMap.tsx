import { lazy, Suspense, useMemo } from "react";
import type { Waterfall } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { Skeleton } from "../../components/states";
import { formatDuration } from "../../format/durations";
import { formatCount } from "../../format/numbers";
import type { GraphCall, GraphNode } from "../services/ServiceGraph";
import { findCalls } from "./traceCalls";

const ServiceGraph = lazy(() => import("../services/ServiceGraph"));

const failedWords = (errors: number) => (errors > 0 ? `${formatCount(errors)} failed` : "");

/** Which service called which in this trace. */
export default function TraceMap({ waterfall }: { waterfall: Waterfall }) {
  const selected = useParam("service");
  const setSearch = useSetSearch();
  const nodes = useMemo(
    () =>
      waterfall.service_times.map(
        ({ service, spans, errors, self_ns: own }): GraphNode => ({
          name: service,
          kind: "service",
          figures: `${formatCount(spans)} ${spans === 1 ? "span" : "spans"} · ${formatDuration(own)} own`,
          failed: failedWords(errors),
        }),
      ),
    [waterfall],
  );
  const calls = useMemo(() => {
    const found = findCalls(waterfall);
    const busiest = Math.max(...found.map((call) => call.calls), 1);
    return found.map(
      (call): GraphCall => ({
        client: call.client,
        server: call.server,
        kind: "call",
        figures: `${formatCount(call.calls)} × ${formatDuration(call.meanNs)}`,
        failed: failedWords(call.errors),
        weight: Math.log1p(call.calls) / Math.log1p(busiest),
      }),
    );
  }, [waterfall]);
  return (
    <Suspense fallback={<Skeleton rows={10} />}>
      <ServiceGraph
        label="Services of the trace"
        nodes={nodes}
        calls={calls}
        selected={selected}
        onSelect={(service) => setSearch({ service }, { replace: true })}
      />
    </Suspense>
  );
}
