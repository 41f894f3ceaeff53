/** Variables in queries and titles, as Grafana writes them: `$name`, `${name}`, `${name:regex}`, `[[name]]`. */

import { promDuration, rateInterval } from "../metrics/steps";
import type { MomentRange } from "../../app/timeRange";

/** What a variable stands for now; several values at once where many were chosen. */
export interface Bound {
  values: readonly string[];
  /** Many may be chosen, so a query must compare with `=~`. */
  multi: boolean;
  /** What stands for all values, where it was given: put in as it is. */
  raw?: string | undefined;
}

export type Bindings = Readonly<Record<string, Bound>>;

/** Stands in the address and in defaults for all values. */
export const ALL = "$__all";

const REFERENCE = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]/g;

/** Escape what means something in a regular expression that stands in a PromQL string. */
export const escapeRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, (character) => `\\\\${character}`);

/** Escape what would end a PromQL string. */
const escapeString = (text: string): string => text.replace(/["\\]/g, (character) => `\\${character}`);

function write(bound: Bound, format: string): string {
  const { values, raw } = bound;
  if (raw !== undefined && format !== "csv" && format !== "text") return raw;
  switch (format) {
    case "csv":
      return values.join(",");
    case "pipe":
      return values.join("|");
    case "raw":
    case "text":
      return values.join(format === "text" ? ", " : ",");
    case "doublequote":
      return values.map((value) => `"${escapeString(value)}"`).join(",");
    case "singlequote":
      return values.map((value) => `'${value.replace(/['\\]/g, (character) => `\\${character}`)}'`).join(",");
    case "json":
      return JSON.stringify(values);
    case "percentencode":
      return encodeURIComponent(values.join(","));
    case "regex":
      return values.length === 1 ? escapeRegex(values[0] ?? "") : `(${values.map(escapeRegex).join("|")})`;
  }
  if (!bound.multi) return escapeString(values[0] ?? "");
  return values.length === 1 ? escapeRegex(values[0] ?? "") : `(${values.map(escapeRegex).join("|")})`;
}

/** Put values for variables into a text; a name that is none stays as it stands. */
export function interpolate(text: string, bindings: Bindings, format = ""): string {
  return text.replace(REFERENCE, (whole, braced: string | undefined, bracedFormat: string | undefined, plain: string | undefined, old: string | undefined, oldFormat: string | undefined) => {
    const bound = bindings[braced ?? plain ?? old ?? ""];
    return bound ? write(bound, bracedFormat ?? oldFormat ?? format) : whole;
  });
}

/** Return the names of the variables that a text refers to. */
export function referencedNames(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map((match) => match[1] ?? match[3] ?? match[4] ?? "");
}

const single = (value: string): Bound => ({ values: [value], multi: false, raw: value });

/** Return what the variables that are always there stand for: `$__interval`, `$__rate_interval`, `$__range` and their kin. */
export function timeBindings(stepMs: number, { startMs, endMs }: MomentRange): Bindings {
  const rangeMs = endMs - startMs;
  const rate = rateInterval(stepMs);
  return {
    __interval: single(promDuration(stepMs)),
    __interval_ms: single(String(stepMs)),
    __rate_interval: single(promDuration(rate)),
    __rate_interval_ms: single(String(rate)),
    __range: single(`${Math.max(1, Math.round(rangeMs / 1_000))}s`),
    __range_s: single(String(Math.max(1, Math.round(rangeMs / 1_000)))),
    __range_ms: single(String(rangeMs)),
    __from: single(String(startMs)),
    __to: single(String(endMs)),
    timeFilter: single(""),
  };
}

/** Read the values of a variable from the address: a comma between two, `\,` for one that is part of a value. */
export function readValues(text: string): string[] {
  const values: string[] = [];
  let value = "";
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\" && text[at + 1] !== undefined) {
      value += text[at + 1] ?? "";
      at += 1;
    } else if (text[at] === ",") {
      values.push(value);
      value = "";
    } else value += text[at] ?? "";
  }
  values.push(value);
  return values.filter((one) => one !== "");
}

/** Write the values of a variable into the address. */
export const writeValues = (values: readonly string[]): string => values.map((value) => value.replace(/[\\,]/g, (character) => `\\${character}`)).join(",");
