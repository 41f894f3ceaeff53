/** Numbers as people read them: three significant digits, an en dash for what is missing, never `NaN`. */

export const MISSING = "–";

/** What a value measures. Decides how it is written, and how its axis is labelled. */
export type Unit = "count" | "rate" | "duration" | "bytes" | "share";

type Maybe = number | null | undefined;

const isNumber = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

/** Round to three significant digits, without exponent: `1.24`, `86`, `0.0042`. */
export function threeDigits(value: number): string {
  if (value === 0) return "0";
  const digits = Math.floor(Math.log10(Math.abs(value)));
  if (digits >= 2) return Math.round(value).toLocaleString("en-US");
  if (digits < -6) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 9 });
}

/** Write a number short: `950`, `1.24 k`, `3.1 M`. */
export function formatNumber(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  for (const [limit, suffix] of SCALES) {
    // 999,999 is 1 M, not 1,000 k.
    if (Math.abs(value) >= limit * 0.9995) return `${threeDigits(value / limit)} ${suffix}`;
  }
  return threeDigits(value);
}

const SCALES: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Write a whole number in full, with thousands separated: `12,345`. */
export function formatCount(value: Maybe): string {
  return isNumber(value) ? Math.round(value).toLocaleString("en-US") : MISSING;
}

/** Write a number per second: `12.4 /s`; no finer than a thousandth, which is one in a quarter of an hour. */
export function formatRate(perSecond: Maybe): string {
  if (!isNumber(perSecond)) return MISSING;
  if (perSecond > 0 && perSecond < 0.001) return "< 0.001 /s";
  return `${Math.abs(perSecond) < 0.1 ? decimals(perSecond, 3) : formatNumber(perSecond)} /s`;
}

const decimals = (value: number, digits: number) => Number(value.toFixed(digits)).toString();

/** Write a share between 0 and 1 as a percentage, no finer than 0.01 %: `0.42 %`. Say beside it what it is a share of. */
export function formatShare(share: Maybe): string {
  if (!isNumber(share)) return MISSING;
  const percent = share * 100;
  if (percent !== 0 && Math.abs(percent) < 0.01) return percent > 0 ? "< 0.01 %" : "> −0.01 %";
  // 99.97 % must not become 100 %.
  if (percent > 99 && percent < 100) return `${(Math.floor(percent * 100) / 100).toString()} %`;
  return `${Math.abs(percent) < 1 ? decimals(percent, 2) : threeDigits(percent)} %`;
}

/** Write a size in IEC units: `1.24 GiB`. */
export function formatBytes(bytes: Maybe): string {
  if (!isNumber(bytes)) return MISSING;
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (Math.abs(value) < 1023.5) return `${threeDigits(value)} ${unit}`;
    value /= 1024;
  }
  return `${threeDigits(value)} PiB`;
}

/** Write how much `now` differs from `before`, relative to `before`: `+12 %`, `−3.1 %`, `×4.2`; a dash without a base. */
export function formatChange(now: Maybe, before: Maybe): string {
  if (!isNumber(now) || !isNumber(before) || before === 0) return MISSING;
  const ratio = now / before;
  if (ratio >= 3) return `×${threeDigits(ratio)}`;
  const percent = (ratio - 1) * 100;
  if (Math.abs(percent) < 0.5) return "±0 %";
  return `${percent > 0 ? "+" : "−"}${Math.round(Math.abs(percent)).toString()} %`;
}
