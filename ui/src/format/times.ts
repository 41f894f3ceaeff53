/** Moments, always carried in Unix milliseconds, written in the browser's time zone or in UTC. */

import { MISSING } from "./numbers";

export type TimeZone = "browser" | "utc";

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(ms: number, zone: TimeZone): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      ...(zone === "utc" ? { timeZone: "UTC" } : {}),
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]));
}

const isMoment = (ms: number | null | undefined): ms is number =>
  typeof ms === "number" && Number.isFinite(ms) && Math.abs(ms) <= 8.64e15;

/** Write `2026-11-21 10:30:05`, with `.123` when asked for. */
export function formatDateTime(ms: number | null | undefined, zone: TimeZone, options: { millis?: boolean } = {}): string {
  if (!isMoment(ms)) return MISSING;
  const p = parts(ms, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}${options.millis ? millis(ms) : ""}`;
}

/** Write `10:30:05`, with `.123` when asked for. */
export function formatClock(ms: number | null | undefined, zone: TimeZone, options: { millis?: boolean } = {}): string {
  if (!isMoment(ms)) return MISSING;
  const p = parts(ms, zone);
  return `${p.hour}:${p.minute}:${p.second}${options.millis ? millis(ms) : ""}`;
}

/** Write `Nov 21`. */
export function formatDay(ms: number, zone: TimeZone): string {
  if (!isMoment(ms)) return MISSING;
  return new Intl.DateTimeFormat("en-US", {
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
    month: "short",
    day: "numeric",
  }).format(ms);
}

const millis = (ms: number) => `.${String(((Math.floor(ms) % 1000) + 1000) % 1000).padStart(3, "0")}`;

const AGES: readonly [number, string][] = [
  [365 * 86_400_000, "y"],
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** Write how long ago a moment is: `12 s ago`, `in 3 min`, `just now`. */
export function formatAge(ms: number | null | undefined, nowMs: number): string {
  if (!isMoment(ms)) return MISSING;
  const age = nowMs - ms;
  for (const [size, unit] of AGES) {
    if (Math.abs(age) >= size) {
      const text = `${Math.floor(Math.abs(age) / size).toString()} ${unit}`;
      return age > 0 ? `${text} ago` : `in ${text}`;
    }
  }
  return "just now";
}

/** Turn the API's Unix nanoseconds, decimal text because a number cannot hold them, into Unix milliseconds. */
export function nsToMs(ns: string | number | null | undefined): number {
  if (ns === null || ns === undefined || ns === "") return Number.NaN;
  // By way of microseconds, which a number still holds exactly: a millisecond must not become 0.9998 of one.
  return Math.round(Number(ns) / 1e3) / 1e3;
}
