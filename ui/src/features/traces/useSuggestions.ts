/** What could stand at the cursor of a query. */

import { useRangeQuery } from "../../api/queries";
import type { TagNames, TagValues } from "../../api/schema";
import type { Suggestion } from "../../components/QueryLine";
import { OPERATORS, type Typing } from "../../components/queryText";
import { formatNumber } from "../../format/numbers";

const MOST = 12;

const KINDS: Record<string, string> = { builtin: "built in", attribute: "attribute", resource: "resource" };

/** Return suggestions for what is being typed; asks the server while `open`. */
export function useSuggestions(typing: Typing, open: boolean): Suggestion[] {
  const names = useRangeQuery<TagNames>("/api/tracing/tags", { prefix: typing.prefix }, { enabled: open && typing.kind === "field" });
  const values = useRangeQuery<TagValues>(
    `/api/tracing/tags/${encodeURIComponent(typing.field || "service")}/values`,
    { prefix: typing.prefix, limit: MOST },
    { enabled: open && typing.kind === "value" && typing.field !== "" },
  );
  if (typing.kind === "operator") return OPERATORS.map(({ text, does }) => ({ text, detail: does }));
  if (typing.kind === "field") {
    const tags = names.data?.data.tags ?? [];
    return tags
      .filter(({ name }) => name !== typing.prefix)
      .slice(0, MOST)
      .map(({ name, kind, spans }) => ({ text: name, detail: kind === "builtin" ? (KINDS[kind] ?? kind) : `${formatNumber(spans)} spans` }));
  }
  const found = values.isPlaceholderData ? [] : (values.data?.data.values ?? []);
  return found.filter(({ value }) => value !== typing.prefix).map(({ value, spans }) => ({ text: value, detail: `${formatNumber(spans)} spans` }));
}
