/** How a search asks for the attribute that somebody looks at. */

import type { Attribute } from "../../api/schema";

/** Names that a search takes for something else than an attribute. */
const BUILT_IN = new Set([
  "service",
  "name",
  "operation",
  "kind",
  "status",
  "status_message",
  "error",
  "root",
  "duration",
  "trace_id",
  "span_id",
  "parent_id",
  "parent_span_id",
  "event",
  "events",
  "links",
  "scope",
  "scope_version",
  "has",
]);

/** The field by which a search finds an attribute of a span or of its resource. */
export function attributeField({ key }: Pick<Attribute, "key">, place: "span" | "resource"): string {
  if (place === "resource") return `resource.${key}`;
  return BUILT_IN.has(key) || /^(attributes|span|resource)\./.test(key) ? `attributes.${key}` : key;
}

/** Tell whether a search can compare a value: lists, maps and bytes are shown, not searched. */
export const isSearchable = ({ type }: Pick<Attribute, "type">): boolean => type === "string" || type === "bool" || type === "int" || type === "double";
