import { expect, test } from "vitest";
import { labelCounts, makeCatalog, searchMetrics } from "./metricCatalog";

const METRICS = makeCatalog(
  ["a_seconds_bucket", "a_seconds_count", "up", "http_requests_total"],
  {
    a_seconds: [{ type: "histogram", help: "How long a request took.", unit: "" }],
    up: [{ type: "unknown", help: "", unit: "" }],
    http_requests_total: [{ type: "counter", help: "Requests.", unit: "" }],
  },
  [
    { name: "a_seconds_bucket", value: 120 },
    { name: "up", value: 2 },
  ],
);

test("a histogram's series have the metadata of their family", () => {
  expect(METRICS[0]).toEqual({ name: "a_seconds_bucket", type: "histogram", help: "How long a request took.", unit: "", series: 120 });
  expect(METRICS[2]).toMatchObject({ type: "", series: 2 });
  expect(METRICS[3]?.series).toBeNull();
});

test("words are looked for in names and in help, names first", () => {
  expect(searchMetrics(METRICS, "request", "", "name").map(({ name }) => name)).toEqual(["http_requests_total", "a_seconds_bucket", "a_seconds_count"]);
  expect(searchMetrics(METRICS, "seconds count", "", "name").map(({ name }) => name)).toEqual(["a_seconds_count"]);
});

test("a type narrows, and the number of series orders", () => {
  expect(searchMetrics(METRICS, "", "counter", "name").map(({ name }) => name)).toEqual(["http_requests_total"]);
  expect(searchMetrics(METRICS, "", "", "series").map(({ name }) => name).slice(0, 2)).toEqual(["a_seconds_bucket", "up"]);
});

test("labels are counted by their values", () => {
  expect(labelCounts([{ __name__: "x", a: "1", b: "1" }, { __name__: "x", a: "2", b: "1" }])).toEqual([
    { label: "a", values: 2, examples: ["1", "2"] },
    { label: "b", values: 1, examples: ["1"] },
  ]);
});
