import { expect, test } from "vitest";
import { metricFormat } from "../format/metricUnits";
import { cellShade, rowLabel, rowTicks } from "./heatRows";
import { stackSigned } from "./stacking";

test("nothing has no colour, and little is still seen", () => {
  expect([cellShade(null, 10), cellShade(0, 10), cellShade(10, 10)]).toEqual([0, 0, 1]);
  expect(cellShade(1, 10_000)).toBeGreaterThan(0.1);
});

test("rows are labelled as far as there is room", () => {
  expect(rowTicks(4, false, 10)).toEqual([1, 2, 3, 4]);
  expect(rowTicks(20, false, 5)).toEqual([1, 5, 9, 13, 17]);
  expect(rowTicks(2, true, 10)).toEqual([0.5, 1.5]);
});

test("a tick of buckets is their bound, one of names the name", () => {
  const seconds = metricFormat("seconds");
  expect(rowLabel(1, [0.1, Infinity], null, seconds)).toBe("100 ms");
  expect(rowLabel(2, [0.1, Infinity], null, seconds)).toBe("∞");
  expect(rowLabel(1.5, [1, 2], ["a", "b"], seconds)).toBe("b");
});

test("what comes in stands above zero and what goes out below it", () => {
  expect(stackSigned([[1, 2], [-1, -2], [3, null], [-4, null]])).toEqual({
    sums: [[1, 2], [-1, -2], [4, 2], [-5, -2]],
    below: [null, null, 0, 1],
  });
});

test("in percent, the whole is one", () => {
  expect(stackSigned([[1, 0], [3, 0]], true).sums).toEqual([[0.25, null], [1, null]]);
});
