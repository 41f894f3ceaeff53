/** What the legend says of a series. */

type Values = readonly (number | null)[];

export interface Summary {
  last: number | null;
  mean: number | null;
  max: number | null;
}

/** Return the last known value, the mean and the maximum; null where nothing is known. */
export function summarize(values: Values): Summary {
  let last: number | null = null;
  let max: number | null = null;
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    last = value;
    max = max === null ? value : Math.max(max, value);
    sum += value;
    count += 1;
  }
  return { last, mean: count ? sum / count : null, max };
}

/** Return at most `limit` series, those with the highest maximum, in their own order. */
export function topByMax<S extends { values: Values }>(series: readonly S[], limit: number): readonly S[] {
  if (series.length <= limit) return series;
  const ranked = series.map((one, index) => ({ index, max: summarize(one.values).max ?? -Infinity })).sort((a, b) => b.max - a.max);
  const kept = new Set(ranked.slice(0, limit).map(({ index }) => index));
  return series.filter((_, index) => kept.has(index));
}

/**
 * Return which series are shown after a click on `name` in the legend: a click isolates it, or shows all when it stood alone;
 * shift adds or removes it. An empty set means all.
 */
export function clickLegend(shown: ReadonlySet<string>, name: string, shift: boolean, all: readonly string[]): ReadonlySet<string> {
  if (!shift) return shown.size === 1 && shown.has(name) ? new Set() : new Set([name]);
  const next = new Set(shown.size === 0 ? all : shown);
  if (shown.size > 0 && next.has(name)) next.delete(name);
  else if (shown.size === 0) return new Set([name]);
  else next.add(name);
  return next.size === all.length ? new Set() : next;
}
