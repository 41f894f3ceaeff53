import { describe, expect, it } from "vitest";
import { formatMoney, formatMoneyExactly } from "./money";

describe("formatMoney", () => {
  it.each([
    [0, "$0"],
    [1, "< $0.000001"],
    [4_213_570, "$0.00421"],
    [990_000_000, "$0.99"],
    [1_500_000_000, "$1.50"],
    [3_000_000_000, "$3"],
    [12_400_000_000, "$12.4"],
    [15_000_000_000, "$15"],
    [1_204_300_000_000, "$1,204"],
    [-42_000_000, "−$0.042"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("writes %s as %s", (nanodollars, text) => {
    expect(formatMoney(nanodollars)).toBe(text);
  });
});

describe("formatMoneyExactly", () => {
  it("leaves nothing out", () => {
    expect(formatMoneyExactly(4_213_570)).toBe("$0.00421357");
    expect(formatMoneyExactly(1_204_000_000_001)).toBe("$1,204.000000001");
  });
});
