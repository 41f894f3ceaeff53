import { useMemo } from "react";
import { useApi } from "../../api/queries";
import type { MatchingSpans, Waterfall } from "../../api/schema";
import { asksServer, findSpans, indexesOf } from "./findSpans";

export interface FoundSpans {
  /** In the order of the rows; null when nothing is searched, or the answer is not there yet. */
  spans: number[] | null;
  error: Error | null;
}

/** Find spans in a trace: words here and at once, conditions on attributes by asking the server. */
export function useFoundSpans(waterfall: Waterfall, text: string): FoundSpans {
  const asks = asksServer(text);
  const query = useApi<MatchingSpans>(`/api/tracing/trace/${waterfall.trace_id}/matches`, { q: text }, { enabled: asks });
  const answer = asks && !query.isPlaceholderData ? query.data : undefined;
  const spans = useMemo(() => {
    if (text.trim() === "") return null;
    if (!asks) return findSpans(waterfall, text);
    return answer ? indexesOf(waterfall.spans.span_id, answer.span_ids) : null;
  }, [waterfall, text, asks, answer]);
  return { spans, error: asks ? query.error : null };
}
