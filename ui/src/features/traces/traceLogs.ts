/** The log lines of a trace. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useApi } from "../../api/queries";
import { type MomentRange, momentText } from "../../app/timeRange";
import type { LogSearchResponse } from "../../api/schema";

/** Lines may be stamped before the first span or after the last: by another clock, or by what goes on later. */
const MARGIN_MS = 15 * 60_000;

export const withMargin = ({ startMs, endMs }: MomentRange): MomentRange => ({ startMs: startMs - MARGIN_MS, endMs: endMs + MARGIN_MS });

/** The query for the lines of a trace, or of one span of it. */
export const traceLogsQuery = (traceId: string, spanId?: string): string => `trace_id:${traceId}${spanId ? ` span_id:${spanId}` : ""}`;

/** Fetch the log lines of a trace, oldest first. */
export function useTraceLogs(traceId: string, within: MomentRange, limit: number): UseQueryResult<LogSearchResponse> {
  const { startMs, endMs } = withMargin(within);
  return useApi<LogSearchResponse>("/api/logs/search", { q: traceLogsQuery(traceId), from: momentText(startMs), to: momentText(endMs), order: "oldest", limit });
}
