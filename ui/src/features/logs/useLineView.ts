/** How lines are shown, kept in the URL, and what can be done with one: shared by search, tail and surroundings. */

import { useMemo } from "react";
import { useParam, useSetSearch } from "../../app/location";
import { withCondition } from "../../components/queryText";
import type { LineActions } from "./LineDetails";

const DEFAULT_COLUMNS = ["service"];
/** Stands for "no columns", because an empty parameter is none. */
const NO_COLUMNS = "-";

/** Read the columns of the URL: a list with commas, in which `\,` is a comma of a name. */
export function readColumns(text: string): string[] {
  if (text === "") return DEFAULT_COLUMNS;
  if (text === NO_COLUMNS) return [];
  return [...new Set(text.split(/(?<!\\),/).map((name) => name.replaceAll("\\,", ",")))].filter((name) => name !== "");
}

/** Write columns for the URL; undefined for those that are shown anyway. */
export function writeColumns(columns: readonly string[]): string | undefined {
  if (columns.length === 0) return NO_COLUMNS;
  const text = columns.map((name) => name.replaceAll(",", "\\,")).join(",");
  return text === DEFAULT_COLUMNS.join(",") ? undefined : text;
}

export interface LineView {
  query: string;
  columns: readonly string[];
  wrap: boolean;
  opened: string;
  setOpened: (id: string) => void;
  toggleColumn: (field: string) => void;
  toggleWrap: () => void;
  actions: LineActions;
}

export function useLineView(): LineView {
  const query = useParam("q");
  const columnsText = useParam("cols");
  const wrap = useParam("wrap") === "on";
  const opened = useParam("line");
  const setSearch = useSetSearch();
  const columns = useMemo(() => readColumns(columnsText), [columnsText]);
  return useMemo(() => {
    const toggleColumn = (field: string) => {
      setSearch({ cols: writeColumns(columns.includes(field) ? columns.filter((name) => name !== field) : [...columns, field]) }, { replace: true });
    };
    return {
      query,
      columns,
      wrap,
      opened,
      setOpened: (id) => setSearch({ line: id }, { replace: true }),
      toggleColumn,
      toggleWrap: () => setSearch({ wrap: wrap ? undefined : "on" }, { replace: true }),
      actions: {
        columns,
        onCondition: (field, value, operator) => setSearch({ q: withCondition(query, field, value, operator), around: undefined }),
        onColumn: toggleColumn,
        onDistribution: (field) => setSearch({ group: field, facets: undefined, around: undefined }, { replace: true }),
        onAround: (id) => setSearch({ around: id, line: undefined, tail: undefined }),
      },
    };
  }, [query, columns, wrap, opened, setSearch]);
}
