/** Find fields by a part of their name. */

import type { FieldResponse } from "../../api/schema";

/** Return the fields that hold `part`, whatever its case: those that begin with it first, then built-in ones, then the most frequent. */
export function fieldsLike(fields: readonly FieldResponse[], part: string): FieldResponse[] {
  const wanted = part.toLowerCase();
  const begins = ({ name }: FieldResponse) => name.toLowerCase().startsWith(wanted);
  return fields
    .filter(({ name }) => name.toLowerCase().includes(wanted) && name !== part)
    .sort(
      (a, b) =>
        Number(begins(b)) - Number(begins(a)) ||
        Number(b.kind === "built_in") - Number(a.kind === "built_in") ||
        (b.count ?? 0) - (a.count ?? 0) ||
        a.name.localeCompare(b.name),
    );
}
