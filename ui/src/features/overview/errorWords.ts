/** Errors in words. */

import type { ErrorGroup } from "../../api/schema";

/**
 * Say what failed: kind and message, or what was done where there is no message. The package of an exception is left out
 * (`httpx.ReadTimeout` says no more than `ReadTimeout`), and so is a kind that the message begins with.
 */
export function errorWords({ error_type: type, message, name }: Pick<ErrorGroup, "error_type" | "message" | "name">): string {
  const kind = type.split(/[.:/]/).at(-1) ?? "";
  if (!message) return [kind, name].filter(Boolean).join(" ");
  return !kind || message.includes(kind) ? message : `${kind}: ${message}`;
}
