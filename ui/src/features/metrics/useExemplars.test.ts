import { expect, test } from "vitest";
import { readExemplars } from "./useExemplars";

const exemplar = (seconds: number, value: string, labels: Record<string, string>) => ({ labels, value, timestamp: seconds });

test("exemplars that name a trace become marks, by time", () => {
  const marks = readExemplars(
    [{ data: [{ seriesLabels: {}, exemplars: [exemplar(50, "0.2", { trace_id: "b".repeat(32), span_id: "s" }), exemplar(10, "0.1", { traceID: "a".repeat(32) }), exemplar(20, "9", {})] }] }],
    { startMs: 0, endMs: 100_000 },
  );
  expect(marks.map(({ timeMs, value, id, detail }) => [timeMs, value, id[0], detail])).toEqual([
    [10_000, 0.1, "a", undefined],
    [50_000, 0.2, "b", "s"],
  ]);
});

test("of those near each other the slowest is kept, so that a slow one is never hidden", () => {
  const exemplars = Array.from({ length: 5_000 }, (_, index) => exemplar(index / 50, String((index % 100) / 100), { trace_id: String(index).padStart(32, "0") }));
  const marks = readExemplars([{ data: [{ seriesLabels: {}, exemplars }] }], { startMs: 0, endMs: 100_000 });
  expect(marks.length).toBeLessThanOrEqual(37 * 9);
  expect(marks.filter(({ value }) => value === 0.99).length).toBeGreaterThanOrEqual(36);
});
