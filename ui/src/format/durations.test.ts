import { describe, expect, it } from "vitest";
import { durationText, formatDuration, parseDuration } from "./durations";

describe("durations", () => {
  it.each([
    [0, "0 s"],
    [850, "850 ns"],
    [1_240, "1.24 µs"],
    [86e6, "86 ms"],
    [999.9e6, "1 s"],
    [1.24e9, "1.24 s"],
    [59.4e9, "59.4 s"],
    [150e9, "2.5 min"],
    [5_400e9, "1.5 h"],
    [7 * 86_400e9, "7 d"],
  ])("writes %d ns as %s", (ns, text) => {
    expect(formatDuration(ns)).toBe(text);
  });

  it.each([null, undefined, Number.NaN, Infinity])("writes %s as an en dash", (ns) => {
    expect(formatDuration(ns)).toBe("–");
  });

  it.each([
    ["250ms", 250e6],
    ["1h30m", 5_400e9],
    ["1.5s", 1.5e9],
    ["2d", 172_800e9],
    ["", null],
    ["5", null],
    ["5 m", null],
    ["m5", null],
  ])("reads %s as %s", (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });

  it("writes what it reads", () => {
    for (const text of ["15m", "1h30m", "2d", "1s500ms"]) expect(durationText(parseDuration(text) ?? 0)).toBe(text);
  });
});
