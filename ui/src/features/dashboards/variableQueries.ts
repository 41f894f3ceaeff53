/** What a variable of kind `query` asks, as Grafana writes it, and what becomes of the answer. */

import type { Variable } from "../../api/schema";
import { seriesText } from "../metrics/legend";
import type { PromResult } from "../metrics/promql";

export type VariableQuery =
  | { kind: "values"; selector: string; label: string }
  | { kind: "names"; selector: string }
  | { kind: "metrics"; pattern: string }
  | { kind: "result"; expression: string };

/** Read a query; null when it is none that is known. */
export function readVariableQuery(text: string): VariableQuery | null {
  const query = text.trim();
  const values = /^label_values\(\s*(?:([\s\S]+?)\s*,\s*)?("?)([^\s,"{}]+)\2\s*\)$/.exec(query);
  if (values) return { kind: "values", selector: (values[1] ?? "").trim(), label: values[3] ?? "" };
  const names = /^label_names\(\s*([\s\S]*?)\s*\)$/.exec(query);
  if (names) return { kind: "names", selector: names[1] ?? "" };
  const metrics = /^metrics\(\s*([\s\S]*?)\s*\)$/.exec(query);
  if (metrics) return { kind: "metrics", pattern: metrics[1] ?? "" };
  const result = /^query_result\(\s*([\s\S]+?)\s*\)$/.exec(query);
  if (result) return { kind: "result", expression: result[1] ?? "" };
  return null;
}

/** Return the texts that a result offers: each series with its value, as Grafana writes them. */
export const resultTexts = (result: PromResult): string[] =>
  result.series.map(({ labels, values, timesMs }) => `${seriesText(labels).replaceAll(", ", ",")} ${values.at(-1) ?? ""} ${timesMs.at(-1) ?? ""}`);

/** Read `/regex/` or `regex`; null when it is none. */
function readRegex(text: string): RegExp | null {
  const delimited = /^\/(.*)\/([a-z]*)$/s.exec(text);
  try {
    return delimited ? new RegExp(delimited[1] ?? "", (delimited[2] ?? "").replace("g", "")) : new RegExp(`^(?:${text})$`);
  } catch {
    return null;
  }
}

export interface Choice {
  value: string;
  label: string;
}

const NUMBERED = new Intl.Collator("en", { numeric: true });

/** Return the choices that an answer leaves: those that the pattern fits, their group `value` or first group, in order. */
export function makeChoices(texts: readonly string[], { regex, sort }: Pick<Variable, "regex" | "sort">): Choice[] {
  const pattern = regex === "" ? null : readRegex(regex);
  const found = texts.flatMap((text): Choice[] => {
    if (!pattern) return [{ value: text, label: text }];
    const match = pattern.exec(text);
    if (!match) return [];
    const value = match.groups?.value ?? match[1] ?? match[0];
    return [{ value, label: match.groups?.text ?? value }];
  });
  const unique = [...new Map(found.map((choice) => [choice.value, choice])).values()];
  if (sort === "none") return unique;
  unique.sort((a, b) => NUMBERED.compare(a.label, b.label));
  return sort === "descending" ? unique.reverse() : unique;
}

/** Return the choices of a variable that lists them itself; `name : value` is shown by its name. */
export function listedChoices(options: readonly string[]): Choice[] {
  return options.map((option) => {
    const [, label, value] = /^(.+?)\s+:\s+(.+)$/.exec(option) ?? [];
    return label !== undefined && value !== undefined ? { value, label } : { value: option, label: option };
  });
}
