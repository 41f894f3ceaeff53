/** Results of range queries as what charts draw: one axis of moments, and a value or a gap of each series at each. */

import type { Series } from "../../charts/TimeSeriesChart";
import type { MomentRange } from "../../app/timeRange";
import type { PromResult, PromSeries } from "./promql";
import { nameSeries } from "./legend";

export interface Frame {
  timesMs: readonly number[];
  series: readonly (Series & { labels: Readonly<Record<string, string>> })[];
}

/** Return the moments of a grid. */
export function gridTimes({ startMs, endMs }: MomentRange, stepMs: number): number[] {
  const steps = Math.max(0, Math.floor((endMs - startMs) / stepMs)) + 1;
  return Array.from({ length: steps }, (_, index) => startMs + index * stepMs);
}

/** Lay one series on a grid; a moment without a sample is a gap, as is what is no number. */
export function gridValues(series: PromSeries, range: MomentRange, stepMs: number): (number | null)[] {
  const length = Math.max(0, Math.floor((range.endMs - range.startMs) / stepMs)) + 1;
  const values = Array.from<number | null>({ length }).fill(null);
  series.timesMs.forEach((ms, at) => {
    const place = Math.round((ms - range.startMs) / stepMs);
    const value = series.values[at];
    if (place >= 0 && place < length && value !== undefined && Number.isFinite(value)) values[place] = value;
  });
  return values;
}

interface Named {
  result: PromResult;
  legend: string;
  expression: string;
}

/** Lay the series of several queries on the grid that they were asked for, each under a name of its own. */
export function makeFrame(results: readonly Named[], range: MomentRange, stepMs: number): Frame {
  const timesMs = gridTimes(range, stepMs);
  const all = results.flatMap(({ result, legend, expression }) => {
    const names = nameSeries(
      result.series.map(({ labels }) => labels),
      legend,
      expression,
    );
    return result.series.map((series, index) => ({ name: names[index] ?? "", labels: series.labels, values: gridValues(series, range, stepMs) }));
  });
  const seen = new Map<string, number>();
  return {
    timesMs,
    series: all.map((one) => {
      const count = (seen.get(one.name) ?? 0) + 1;
      seen.set(one.name, count);
      return count === 1 ? one : { ...one, name: `${one.name} (${count})` };
    }),
  };
}
