/** Find traces a page at a time. */

import { useInfiniteQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { request } from "../../api/client";
import { type Ranged, useRangeQuery } from "../../api/queries";
import type { SearchPage, TraceRow } from "../../api/schema";
import { holdRefresh } from "../../app/clock";
import { type MomentRange, momentText } from "../../app/timeRange";

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

interface PageParam {
  cursor: string;
  range: MomentRange;
}

/** Search in `within`, or in the page's range; refreshing holds still while more than one page is on view. */
export function useTraceSearch(query: string, sort: SortBy, within: MomentRange | null): TraceSearch {
  const limits = within ? { from: momentText(within.startMs), to: momentText(within.endMs) } : {};
  const params = { q: query, sort, limit: PAGE_TRACES, ...limits };
  const first = useRangeQuery<SearchPage>("/api/tracing/search", params);
  const start: PageParam | null = first.data?.data.next_cursor
    ? { cursor: first.data.data.next_cursor, range: within ?? first.data.range }
    : null;
  const rest = useInfiniteQuery({
    queryKey: ["/api/tracing/search", "rest", query, sort, start],
    queryFn: async ({ pageParam, signal }): Promise<Ranged<SearchPage>> => {
      const { cursor, range } = pageParam;
      const asked = { q: query, sort, limit: PAGE_TRACES, from: momentText(range.startMs), to: momentText(range.endMs), cursor };
      return { data: await request<SearchPage>("/api/tracing/search", { params: asked, signal }), range };
    },
    initialPageParam: start ?? { cursor: "", range: { startMs: 0, endMs: 1 } },
    getNextPageParam: ({ data, range }) => (data.next_cursor === null ? undefined : { cursor: data.next_cursor, range }),
    enabled: false,
    staleTime: Infinity,
    placeholderData: undefined,
  });
  const pages = start === null ? undefined : rest.data?.pages;
  const traces = useMemo(() => [...(first.data?.data.traces ?? []), ...(pages ?? []).flatMap(({ data }) => data.traces)], [first.data, pages]);
  const isDeep = pages !== undefined;
  useEffect(() => (isDeep ? holdRefresh() : undefined), [isDeep]);
  const hasMore = start !== null && (pages === undefined || rest.hasNextPage);
  const more = () => {
    if (!rest.isFetching) void (pages === undefined ? rest.refetch() : rest.fetchNextPage());
  };
  return { first, traces, note: (pages?.at(-1) ?? first.data)?.data.note ?? "", more: hasMore ? more : null, moreError: rest.error };
}
