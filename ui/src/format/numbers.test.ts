import { describe, expect, it } from "vitest";
import { formatBytes, formatChange, formatCount, formatNumber, formatRate, formatShare } from "./numbers";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [1.2345, "1.23"],
    [86.44, "86.4"],
    [999.4, "999"],
    [1_234, "1.23 k"],
    [999_999, "1 M"],
    [12_345_678, "12.3 M"],
    [0.004216, "0.00422"],
    [-1_500, "-1.5 k"],
  ])("writes %d with three significant digits: %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([null, undefined, Number.NaN, Infinity, -Infinity])("writes %s as an en dash in every unit", (value) => {
    for (const format of [formatNumber, formatCount, formatRate, formatShare, formatBytes]) expect(format(value)).toBe("–");
  });

  it("writes counts in full and rates by the second", () => {
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(formatRate(1_234)).toBe("1.23 k /s");
    expect(formatRate(0.261_4)).toBe("0.261 /s");
    expect(formatRate(0.035_6)).toBe("0.036 /s");
    expect(formatRate(0.000_2)).toBe("< 0.001 /s");
    expect(formatRate(0)).toBe("0 /s");
  });

  it.each([
    [0, "0 %"],
    [0.0042, "0.42 %"],
    [0.00004, "< 0.01 %"],
    [0.000_199, "0.02 %"],
    [0.009_85, "0.98 %"],
    [0.123_45, "12.3 %"],
    [0.999_96, "99.99 %"],
    [1, "100 %"],
  ])("writes the share %d as %s and never rounds trouble away", (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1_023, "1,023 B"],
    [1_024, "1 KiB"],
    [1_330_000_000, "1.24 GiB"],
  ])("writes %d bytes in IEC units: %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [112, 100, "+12 %"],
    [97, 100, "−3 %"],
    [420, 100, "×4.2"],
    [100.1, 100, "±0 %"],
    [5, 0, "–"],
    [5, null, "–"],
  ])("writes the change to %d from %s as %s", (now, before, text) => {
    expect(formatChange(now, before)).toBe(text);
  });
});
