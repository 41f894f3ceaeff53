/** Find traces a page at a time. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { usePages } from "../../api/pages";
import type { Ranged } from "../../api/queries";
import type { SearchPage, TraceRow } from "../../api/schema";
import type { MomentRange } from "../../app/timeRange";

export type SortBy = "newest" | "slowest";

export interface TraceSearch {
  /** The first page, for its state. */
  first: UseQueryResult<Ranged<SearchPage>>;
  traces: readonly TraceRow[];
  /** What the last page left out, empty when nothing. */
  note: string;
  more: (() => void) | null;
  moreError: Error | null;
}

const PAGE_TRACES = 100;

/** Search in `within`, or in the page's range. */
export function useTraceSearch(query: string, sort: SortBy, within: MomentRange | null): TraceSearch {
  const { first, pages, more, moreError } = usePages<SearchPage>("/api/tracing/search", { q: query, sort, limit: PAGE_TRACES }, { within });
  const traces = useMemo(() => pages.flatMap((page) => page.traces), [pages]);
  return { first, traces, note: pages.at(-1)?.note ?? "", more, moreError };
}
