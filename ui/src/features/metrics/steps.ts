/** How finely a range is asked for, and the durations that queries may name. */

import { parseDuration } from "../../format/durations";
import type { MomentRange } from "../../app/timeRange";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ROUND = [
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY,
]; // prettier-ignore

/** What most scrape every fifteen seconds: finer steps draw nothing more. */
export const DEFAULT_MIN_STEP_MS = 15 * SECOND;

/** More points than this no server answers (Prometheus refuses 11,001). */
const MOST_POINTS = 11_000;

/** Return a round step in ms that cuts a range into at most `points` pieces, and is not below `minStepMs`. */
export function chooseStep(rangeMs: number, points: number, minStepMs: number = DEFAULT_MIN_STEP_MS): number {
  const wanted = Math.max(rangeMs / Math.max(points, 1), 1);
  const round = ROUND.find((step) => step >= wanted) ?? Math.ceil(wanted / (365 * DAY)) * 365 * DAY;
  return Math.max(round, minStepMs, Math.ceil(rangeMs / MOST_POINTS));
}

/** Return the range with both ends on multiples of the step, so that a refresh asks for the same moments again. */
export function alignRange({ startMs, endMs }: MomentRange, stepMs: number): MomentRange {
  return { startMs: Math.floor(startMs / stepMs) * stepMs, endMs: Math.floor(endMs / stepMs) * stepMs };
}

/** Read a step as people write it, `30s` or a bare number of seconds; null when it is none. */
export function readStep(text: string): number | null {
  const wanted = text.trim();
  if (/^\d+(\.\d+)?$/.test(wanted)) return Number(wanted) > 0 ? Number(wanted) * SECOND : null;
  const ns = parseDuration(wanted);
  return ns === null || ns < 1e6 ? null : ns / 1e6;
}

/** Write milliseconds as PromQL does, in the largest unit that is whole: `90s`, `2m`, `500ms`. */
export function promDuration(ms: number): string {
  const whole = Math.max(1, Math.round(ms));
  for (const [size, unit] of [[DAY, "d"], [HOUR, "h"], [MINUTE, "m"], [SECOND, "s"]] as const) {
    if (whole % size === 0) return `${whole / size}${unit}`;
  }
  return `${whole}ms`;
}

/** Return the window that a rate needs to see at least four scrapes (Grafana's `$__rate_interval`). */
export const rateInterval = (stepMs: number, scrapeMs: number = DEFAULT_MIN_STEP_MS): number => Math.max(stepMs + scrapeMs, 4 * scrapeMs);
