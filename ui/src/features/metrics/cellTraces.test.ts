import { expect, test } from "vitest";
import { cellTraces } from "./cellTraces";

const cell = { startMs: Date.UTC(2026, 10, 21, 10, 0), endMs: Date.UTC(2026, 10, 21, 10, 1), lower: 0.5, upper: 1, count: 3 };
const series = (labels: Record<string, string>) => [{ labels, timesMs: [], values: [] }] as never;

test("a cell leads to the traces of its time and duration, of the one service that its series are of", () => {
  const target = cellTraces(cell, "seconds", "rate(traces_span_metrics_duration_seconds_bucket[1m])", series({ service_name: "shop a", span_name: "GET /", le: "1" }));
  expect(target).toEqual({
    to: "/traces",
    search: { q: 'service:"shop a" name:"GET /" duration>500ms duration<=1s', from: "2026-11-21T10:00:00.000Z", to: "2026-11-21T10:01:00.000Z", sort: "slowest" },
  });
});

test("what the query asks for counts, too, and open ends are left open", () => {
  const target = cellTraces({ ...cell, lower: 250, upper: Infinity }, "milliseconds", 'sum by (le) (increase(x_bucket{service = "pay"}[1m]))', series({ le: "+Inf" }));
  expect(target?.search?.q).toBe("service:pay duration>250ms");
  const lowest = cellTraces({ ...cell, lower: 0, upper: 0.0025 }, "number", "rate(x_seconds_bucket[1m])", []);
  expect(lowest?.search?.q).toBe("duration<=2500us");
});

test("what is no duration leads nowhere", () => {
  expect(cellTraces(cell, "bytes", "rate(sizes_bytes_bucket[1m])", [])).toBeNull();
});
