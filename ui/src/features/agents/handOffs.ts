/** What passed between agents: over a whole range, or in one of its steps. */

import type { HandOffGraph } from "../../api/schema";
import { nsToMs } from "../../format/times";

export interface Passing {
  from: string;
  to: string;
  kind: string;
  /** In the step that is on view, or in the whole range. */
  count: number;
  /** In the whole range. */
  total: number;
}

/** Return each way that work went, with its count in `step` (null for the range), the busiest of the range first. */
export function sumPassings(graph: HandOffGraph, startMs: number, step: number | null): Passing[] {
  const passings = new Map<string, Passing>();
  for (const edge of graph.edges) {
    const key = JSON.stringify([edge.from_agent, edge.to_agent, edge.kind]);
    let passing = passings.get(key);
    if (!passing) passings.set(key, (passing = { from: edge.from_agent, to: edge.to_agent, kind: edge.kind, count: 0, total: 0 }));
    passing.total += edge.count;
    if (step === null || stepOf(graph, startMs, nsToMs(edge.time_ns)) === step) passing.count += edge.count;
  }
  return [...passings.values()].sort((a, b) => b.total - a.total || (a.from + a.to < b.from + b.to ? -1 : 1));
}

/** Return how much work passed on in each of `steps` steps. */
export function countBySteps(graph: HandOffGraph, startMs: number, steps: number): number[] {
  const counts = Array.from({ length: steps }, () => 0);
  for (const edge of graph.edges) {
    const at = stepOf(graph, startMs, nsToMs(edge.time_ns));
    if (at >= 0 && at < steps) counts[at] = (counts[at] ?? 0) + edge.count;
  }
  return counts;
}

/** Return the step that a moment falls into. */
export const stepOf = (graph: Pick<HandOffGraph, "step_ns">, startMs: number, ms: number): number => Math.floor((ms - startMs) / (graph.step_ns / 1e6) + 1e-6);
