/** Fetch with the page's time range, its refresh and its cache. */

import { keepPreviousData, QueryClient, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { pageNow, serverNow, useTicks } from "../app/clock";
import { isLive, momentText, type MomentRange, resolveRange } from "../app/timeRange";
import { useRangeText } from "../app/useTimeRange";
import { ApiError, type Params, request } from "./client";

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < 1 && error instanceof ApiError && error.status === 0,
        retryDelay: 500,
        refetchOnWindowFocus: false,
        staleTime: 5_000,
        gcTime: 10 * 60_000,
        placeholderData: keepPreviousData,
      },
    },
  });
}

/** What a range query holds: the answer, and the range it is for. */
export interface Ranged<T> {
  data: T;
  range: MomentRange;
}

interface QueryOptions {
  /** Wait with the request, as until a box has been opened. */
  enabled?: boolean;
}

/**
 * Fetch `path` for the page's time range: sends `from` and `to` (RFC 3339, the same instants for all queries of a page)
 * beside `params`, fetches again at every refresh of a live range, and keeps the old answer until the new one is there.
 *
 *     const query = useRangeQuery<Overview>("/api/overview", { limit: 20 });
 *     query.data?.data.services, query.data?.range
 */
export function useRangeQuery<T>(path: string, params: Params = {}, options: QueryOptions = {}): UseQueryResult<Ranged<T>> {
  return useRanged<T>(
    [path, params],
    ({ startMs, endMs }, signal) => request<T>(path, { params: { from: momentText(startMs), to: momentText(endMs), ...params }, signal }),
    options,
  );
}

/**
 * As useRangeQuery, for an answer that `fetch` gets in its own way: `key` is everything that it depends on beside the range.
 * `fetch` need not stay the same from one rendering to the next.
 */
export function useRanged<T>(
  key: readonly unknown[],
  fetch: (range: MomentRange, signal: AbortSignal) => Promise<T>,
  options: QueryOptions = {},
): UseQueryResult<Ranged<T>> {
  const text = useRangeText();
  const queryKey = [...key, text];
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<Ranged<T>> => {
      const range = resolveRange(text, pageNow());
      return { data: await fetch(range, signal), range };
    },
    staleTime: isLive(text) ? 1_000 : Infinity,
    enabled: options.enabled ?? true,
  });
  useRefetchOnTick(queryKey, isLive(text) && (options.enabled ?? true));
  return query;
}

/** Fetch `path` without a time range; `refresh` fetches it again whenever the page refreshes. */
export function useApi<T>(path: string, params: Params = {}, options: QueryOptions & { refresh?: boolean } = {}): UseQueryResult<T> {
  const key = [path, params];
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => request<T>(path, { params, signal }),
    enabled: options.enabled ?? true,
  });
  useRefetchOnTick(key, (options.refresh ?? false) && (options.enabled ?? true));
  return query;
}

function useRefetchOnTick(key: readonly unknown[], wanted: boolean): void {
  const client = useQueryClient();
  const ticks = useTicks();
  const identity = JSON.stringify(key);
  useEffect(() => {
    // A request that is still under way is not started again: a slow server must not be asked twice at a time.
    if (!wanted || ticks === 0) return;
    const queryKey = JSON.parse(identity) as unknown[];
    if (serverNow() - pageNow() < 1_000) void client.refetchQueries({ queryKey, exact: true }, { cancelRefetch: false });
  }, [client, ticks, identity, wanted]);
}
