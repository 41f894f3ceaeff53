/** What series are called. */

import type { LabelSet } from "./promql";

const BARE_NAME = /^[a-zA-Z_:][\w:]*$/;
const BARE_LABEL = /^[a-zA-Z_]\w*$/;

const quoted = (text: string) => JSON.stringify(text);

/** Write a series as PromQL selects it: `up{job="api"}`; names that need quotes get them. */
export function seriesText(labels: LabelSet): string {
  const { __name__: name, ...rest } = labels;
  const isBare = name === undefined || BARE_NAME.test(name);
  const pairs = Object.entries(rest).map(([label, value]) => `${BARE_LABEL.test(label) ? label : quoted(label)}=${quoted(value)}`);
  if (name !== undefined && !isBare) pairs.unshift(quoted(name));
  const braces = pairs.length > 0 ? `{${pairs.join(", ")}}` : "";
  return `${isBare ? (name ?? "") : ""}${braces}` || "{}";
}

/** Put a series' labels into a legend format, `{{instance}} {{ job }}`; a label that it lacks leaves nothing. */
export const formatLegend = (format: string, labels: LabelSet): string => format.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_, label: string) => labels[label] ?? "");

/** Return the labels in which series differ; all of them where there is one series only. */
export function differingLabels(series: readonly LabelSet[]): string[] {
  const names = [...new Set(series.flatMap((labels) => Object.keys(labels)))];
  if (series.length < 2) return names;
  return names.filter((name) => new Set(series.map((labels) => labels[name])).size > 1);
}

/**
 * Return a name for each series of a query, all different: by the legend format; without one, the labels in which the series
 * differ; and the expression where a series has no label.
 */
export function nameSeries(series: readonly LabelSet[], format: string, expression: string): string[] {
  const differing = new Set(differingLabels(series));
  const name = (labels: LabelSet) => {
    if (format !== "") return formatLegend(format, labels) || seriesText(labels);
    if (Object.keys(labels).length === 0) return expression;
    if (series.length < 2) return seriesText(labels);
    return seriesText(Object.fromEntries(Object.entries(labels).filter(([label]) => label === "__name__" || differing.has(label))));
  };
  return makeUnique(series.map(name));
}

/** Number the names that stand there more than once: `a`, `a (2)`. */
export function makeUnique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
