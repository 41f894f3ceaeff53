import { expect, test } from "vitest";
import { makeFrame } from "./frames";
import { makeCells } from "./heatCells";
import { readAnswer, sampleValue } from "./promql";

test("values come as text, with their own words for what is no number", () => {
  expect([sampleValue("1.5e3"), sampleValue("+Inf"), sampleValue("-Inf"), sampleValue("NaN")]).toEqual([1500, Infinity, -Infinity, Number.NaN]);
});

const range = { startMs: 0, endMs: 60_000 };

test("a matrix is laid on the grid that was asked for; what is missing or no number is a gap", () => {
  const result = readAnswer({
    data: { resultType: "matrix", result: [{ metric: { job: "a" }, values: [[0, "1"], [30, "NaN"], [60, "3"]] }] },
    warnings: ["w"],
  });
  const frame = makeFrame([{ result, legend: "", expression: "x" }], range, 15_000);
  expect(frame.timesMs).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
  expect(frame.series[0]).toEqual({ name: '{job="a"}', labels: { job: "a" }, values: [1, null, null, null, 3] });
  expect(result.warnings).toEqual(["w"]);
});

test("names stay different over several queries", () => {
  const result = readAnswer({ data: { resultType: "matrix", result: [{ metric: {}, values: [[0, "1"]] }] } });
  const frame = makeFrame([{ result, legend: "all", expression: "x" }, { result, legend: "all", expression: "y" }], range, 15_000);
  expect(frame.series.map(({ name }) => name)).toEqual(["all", "all (2)"]);
});

test("a scalar is one series without labels", () => {
  const result = readAnswer({ data: { resultType: "scalar", result: [10, "42"] } });
  expect(result.series).toEqual([{ labels: {}, timesMs: [10_000], values: [42] }]);
});

test("statistics tell what the server tells, and nothing of what it does not", () => {
  const result = readAnswer({
    data: {
      resultType: "vector",
      result: [],
      stats: { timings: { execTotalTime: 0.012 }, samples: { totalQueryableSamples: 7, peakSamples: 3 }, from_cache: true, resolution: "5m" },
    },
  });
  expect(result.stats).toEqual({ samples: 7, peakSamples: 3, serverS: 0.012, notes: ["from cache", "resolution: 5m"] });
  expect(readAnswer({ data: { resultType: "vector", result: [] } }).stats).toEqual({ samples: null, peakSamples: null, serverS: null, notes: [] });
});

test("classic buckets become rows of what lies between two bounds", () => {
  const { series } = readAnswer({
    data: {
      resultType: "matrix",
      result: [
        { metric: { le: "+Inf" }, values: [[0, "10"], [60, "12"]] },
        { metric: { le: "0.1" }, values: [[0, "4"], [60, "4"]] },
        { metric: { le: "1" }, values: [[0, "9"]] },
      ],
    },
  });
  const cells = makeCells(series, range, 60_000, () => "");
  expect(cells.bounds).toEqual([0.1, 1, Infinity]);
  expect(cells.counts).toEqual([[4, 4], [5, null], [1, 12]]);
});

test("native histograms are put into the rows of their upper bounds", () => {
  const { series } = readAnswer({
    data: {
      resultType: "matrix",
      result: [
        {
          metric: {},
          histograms: [
            [0, { count: "3", sum: "1", buckets: [[0, "0", "1", "2"], [0, "1", "2", "1"]] }],
            [60, { count: "4", sum: "1", buckets: [[0, "2", "4", "4"]] }],
          ],
        },
      ],
    },
  });
  const cells = makeCells(series, range, 60_000, () => "");
  expect(cells.bounds).toEqual([1, 2, 4]);
  expect(cells.counts).toEqual([[2, 0], [1, 0], [0, 4]]);
});

test("what is no histogram is a row for each series", () => {
  const { series } = readAnswer({ data: { resultType: "matrix", result: [{ metric: { a: "1" }, values: [[0, "5"]] }] } });
  expect(makeCells(series, range, 60_000, ({ labels }) => labels.a ?? "")).toMatchObject({ names: ["1"], counts: [[5, null]] });
});
