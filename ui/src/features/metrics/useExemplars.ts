import { request } from "../../api/client";
import { useRanged } from "../../api/queries";
import type { Mark } from "../../charts/marks";
import { shortId } from "../../format/ids";
import { sampleValue } from "./promql";

interface ExemplarAnswer {
  data: readonly {
    seriesLabels: Record<string, string>;
    exemplars: readonly { labels: Record<string, string>; value: string | number; timestamp: number }[];
  }[];
}

const MOST = 500;
const NONE: readonly Mark[] = [];

/** Fetch the exemplars of expressions over the page's range, as marks that open their trace. */
export function useExemplars(expressions: readonly string[], enabled: boolean, expand: (expression: string) => string = (text) => text): readonly Mark[] {
  const queries = expressions.map(expand);
  const query = useRanged<readonly Mark[]>(
    ["exemplars", queries],
    async ({ startMs, endMs }, signal) => {
      const answers = await Promise.all(
        queries.map((text) =>
          request<ExemplarAnswer>("/api/v1/query_exemplars", { params: { query: text, start: startMs / 1e3, end: endMs / 1e3 }, signal }),
        ),
      );
      return readExemplars(answers);
    },
    { enabled: enabled && queries.length > 0 },
  );
  return enabled ? (query.data?.data ?? NONE) : NONE;
}

/** Return marks of exemplars that name a trace, by time; when there are too many, the largest. */
export function readExemplars(answers: readonly ExemplarAnswer[]): Mark[] {
  const marks = answers.flatMap(({ data }) =>
    data.flatMap(({ exemplars }) =>
      exemplars.flatMap(({ labels, value, timestamp }): Mark[] => {
        const traceId = labels.trace_id ?? labels.traceID ?? labels.traceId;
        if (!traceId) return [];
        return [
          {
            timeMs: timestamp * 1e3,
            value: typeof value === "number" ? value : sampleValue(value),
            name: `Trace ${shortId(traceId)}`,
            does: "Click opens it.",
            id: traceId,
            detail: labels.span_id ?? labels.spanID,
          },
        ];
      }),
    ),
  );
  const largest = marks.length > MOST ? [...marks].sort((a, b) => b.value - a.value).slice(0, MOST) : marks;
  return largest.sort((a, b) => a.timeMs - b.timeMs);
}
