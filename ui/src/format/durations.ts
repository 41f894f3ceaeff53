/** Durations, always carried in nanoseconds, as the API gives them. */

import { MISSING, threeDigits } from "./numbers";

export const MICROSECOND_NS = 1e3;
export const MILLISECOND_NS = 1e6;
export const SECOND_NS = 1e9;

const UNITS: readonly [number, string][] = [
  [86_400e9, "d"],
  [3_600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

/** Write a duration with three significant digits: `86 ms`, `1.24 s`, `2.5 min`; an en dash when it is missing. */
export function formatDuration(ns: number | null | undefined): string {
  if (typeof ns !== "number" || !Number.isFinite(ns)) return MISSING;
  if (ns === 0) return "0 s";
  for (const [size, unit] of UNITS) {
    if (Math.abs(ns) >= size * (unit === "min" || unit === "h" || unit === "d" ? 1 : 0.9995)) return `${threeDigits(ns / size)} ${unit}`;
  }
  return `${threeDigits(ns)} ns`;
}

const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)/g;
const SIZES: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
  d: 86_400e9,
  w: 604_800e9,
  y: 31_536_000e9,
};

/** Read a duration as the server does (`250ms`, `1h30m`); null when it is none. */
export function parseDuration(text: string): number | null {
  const parts = [...text.matchAll(PART)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) return null;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (SIZES[unit ?? ""] ?? 0), 0);
}

/** Write a duration as `parseDuration` reads it, in the largest units that are whole: `1h30m`. */
export function durationText(ns: number): string {
  let rest = Math.round(ns / MILLISECOND_NS) * MILLISECOND_NS;
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = SIZES[unit] ?? 1;
    const whole = Math.floor(rest / size);
    if (whole > 0) text += `${whole}${unit}`;
    rest -= whole * size;
  }
  return text || "0s";
}
