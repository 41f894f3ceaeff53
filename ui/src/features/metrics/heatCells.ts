/** Distributions over time as cells: of classic histograms by their label `le`, of native ones by their buckets. */

import type { MomentRange } from "../../app/timeRange";
import { gridTimes, gridValues } from "./frames";
import { type PromSeries, sampleValue } from "./promql";

export interface HeatCells {
  timesMs: readonly number[];
  /** Upper bounds of the rows from the bottom up; the last may be infinite. */
  bounds: readonly number[];
  /** How much is in each row at each moment: `counts[row][step]`; null where nothing is known. */
  counts: readonly (readonly (number | null)[])[];
  /** What the rows are where they are no buckets: names of series. */
  names: readonly string[] | null;
}

/** Return cells of whatever the series are: native histograms, buckets by `le`, or else a row for each series. */
export function makeCells(series: readonly PromSeries[], range: MomentRange, stepMs: number, nameOf: (series: PromSeries) => string): HeatCells {
  if (series.some(({ histograms }) => histograms !== undefined)) return fromNative(series, range, stepMs);
  if (series.length > 0 && series.every(({ labels }) => labels.le !== undefined)) return fromBuckets(series, range, stepMs);
  const timesMs = gridTimes(range, stepMs);
  const names = series.map(nameOf);
  return { timesMs, bounds: series.map((_, index) => index + 1), counts: series.map((one) => gridValues(one, range, stepMs)), names };
}

/** A classic bucket holds all that is at most `le`: what a row holds is the difference to the bucket below. */
function fromBuckets(series: readonly PromSeries[], range: MomentRange, stepMs: number): HeatCells {
  const timesMs = gridTimes(range, stepMs);
  const sums = new Map<number, (number | null)[]>();
  for (const one of series) {
    const bound = sampleValue(one.labels.le ?? "");
    if (Number.isNaN(bound)) continue;
    const row = gridValues(one, range, stepMs);
    const sum = sums.get(bound);
    sums.set(bound, sum ? sum.map((value, at) => (row[at] === null || row[at] === undefined ? value : (value ?? 0) + row[at])) : row);
  }
  const bounds = [...sums.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound, index) => {
    const own = sums.get(bound) ?? [];
    const below = index > 0 ? (sums.get(bounds[index - 1] ?? 0) ?? []) : [];
    return own.map((value, at) => (value === null ? null : Math.max(0, value - (below[at] ?? 0))));
  });
  return { timesMs, bounds, counts, names: null };
}

const MOST_ROWS = 160;

/** Native buckets differ from moment to moment: each is put into the row of its upper bound. */
function fromNative(series: readonly PromSeries[], range: MomentRange, stepMs: number): HeatCells {
  const timesMs = gridTimes(range, stepMs);
  const all = new Set<number>();
  for (const { histograms } of series) for (const { buckets } of histograms?.values ?? []) for (const bucket of buckets) all.add(bucket[2]);
  let bounds = [...all].sort((a, b) => a - b);
  if (bounds.length > MOST_ROWS) {
    const every = Math.ceil(bounds.length / MOST_ROWS);
    bounds = bounds.filter((_, index) => index % every === every - 1 || index === bounds.length - 1);
  }
  const counts = bounds.map(() => Array.from<number | null>({ length: timesMs.length }).fill(null));
  const rowOf = (upper: number) => {
    let low = 0;
    let high = bounds.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((bounds[middle] ?? 0) < upper) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  for (const { histograms } of series) {
    histograms?.timesMs.forEach((ms, at) => {
      const place = Math.round((ms - range.startMs) / stepMs);
      if (place < 0 || place >= timesMs.length) return;
      for (const row of counts) row[place] ??= 0;
      for (const [, , upper, count] of histograms.values[at]?.buckets ?? []) {
        const row = counts[rowOf(upper)];
        if (row) row[place] = (row[place] ?? 0) + count;
      }
    });
  }
  return { timesMs, bounds, counts, names: null };
}
