import { describe, expect, it } from "vitest";
import type { CostGroup, CostPoint } from "../../api/schema";
import { findMovers, layOutCosts, momentOf } from "./costCourse";
import { nextDimension, readDimension, readRestrictions } from "./dimensions";

const DAY = Date.parse("2026-11-20T00:00:00Z");
const range = { startMs: DAY + 10 * 3_600_000, endMs: DAY + 5 * 86_400_000 };
const point = (at: string, value: string, total: number): CostPoint => ({ at, value, total_nd: total });

describe("costs over time", () => {
  it("has every day of a range, also those without cost", () => {
    const { timesMs, series } = layOutCosts([point("2026-11-20", "acme", 5), point("2026-11-22", "acme", 7)], range, 8, (value) => value);
    expect(timesMs).toHaveLength(5);
    expect(series).toEqual([{ name: "acme", values: [5, 0, 7, 0, 0] }]);
  });

  it("keeps the sum when small spenders become one", () => {
    const points = [point("2026-11-20", "a", 9), point("2026-11-20", "b", 5), point("2026-11-20", "c", 2), point("2026-11-20", "", 1)];
    const { series } = layOutCosts(points, range, 2, (value) => value || "none");
    expect(series.map(({ name, values }) => [name, values[0]])).toEqual([["a", 9], ["all others", 8]]);
  });

  it("goes by the hour where the range is short", () => {
    const { stepMs, series } = layOutCosts([point("2026-11-20 11:00:00", "a", 3)], { startMs: range.startMs, endMs: range.startMs + 2 * 3_600_000 }, 8, (value) => value);
    expect(stepMs).toBe(3_600_000);
    expect(series[0]?.values).toEqual([0, 3]);
  });

  it("reads days and hours in UTC", () => {
    expect(momentOf("2026-11-20")).toBe(DAY);
    expect(momentOf("2026-11-20T07")).toBe(DAY + 7 * 3_600_000);
  });
});

describe("what changed", () => {
  const group = (value: string, now: number, before: number | null) => ({ value, cost: { total_nd: now }, previous_total_nd: before }) as CostGroup;

  it("is the greatest difference first, in either direction, and what stayed is left out", () => {
    expect(findMovers([group("a", 10, 9), group("b", 0, 50), group("c", 4, 4), group("d", 30, 0)], 5).map(({ value, deltaNd }) => [value, deltaNd])).toEqual([
      ["b", -50],
      ["d", 30],
      ["a", 1],
    ]);
  });
});

describe("the address", () => {
  it("falls back to the tenant, and knows what costs are restricted to", () => {
    expect(readDimension("nonsense")).toBe("tenant");
    expect(readRestrictions({ by: "model", tenant: "acme", queue: "" })).toEqual({ tenant: "acme" });
  });

  it("goes on to what is not decided yet", () => {
    expect(nextDimension("tenant", { tenant: "acme" })).toBe("type");
    expect(nextDimension("type", { type: "report", model: "m" })).toBe("agent");
  });
});
