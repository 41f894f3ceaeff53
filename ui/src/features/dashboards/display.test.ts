import { expect, test } from "vitest";
import type { Display } from "../../api/schema";
import { calculate, reach, ruleFor, scaleOf, toneOf, writeValue } from "./display";

const display = (more: Partial<Display> = {}): Display => ({
  unit: "number", decimals: null, min: null, max: null, stack: "none", draw: "lines", logarithmic: false,
  legend: "list", calculation: "last", sparkline: true, thresholds: [], names: [], series: [], ...more,
}); // prettier-ignore

test("one figure stands for a series", () => {
  const values = [1, null, 5, 3];
  const all = (["first", "last", "mean", "min", "max", "sum", "count", "range"] as const).map((name) => calculate(values, name));
  expect(all).toEqual([1, 3, 3, 1, 5, 9, 3, 4]);
  expect(calculate([null], "last")).toBeNull();
  expect(calculate([], "count")).toBe(0);
});

test("thresholds give a value its meaning", () => {
  const limits = display({ thresholds: [{ value: null, tone: "good" }, { value: 0.8, tone: "warn" }, { value: 0.9, tone: "bad" }] });
  expect([0.1, 0.8, 0.95].map((value) => toneOf(value, limits))).toEqual(["good", "warn", "bad"]);
  expect(toneOf(null, limits)).toBe("neutral");
  expect(toneOf(5, display())).toBe("neutral");
});

test("values bear names, and names a tone", () => {
  const named = display({ names: [{ low: 0, high: 0, name: "Down", tone: "bad" }, { low: 1, high: null, name: "Up", tone: "good" }] });
  expect([0, 1, 7, 0.5, null].map((value) => writeValue(value, named))).toEqual(["Down", "Up", "Up", "0.5", "–"]);
  expect(toneOf(0, named)).toBe("bad");
});

test("rules speak of series by their name; a pattern that is none speaks of nobody", () => {
  const rules = [
    { pattern: "Tx", title: "", unit: "", negative: true, hidden: false },
    { pattern: "eth0", title: "First", unit: "bytes", negative: false, hidden: false },
    { pattern: "(", title: "Wrong", unit: "", negative: false, hidden: true },
  ];
  expect(ruleFor("Tx eth0", rules)).toEqual({ title: "First", unit: "bytes", negative: true, hidden: false });
  expect(ruleFor("Rx lo", rules)).toEqual({ title: "", unit: "", negative: false, hidden: false });
});

test("a scale has round ends that hold all values", () => {
  expect(scaleOf([3, 42], display())).toEqual({ min: 0, max: 50 });
  expect(scaleOf([0.4], display({ unit: "share" }))).toEqual({ min: 0, max: 1 });
  expect(scaleOf([4], display({ min: 2, max: 8 }))).toEqual({ min: 2, max: 8 });
  expect(scaleOf([], display())).toEqual({ min: 0, max: 1 });
  expect([reach(5, 0, 10), reach(20, 0, 10), reach(null, 0, 10)]).toEqual([0.5, 1, 0]);
});
