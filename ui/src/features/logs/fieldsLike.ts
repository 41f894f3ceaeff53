/** Find fields by a part of their name. */

import type { FieldResponse } from "../../api/schema";

const KINDS: readonly FieldResponse["kind"][] = ["built_in", "attribute", "resource"];

/** Return the fields that hold `part`, whatever its case: those that begin with it first, then built-in ones, then attributes of lines, the most frequent first. */
export function fieldsLike(fields: readonly FieldResponse[], part: string): FieldResponse[] {
  const wanted = part.toLowerCase();
  const begins = ({ name }: FieldResponse) => name.toLowerCase().startsWith(wanted);
  return fields
    .filter(({ name }) => name.toLowerCase().includes(wanted) && name !== part)
    .sort(
      (a, b) =>
        Number(begins(b)) - Number(begins(a)) ||
        KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
        (b.count ?? 0) - (a.count ?? 0) ||
        a.name.localeCompare(b.name),
    );
}
