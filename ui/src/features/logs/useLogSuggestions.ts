/** What could stand at the cursor of a query for logs. */

import { useRangeQuery } from "../../api/queries";
import type { FieldValuesResponse, LogFieldsResponse } from "../../api/schema";
import type { Suggestion } from "../../components/QueryLine";
import { OPERATORS, type Typing } from "../../components/queryText";
import { formatNumber } from "../../format/numbers";
import { fieldsLike } from "./fieldsLike";

const MOST = 12;

/** Return suggestions for what is being typed; asks the server while `open`. */
export function useLogSuggestions(typing: Typing, open: boolean): Suggestion[] {
  const known = useRangeQuery<LogFieldsResponse>("/api/logs/fields", {}, { enabled: open });
  const values = useRangeQuery<FieldValuesResponse>(
    `/api/logs/fields/${encodeURIComponent(typing.field || "service")}/values`,
    { prefix: typing.prefix, limit: MOST },
    { enabled: open && typing.kind === "value" && typing.field !== "" },
  );
  const fields = known.data?.data.fields ?? [];
  if (typing.kind === "operator") {
    // After a word that is no field, nothing is due: it is looked for in the text.
    return fields.some(({ name }) => name === typing.field) ? OPERATORS.map(({ text, does }) => ({ text, detail: does })) : [];
  }
  if (typing.kind === "field") {
    return fieldsLike(fields, typing.prefix)
      .slice(0, MOST)
      .map(({ name, description, count }) => ({ text: name, detail: count === null ? description : `${formatNumber(count)} lines` }));
  }
  const found = values.data?.data;
  if (found?.field !== typing.field) return [];
  // What was asked for a shorter prefix still holds for those that begin with the longer one.
  const prefix = typing.prefix.toLowerCase();
  return found.values
    .filter(({ value }) => value !== typing.prefix && value.toLowerCase().startsWith(prefix))
    .map(({ value, count }) => ({ text: value, detail: `${formatNumber(count)} lines` }));
}
