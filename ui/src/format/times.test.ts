import { describe, expect, it } from "vitest";
import { formatAge, formatClock, formatDateTime, formatDay, nsToMs } from "./times";

const MOMENT = Date.UTC(2026, 10, 21, 9, 5, 7, 42);

describe("moments", () => {
  it("are written in UTC when asked for", () => {
    expect(formatDateTime(MOMENT, "utc")).toBe("2026-11-21 09:05:07");
    expect(formatDateTime(MOMENT, "utc", { millis: true })).toBe("2026-11-21 09:05:07.042");
    expect(formatClock(MOMENT, "utc", { millis: true })).toBe("09:05:07.042");
    expect(formatDay(MOMENT, "utc")).toBe("Nov 21");
  });

  it.each([null, undefined, Number.NaN, Infinity, 9e15])("are an en dash when they are %s", (ms) => {
    expect(formatDateTime(ms, "utc")).toBe("–");
    expect(formatClock(ms, "browser")).toBe("–");
    expect(formatAge(ms, MOMENT)).toBe("–");
  });

  it.each([
    [0, "just now"],
    [12_000, "12 s ago"],
    [125_000, "2 min ago"],
    [-180_000, "in 3 min"],
    [49 * 3_600_000, "2 d ago"],
  ])("an age of %d ms is %s", (age, text) => {
    expect(formatAge(MOMENT - age, MOMENT)).toBe(text);
  });

  it("come from nanoseconds as text", () => {
    expect(nsToMs("1763715907042000000")).toBe(1_763_715_907_042);
    expect(nsToMs(null)).toBeNaN();
  });
});
