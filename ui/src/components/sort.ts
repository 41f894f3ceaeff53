/** The order of a table. */

export interface Sort {
  key: string;
  descending: boolean;
}

/** Return the order after a click on a heading: numbers start with the largest, words with A, a second click turns it round. */
export function nextSort(sort: Sort | null, key: string, numeric: boolean): Sort {
  return sort?.key === key ? { key, descending: !sort.descending } : { key, descending: numeric };
}

type Sortable = number | string | null | undefined;

/** Sort rows by a value, stable; missing values come last in either direction. */
export function sortRows<Row>(rows: readonly Row[], by: (row: Row) => Sortable, descending: boolean): Row[] {
  const isMissing = (value: Sortable) => value === null || value === undefined || Number.isNaN(value);
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort((a, b) => {
      if (isMissing(a.value) || isMissing(b.value)) return Number(isMissing(a.value)) - Number(isMissing(b.value));
      const order =
        typeof a.value === "string" || typeof b.value === "string"
          ? String(a.value).localeCompare(String(b.value), "en", { numeric: true })
          : Number(a.value) - Number(b.value);
      return descending ? -order : order;
    })
    .map(({ row }) => row);
}
