/** Money, always carried in nanodollars: whole billionths of a dollar, as the API gives it. */

import { MISSING, threeDigits } from "./numbers";

export const DOLLAR_ND = 1e9;

/** Write an amount with three significant digits: `$0.0042`, `$12.4`, `$1,204`; an en dash when it is missing. */
export function formatMoney(nanodollars: number | null | undefined): string {
  if (typeof nanodollars !== "number" || !Number.isFinite(nanodollars)) return MISSING;
  const dollars = Math.abs(nanodollars) / DOLLAR_ND;
  const sign = nanodollars < 0 ? "−" : "";
  if (dollars === 0) return "$0";
  if (dollars < 0.000_000_95) return sign === "" ? "< $0.000001" : "> −$0.000001";
  // A lone digit behind the point looks like a slip in an amount: $1.50, not $1.5.
  if (dollars >= 1 && dollars < 9.995 && Math.round(dollars * 100) % 100 !== 0) return `${sign}$${dollars.toFixed(2)}`;
  return `${sign}$${threeDigits(dollars)}`;
}

/** Write an amount to the last billionth, as for a hover: `$0.00421357`. */
export function formatMoneyExactly(nanodollars: number): string {
  const dollars = Math.abs(nanodollars) / DOLLAR_ND;
  return `${nanodollars < 0 ? "−" : ""}$${dollars.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`;
}
