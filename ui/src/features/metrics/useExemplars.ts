import { request } from "../../api/client";
import { useRanged } from "../../api/queries";
import type { Mark } from "../../charts/marks";
import { shortId } from "../../format/ids";
import type { MomentRange } from "../../app/timeRange";
import { sampleValue } from "./promql";

interface ExemplarAnswer {
  data: readonly {
    seriesLabels: Record<string, string>;
    exemplars: readonly { labels: Record<string, string>; value: string | number; timestamp: number }[];
  }[];
}

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
      return readExemplars(answers, { startMs, endMs });
    },
    { enabled: enabled && queries.length > 0 },
  );
  return enabled ? (query.data?.data ?? NONE) : NONE;
}

/** So many cells lie beside and above each other, and each holds one mark. */
const CELLS = { across: 36, upwards: 8 };

/** Return marks of exemplars that name a trace, by time, so few that each can be told and clicked: of those near each other, the slowest. */
export function readExemplars(answers: readonly ExemplarAnswer[], { startMs, endMs }: MomentRange): Mark[] {
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
  const most = marks.reduce((top, { value }) => Math.max(top, value), 0);
  const cells = new Map<string, Mark>();
  for (const mark of marks) {
    const across = Math.floor(((mark.timeMs - startMs) / (endMs - startMs)) * CELLS.across);
    const upwards = most > 0 ? Math.floor((mark.value / most) * CELLS.upwards) : 0;
    const key = `${across} ${upwards}`;
    if ((cells.get(key)?.value ?? -Infinity) < mark.value) cells.set(key, mark);
  }
  return [...cells.values()].sort((a, b) => a.timeMs - b.timeMs);
}
