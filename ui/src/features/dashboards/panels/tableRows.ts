/** Results of several queries as one table: a row for each set of labels, a column for each query's value. */

import type { LabelSet } from "../../metrics/promql";
import { letterOf } from "../../metrics/exploreState";
import type { Good } from "./PanelAnswer";

export interface TableRow {
  key: string;
  labels: LabelSet;
  /** The value of each query, by the name of its column. */
  values: Readonly<Record<string, number | null>>;
}

export interface TableData {
  labels: readonly string[];
  values: readonly string[];
  rows: readonly TableRow[];
}

/** Join results by their labels; with one query its column is `Value`, with several `Value #A` and so on. */
export function makeRows(good: readonly Pick<Good, "result">[]): TableData {
  const names = good.map((_, index) => (good.length === 1 ? "Value" : `Value #${letterOf(index)}`));
  const rows = new Map<string, { labels: LabelSet; values: Record<string, number | null> }>();
  const labels = new Set<string>();
  good.forEach(({ result }, index) => {
    for (const series of result.series) {
      // With several metrics in a row, none of their names is the row's.
      const own = Object.fromEntries(Object.entries(series.labels).filter(([name]) => good.length === 1 || name !== "__name__"));
      Object.keys(own).forEach((name) => labels.add(name));
      const key = JSON.stringify(Object.entries(own).sort(([a], [b]) => a.localeCompare(b)));
      const row = rows.get(key) ?? { labels: own, values: {} };
      row.values[names[index] ?? ""] = series.values.at(-1) ?? null;
      rows.set(key, row);
    }
  });
  return {
    labels: [...labels].sort((a, b) => Number(b === "__name__") - Number(a === "__name__") || a.localeCompare(b)),
    values: names,
    rows: [...rows].map(([key, row]) => ({ key, ...row })),
  };
}
