/** The traces behind a cell of a heatmap: what took so long, at that time. */

import { type Target, tracesLink, quoteValue } from "../../app/links";
import type { Cell } from "../../charts/HeatmapChart";
import type { PromSeries } from "./promql";

const SECONDS: Readonly<Record<string, number>> = { seconds: 1, milliseconds: 1e-3, microseconds: 1e-6, nanoseconds: 1e-9 };
const SERVICE_LABELS = ["service_name", "service", "exported_service"];
const OPERATION_LABELS = ["span_name", "operation"];

/** Return the search for the traces of a cell, or null where the values are no durations. */
export function cellTraces(cell: Cell, unit: string, expression: string, series: readonly PromSeries[]): Target | null {
  const scale = SECONDS[unit] ?? (/_seconds(_bucket)?\b/.test(expression) ? 1 : /_milliseconds(_bucket)?\b/.test(expression) ? 1e-3 : null);
  if (scale === null) return null;
  const terms = [];
  const service = valueOf(SERVICE_LABELS, expression, series);
  const operation = valueOf(OPERATION_LABELS, expression, series);
  if (service !== null) terms.push(`service:${quoteValue(service)}`);
  if (operation !== null) terms.push(`name:${quoteValue(operation)}`);
  if (cell.lower > 0 && Number.isFinite(cell.lower)) terms.push(`duration>${duration(cell.lower * scale)}`);
  if (Number.isFinite(cell.upper)) terms.push(`duration<=${duration(cell.upper * scale)}`);
  return tracesLink(terms.join(" "), { from: moment(cell.startMs), to: moment(cell.endMs), sort: "slowest" });
}

const moment = (ms: number): string => new Date(ms).toISOString();

/** Write seconds as the search language reads them, to the microsecond. */
const duration = (seconds: number): string => {
  const us = Math.round(seconds * 1e6);
  return us % 1_000_000 === 0 ? `${us / 1_000_000}s` : us % 1_000 === 0 ? `${us / 1_000}ms` : `${us}us`;
};

/** Return the one value that the series have for a label, or that the query asks for. */
function valueOf(labels: readonly string[], expression: string, series: readonly PromSeries[]): string | null {
  for (const label of labels) {
    const values = new Set(series.map((one) => one.labels[label]));
    const [only] = values;
    if (values.size === 1 && only !== undefined) return only;
    const asked = new RegExp(`\\b${label}\\s*=\\s*"([^"\\\\]+)"`).exec(expression)?.[1];
    if (asked !== undefined) return asked;
  }
  return null;
}
