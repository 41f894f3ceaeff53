/** Where a span worked itself, and where it waited: intervals in nanoseconds from the trace's start. */

import type { SpanColumns } from "../../api/schema";

export type Interval = readonly [startNs: number, endNs: number];

type Tree = Pick<SpanColumns, "parent" | "descendants" | "start_ns" | "duration_ns">;

/** Return the direct children of a span, in order of start. */
export function childrenOf({ descendants }: Pick<SpanColumns, "descendants">, span: number): number[] {
  const children: number[] = [];
  const end = span + (descendants[span] ?? 0);
  for (let child = span + 1; child <= end; child += (descendants[child] ?? 0) + 1) children.push(child);
  return children;
}

/** Return the parts of a span in which none of its children ran; gaps shorter than `resolutionNs` are left out. */
export function ownIntervals(tree: Tree, span: number, resolutionNs = 0): Interval[] {
  const { start_ns: starts, duration_ns: durations, descendants } = tree;
  const start = starts[span] ?? 0;
  const end = start + (durations[span] ?? 0);
  const own: Interval[] = [];
  let covered = start;
  const last = span + (descendants[span] ?? 0);
  for (let child = span + 1; child <= last; child += (descendants[child] ?? 0) + 1) {
    const childStart = Math.min(starts[child] ?? 0, end);
    if (childStart - covered > resolutionNs) own.push([covered, childStart]);
    covered = Math.max(covered, (starts[child] ?? 0) + (durations[child] ?? 0));
    if (covered >= end) break;
  }
  if (end - covered > resolutionNs || (own.length === 0 && covered === start)) own.push([covered, end]);
  return own;
}

/**
 * Return the time in which a span's parent was done and the span had not begun, as a message that lay in a queue; null without.
 *
 *     parent ████
 *     span       ░░░░████
 */
export function waitBefore({ parent, start_ns: starts, duration_ns: durations }: Tree, span: number): Interval | null {
  const above = parent[span] ?? -1;
  if (above < 0) return null;
  const done = (starts[above] ?? 0) + (durations[above] ?? 0);
  const begun = starts[span] ?? 0;
  return begun > done ? [done, begun] : null;
}
