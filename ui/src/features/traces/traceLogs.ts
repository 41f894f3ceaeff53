/** The log lines of a trace. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useApi } from "../../api/queries";
import { momentText } from "../../app/timeRange";
import type { LogSearchResponse } from "../../api/schema";

/** Lines may be stamped before the first span or after the last: by another clock, or by what goes on later. */
const MARGIN_MS = 15 * 60_000;

/** Fetch the log lines of a trace, or of one span of it, oldest first. */
export function useTraceLogs(traceId: string, spanId: string | null, startMs: number, endMs: number, limit: number): UseQueryResult<LogSearchResponse> {
  return useApi<LogSearchResponse>("/api/logs/search", {
    q: `trace_id:${traceId}${spanId ? ` span_id:${spanId}` : ""}`,
    from: momentText(startMs - MARGIN_MS),
    to: momentText(endMs + MARGIN_MS),
    order: "oldest",
    limit,
  });
}
