import { describe, expect, it, test } from "vitest";
import { tickSteps, timeTicks } from "./axes";
import { nearestPoint } from "./nearest";
import { distinctColors, paletteSlot } from "./palette";
import { stackSeries } from "./stacking";
import { clickLegend, summarize, topByMax } from "./summary";

describe("the palette", () => {
  it("gives a name the same slot always, and uses all slots", () => {
    expect(paletteSlot("gateway")).toBe(paletteSlot("gateway"));
    const slots = new Set(Array.from({ length: 200 }, (_, index) => paletteSlot(`service-${index}`)));
    expect(slots.size).toBe(12);
  });
});

describe("stacking", () => {
  it("adds up, and keeps a gap only where all have one", () => {
    expect(stackSeries([[1, null, null], [2, 3, null]])).toEqual([[1, 0, null], [3, 3, null]]);
  });
});

describe("the legend", () => {
  it("sums up what is known", () => {
    expect(summarize([1, null, 5, 3, null])).toEqual({ last: 3, mean: 3, max: 5 });
    expect(summarize([null])).toEqual({ last: null, mean: null, max: null });
  });

  it("keeps the series with the highest maximum, in their order", () => {
    const series = [{ name: "a", values: [1] }, { name: "b", values: [9] }, { name: "c", values: [5] }];
    expect(topByMax(series, 2).map(({ name }) => name)).toEqual(["b", "c"]);
  });

  it("isolates on a click, adds with shift, and shows all again", () => {
    const all = ["a", "b", "c"];
    const alone = clickLegend(new Set(), "a", false, all);
    expect([...alone]).toEqual(["a"]);
    expect([...clickLegend(alone, "b", true, all)]).toEqual(["a", "b"]);
    expect([...clickLegend(alone, "a", false, all)]).toEqual([]);
    expect([...clickLegend(new Set(["a", "b"]), "c", true, all)]).toEqual([]);
  });
});

describe("axes", () => {
  it("step by minutes above a minute and by powers of two for bytes", () => {
    expect(tickSteps("duration")).toContain(15 * 60e9);
    expect(tickSteps("duration")).not.toContain(20e9);
    expect(tickSteps("bytes")).toContain(1024);
    expect(Math.min(...tickSteps("count"))).toBe(1);
  });

  it("write the day at midnight and seconds only when needed", () => {
    const midnight = Date.UTC(2026, 10, 21);
    expect(timeTicks([midnight - 3_600_000, midnight], 3_600_000, "utc")).toEqual(["23:00", "Nov 21"]);
    expect(timeTicks([midnight + 5_000], 5_000, "utc")).toEqual(["00:00:05"]);
  });
});

describe("the nearest point", () => {
  const points = [{ timeMs: 10, value: 10 }, { timeMs: 20, value: 50 }, { timeMs: 21, value: 10 }];
  const find = (left: number, top: number) => nearestPoint(points, left, top, (ms) => ms, (value) => value, 5);

  it("is found within reach only", () => {
    expect(find(20, 12)).toBe(points[2]);
    expect(find(20, 48)).toBe(points[1]);
    expect(find(15, 30)).toBeNull();
  });
});

test("two series of one chart differ in colour as long as there are colours, whatever their order", () => {
  const names = ["accountant", "archivist", "librarian", "mathematician", "researcher", "a", "b", "c", "d", "e", "f", "g"];
  const colors = distinctColors(names);
  expect(new Set(colors.values()).size).toBe(12);
  expect(distinctColors(names.toReversed())).toEqual(colors);
  expect(distinctColors([...names, "h", "i"]).size).toBe(14);
});
