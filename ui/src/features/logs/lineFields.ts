/** Fields of a log line, named as the search language names them. */

import type { LogLineResponse, LogResourceResponse } from "../../api/schema";

export type Line = LogLineResponse;
export type Resource = LogResourceResponse;
export type Resources = Readonly<Record<string, Resource>>;

/** Names that the search takes for something else than an attribute. */
const BUILT_IN: Readonly<Record<string, (line: Line, resource: Resource | undefined) => unknown>> = {
  service: (line) => line.service,
  "service.name": (line) => line.service,
  level: (line) => line.level,
  severity: (line) => line.level,
  severity_text: (line) => line.severity_text,
  body: (line) => line.body,
  event: (line) => line.event_name,
  event_name: (line) => line.event_name,
  trace_id: (line) => line.trace_id,
  span_id: (line) => line.span_id,
  scope: (_, resource) => resource?.scope_name,
  scope_version: (_, resource) => resource?.scope_version,
};

const OWN = /^(?:attributes|log)\./;
const SENDER = "resource.";

/** Return what a line has for a field: an attribute of its own, or one of its sender; undefined where it has none. */
export function fieldValue(line: Line, resource: Resource | undefined, field: string): unknown {
  const builtIn = Object.hasOwn(BUILT_IN, field) ? BUILT_IN[field] : undefined;
  if (builtIn) return builtIn(line, resource) ?? undefined;
  if (OWN.test(field)) return own(line.attributes, field.replace(OWN, ""));
  if (field.startsWith(SENDER)) return own(resource?.attributes, field.slice(SENDER.length));
  return own(line.attributes, field) ?? own(resource?.attributes, field);
}

const own = (attributes: Readonly<Record<string, unknown>> | undefined, key: string) =>
  attributes && Object.hasOwn(attributes, key) ? attributes[key] : undefined;

/** Return the field by which a search finds an attribute of a line or of its sender. */
export function attributeField(key: string, place: "line" | "resource"): string {
  const isTaken = Object.hasOwn(BUILT_IN, key) || key === "has" || OWN.test(key) || key.startsWith(SENDER);
  if (place === "resource") return key === "service.name" ? "service" : `resource.${key}`;
  return isTaken ? `attributes.${key}` : key;
}

/** Tell whether a search can compare a value: lists and mappings are shown, not searched. */
export const isSearchable = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** Write a value on one line. */
export function shortValue(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? oneLine(value) : JSON.stringify(value);
}

/** Write a value as it reads best: nested values, also those that came as text, as indented JSON. */
export function longValue(value: unknown): string {
  if (typeof value === "string") return indentJson(value) ?? withoutColors(value);
  return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : JSON.stringify(value);
}

/** Indent text that is a JSON object or list; null for any other. */
export function indentJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

// What terminals take for colours and cursor movements (ECMA-48, control sequences).
const CONTROL_SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/g;

const withoutColors = (text: string) => text.replace(CONTROL_SEQUENCE, "");

const ONE_LINE_CHARACTERS = 600;

/** Write text on one line, no longer than a screen is wide. */
export function oneLine(text: string): string {
  // Cut first: a line may be megabytes long.
  const shown = withoutColors(text.slice(0, 2 * ONE_LINE_CHARACTERS)).replace(/\s*\r?\n\s*/g, " ↵ ");
  return shown.length > ONE_LINE_CHARACTERS ? `${shown.slice(0, ONE_LINE_CHARACTERS)}…` : shown;
}

const WRAPPED_CHARACTERS = 4_000;

/** Write text over as many lines as it has, but not without end. */
export function manyLines(text: string): string {
  const shown = withoutColors(text.slice(0, 2 * WRAPPED_CHARACTERS));
  return shown.length > WRAPPED_CHARACTERS ? `${shown.slice(0, WRAPPED_CHARACTERS)}…` : shown;
}

/** Write a line as the export does: one JSON object, with its sender's attributes as `resource`. */
export function lineJson(line: Line, resource: Resource | undefined): string {
  return JSON.stringify({ ...Object.fromEntries(Object.entries(line).filter(([, value]) => value !== null)), resource: resource?.attributes ?? {} });
}

/** Cut text where one of `words` stands in it, whatever its case; every second piece, from the second on, is such a word. */
export function splitAtWords(text: string, words: readonly string[]): string[] {
  if (words.length === 0) return [text];
  const longestFirst = [...words].sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return text.split(new RegExp(`(${longestFirst.join("|")})`, "i"));
}
