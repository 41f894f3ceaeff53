import { describe, expect, it } from "vitest";
import { describeRange, rangeText, readTypedTime, resolveRange, resolveTime, stepRange, widenRange } from "./timeRange";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const HOUR = 3_600_000;

describe("times in the URL", () => {
  it.each([
    ["now", NOW],
    ["now-1h", NOW - HOUR],
    ["now-1h30m", NOW - 1.5 * HOUR],
    ["now+5m", NOW + 300_000],
    ["2026-11-21T10:00:00Z", NOW - 2 * HOUR],
    ["2026-11-21T11:00:00+01:00", NOW - 2 * HOUR],
    ["1795255200", 1_795_255_200_000],
    ["1795255200000", 1_795_255_200_000],
    ["1795255200000000000", 1_795_255_200_000],
  ])("%s is resolved", (text, ms) => {
    expect(resolveTime(text, NOW)).toBe(ms);
  });

  it.each(["", "now-", "now-5", "yesterday", "2026-11", "-5"])("%j is not one", (text) => {
    expect(resolveTime(text, NOW)).toBeNull();
  });

  it("fall back to the last hour when they make no range", () => {
    expect(resolveRange({ from: "now", to: "now-1h" }, NOW)).toEqual({ startMs: NOW - HOUR, endMs: NOW });
    expect(resolveRange({ from: "what", to: "now" }, NOW)).toEqual({ startMs: NOW - HOUR, endMs: NOW });
  });
});

describe("what people type", () => {
  it.each([
    ["now", "now"],
    ["2h", "now-2h"],
    ["-15m", "now-15m"],
    ["2 hours ago", "now-2h"],
    ["last 30 min", "now-30m"],
    ["now - 1h", "now-1h"],
    ["today", "2026-11-21T00:00:00Z"],
    ["yesterday", "2026-11-20T00:00:00Z"],
    ["10:30", "2026-11-21T10:30:00Z"],
    ["2026-11-21", "2026-11-21T00:00:00Z"],
    ["2026-11-21 10:30", "2026-11-21T10:30:00Z"],
    ["2026-11-21 10:30:05.250", "2026-11-21T10:30:05.250Z"],
    ["2026-11-21T10:30:00+01:00", "2026-11-21T09:30:00Z"],
    ["1795255200", "2026-11-21T10:00:00Z"],
  ])("%j means %s", (typed, text) => {
    expect(readTypedTime(typed, NOW, "utc")).toBe(text);
  });

  it.each(["", "25:00", "2026-02-31", "2026-13-01", "soon", "now-x"])("%j means nothing", (typed) => {
    expect(readTypedTime(typed, NOW, "utc")).toBeNull();
  });
});

describe("moving a range", () => {
  it("steps back by half its length and becomes absolute", () => {
    expect(stepRange({ from: "now-1h", to: "now" }, -1, NOW)).toEqual({ from: "2026-11-21T10:30:00Z", to: "2026-11-21T11:30:00Z" });
  });

  it("writes milliseconds only for short ranges", () => {
    expect(rangeText({ startMs: NOW + 123, endMs: NOW + HOUR + 623 })).toEqual({ from: "2026-11-21T12:00:00Z", to: "2026-11-21T13:00:01Z" });
    expect(rangeText({ startMs: NOW + 123, endMs: NOW + 500 })).toEqual({ from: "2026-11-21T12:00:00.123Z", to: "2026-11-21T12:00:00.500Z" });
  });

  it("follows the present again when it reaches it", () => {
    expect(stepRange({ from: "2026-11-21T10:30:00Z", to: "2026-11-21T11:30:00Z" }, 1, NOW)).toEqual({ from: "now-1h", to: "now" });
  });

  it("widens to twice its length, not beyond the present", () => {
    expect(widenRange({ from: "now-1h", to: "now" }, NOW)).toEqual({ from: "now-2h", to: "now" });
    expect(widenRange({ from: "2026-11-21T09:00:00Z", to: "2026-11-21T10:00:00Z" }, NOW)).toEqual({
      from: "2026-11-21T08:30:00Z",
      to: "2026-11-21T10:30:00Z",
    });
  });
});

describe("a range in words", () => {
  it.each([
    [{ from: "now-1h", to: "now" }, "Last hour"],
    [{ from: "now-45m", to: "now" }, "Last 45m"],
    [{ from: "2026-11-21T10:00:00Z", to: "2026-11-21T11:30:05Z" }, "Nov 21 10:00 – 11:30:05"],
    [{ from: "2026-11-20T22:00:00Z", to: "2026-11-21T01:00:00Z" }, "Nov 20 22:00 – Nov 21 01:00"],
    [{ from: "2026-11-21T10:00:00Z", to: "now" }, "Nov 21 10:00 – now"],
  ])("%j", (range, words) => {
    expect(describeRange(range, NOW, "utc")).toBe(words);
  });
});
