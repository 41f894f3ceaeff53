/** Costs over time, laid out on every day or hour of a range; and what changed against the time before. */

import type { CostGroup, CostPoint } from "../../api/schema";
import type { MomentRange } from "../../app/timeRange";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Up to this length the server answers by the hour. */
const LONGEST_BY_HOUR_MS = 3 * DAY_MS;

export interface CostCourse {
  /** Start of each day or hour, in UTC. */
  timesMs: number[];
  stepMs: number;
  series: { name: string; values: number[] }[];
}

const OTHERS = "all others";

/** Return what each of the `most` greatest spenders cost by day or hour, and all others as one; the parts sum to the whole. */
export function layOutCosts(points: readonly CostPoint[], { startMs, endMs }: MomentRange, most: number, words: (value: string) => string): CostCourse {
  const stepMs = endMs - startMs <= LONGEST_BY_HOUR_MS ? HOUR_MS : DAY_MS;
  const first = Math.floor(startMs / stepMs) * stepMs;
  const timesMs = Array.from({ length: Math.max(1, Math.ceil((endMs - first) / stepMs)) }, (_, index) => first + index * stepMs);
  const totals = new Map<string, number>();
  for (const { value, total_nd: total } of points) totals.set(value, (totals.get(value) ?? 0) + total);
  const ranked = [...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([value]) => value);
  const shown = new Set(ranked.length > most ? ranked.slice(0, most - 1) : ranked);
  const series = new Map<string, number[]>();
  for (const { at, value, total_nd: total } of points) {
    const index = Math.floor((momentOf(at) - first) / stepMs);
    if (index < 0 || index >= timesMs.length) continue;
    const name = shown.has(value) ? words(value) : OTHERS;
    let values = series.get(name);
    if (!values) series.set(name, (values = timesMs.map(() => 0)));
    values[index] = (values[index] ?? 0) + total;
  }
  const order = [...ranked.filter((value) => shown.has(value)).map(words), OTHERS];
  return { timesMs, stepMs, series: order.flatMap((name) => (series.has(name) ? [{ name, values: series.get(name) ?? [] }] : [])) };
}

/** Read `2026-11-21`, `2026-11-21 10:00:00` or `2026-11-21T10`, all in UTC. */
export function momentOf(at: string): number {
  const [, day = "", hour = "00"] = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}))?/.exec(at) ?? [];
  return Date.parse(`${day}T${hour}:00:00Z`);
}

export interface Mover {
  value: string;
  nowNd: number;
  beforeNd: number;
  deltaNd: number;
}

/** Return what changed most against the time before, the greatest difference first. */
export function findMovers(groups: readonly CostGroup[], most: number): Mover[] {
  return groups
    .flatMap(({ value, cost, previous_total_nd: before }) => (before === null ? [] : [{ value, nowNd: cost.total_nd, beforeNd: before, deltaNd: cost.total_nd - before }]))
    .filter(({ deltaNd }) => deltaNd !== 0)
    .sort((a, b) => Math.abs(b.deltaNd) - Math.abs(a.deltaNd) || (a.value < b.value ? -1 : 1))
    .slice(0, most);
}
