/** Fetch an answer a page at a time. */

import { useInfiniteQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { holdRefresh } from "../app/clock";
import { type MomentRange, momentText } from "../app/timeRange";
import { type Params, request } from "./client";
import { type Ranged, useRangeQuery } from "./queries";

interface Page {
  /** Null or empty on the last page. */
  next_cursor: string | null;
}

const nextOf = (page: Page | undefined) => (page?.next_cursor === "" ? undefined : (page?.next_cursor ?? undefined));

export interface Pages<T> {
  /** The first page, for its state. */
  first: UseQueryResult<Ranged<T>>;
  /** All pages that are there, the first included. */
  pages: readonly T[];
  /** Fetches the next page; null when there is none. */
  more: (() => void) | null;
  moreError: Error | null;
}

interface PagesOptions {
  /** Ask for this range instead of the page's. */
  within?: MomentRange | null;
  enabled?: boolean;
}

/** Fetch `path` as useRangeQuery does, and further pages by their cursor; refreshing holds still while more than one is on view. */
export function usePages<T extends Page>(path: string, params: Params, { within = null, enabled = true }: PagesOptions = {}): Pages<T> {
  const limits = within ? { from: momentText(within.startMs), to: momentText(within.endMs) } : {};
  const first = useRangeQuery<T>(path, { ...params, ...limits }, { enabled });
  const cursor = nextOf(first.data?.data) ?? null;
  const range = within ?? first.data?.range ?? { startMs: 0, endMs: 1 };
  const rest = useInfiniteQuery({
    queryKey: [path, "rest", params, range, cursor],
    queryFn: ({ pageParam, signal }) =>
      request<T>(path, { params: { ...params, from: momentText(range.startMs), to: momentText(range.endMs), cursor: pageParam }, signal }),
    initialPageParam: cursor ?? "",
    getNextPageParam: (page) => nextOf(page),
    enabled: false,
    staleTime: Infinity,
    placeholderData: undefined,
  });
  const further = cursor === null ? undefined : rest.data?.pages;
  const isDeep = further !== undefined;
  useEffect(() => (isDeep ? holdRefresh() : undefined), [isDeep]);
  const hasMore = cursor !== null && !first.isPlaceholderData && (further === undefined || rest.hasNextPage);
  const more = () => {
    if (!rest.isFetching) void (further === undefined ? rest.refetch() : rest.fetchNextPage());
  };
  const pages = useMemo(() => (first.data ? [first.data.data, ...(further ?? [])] : []), [first.data, further]);
  return { first, pages, more: hasMore ? more : null, moreError: rest.error };
}
