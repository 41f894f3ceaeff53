/** What is on view in Explore, as it stands in the URL: `?q=up&legend={{job}}&q2=…&hide=2&view=table`. */

import type { Search } from "../../app/location";

export interface ExploreQuery {
  expression: string;
  legend: string;
  hidden: boolean;
}

export type View = "graph" | "table" | "heatmap";

const key = (name: string, index: number) => (index === 0 ? name : `${name}${(index + 1).toString()}`);

/** Read the queries; at least one, which may be empty. */
export function readQueries(search: Search): ExploreQuery[] {
  const hidden = new Set((search.hide ?? "").split(","));
  const numbers = Object.keys(search).flatMap((name) => {
    const found = /^q(\d*)$/.exec(name);
    return found ? [found[1] === "" ? 1 : Number(found[1])] : [];
  });
  const count = Math.min(Math.max(1, ...numbers), 26);
  return Array.from({ length: count }, (_, index) => ({
    expression: search[key("q", index)] ?? "",
    legend: search[key("legend", index)] ?? "",
    hidden: hidden.has(String(index + 1)),
  }));
}

/** Return the changes of the URL that make it hold these queries and no others. */
export function writeQueries(queries: readonly ExploreQuery[], before: Search): Search {
  const gone = Object.keys(before).filter((name) => /^(q|legend)\d*$/.test(name));
  const changes: Search = Object.fromEntries(gone.map((name) => [name, undefined]));
  queries.forEach(({ expression, legend }, index) => {
    // The last of several may be empty as yet: a blank holds its place.
    changes[key("q", index)] = expression === "" && index > 0 ? " " : expression;
    changes[key("legend", index)] = legend;
  });
  changes.hide = queries
    .flatMap(({ hidden }, index) => (hidden ? [String(index + 1)] : []))
    .join(",");
  return changes;
}

/** Return the letter of a query. */
export const letterOf = (index: number): string => String.fromCharCode(65 + index);

/** Return the queries with one moved by `by` places. */
export function moveQuery<T>(queries: readonly T[], index: number, by: number): T[] {
  const to = index + by;
  const next = [...queries];
  if (to < 0 || to >= next.length) return next;
  const [moved] = next.splice(index, 1);
  next.splice(to, 0, moved as T);
  return next;
}

/** Tell whether single measurements stand on the axis of what an expression yields: quantiles and averages, not rates. */
export const showsMeasurements = (expression: string): boolean =>
  /\bhistogram_(quantile|avg)\b/.test(expression) || /_sum\b[\s\S]*\/[\s\S]*_count\b/.test(expression);

/** Return a query that shows a metric sensibly: a rate of what only grows, a quantile of a distribution. */
export function starterQuery(metric: string, type: string, quoted = metric): string {
  if (type === "histogram" && metric.endsWith("_bucket")) return `histogram_quantile(0.95, sum by (le) (rate(${quoted}[5m])))`;
  if (type === "histogram" && !/_(sum|count)$/.test(metric)) return `histogram_quantile(0.95, sum(rate(${quoted}[5m])))`;
  if (type === "counter" || /_(total|sum|count|bucket)$/.test(metric)) return `rate(${quoted}[5m])`;
  return quoted;
}

/** Write a metric's name as a selector; names of other letters than Prometheus' old ones go in braces. */
export const selectorOf = (metric: string): string => (/^[a-zA-Z_:][\w:]*$/.test(metric) ? metric : `{${JSON.stringify(metric)}}`);
