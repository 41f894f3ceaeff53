/**
 * The time range as people write it: `now-1h`, `2h`, `today`, `10:30`, `2026-11-21 10:30`, RFC 3339, Unix time.
 * Pure functions; the hook is in useTimeRange.ts.
 */

import { durationText, MILLISECOND_NS, parseDuration } from "../format/durations";
import { formatClock, formatDateTime, formatDay, type TimeZone } from "../format/times";

/** A span of time in Unix milliseconds: start inclusive, end exclusive. */
export interface MomentRange {
  startMs: number;
  endMs: number;
}

/** A range as it stands in the URL. */
export interface RangeText {
  from: string;
  to: string;
}

export const DEFAULT_RANGE: RangeText = { from: "now-1h", to: "now" };

export const PRESETS: readonly { text: string; label: string }[] = [
  { text: "5m", label: "Last 5 minutes" },
  { text: "15m", label: "Last 15 minutes" },
  { text: "30m", label: "Last 30 minutes" },
  { text: "1h", label: "Last hour" },
  { text: "3h", label: "Last 3 hours" },
  { text: "6h", label: "Last 6 hours" },
  { text: "12h", label: "Last 12 hours" },
  { text: "24h", label: "Last 24 hours" },
  { text: "2d", label: "Last 2 days" },
  { text: "7d", label: "Last 7 days" },
];

const RELATIVE = /^now(?:([+-])([0-9a-zµ.]+))?$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/** Resolve what stands in the URL (`now-1h`, RFC 3339, Unix time) to Unix milliseconds; null when it cannot be read. */
export function resolveTime(text: string, nowMs: number): number | null {
  const relative = RELATIVE.exec(text.trim());
  if (relative) {
    if (!relative[2]) return nowMs;
    const offset = parseDuration(relative[2]);
    if (offset === null) return null;
    return relative[1] === "-" ? nowMs - offset / MILLISECOND_NS : nowMs + offset / MILLISECOND_NS;
  }
  if (/^\d{1,19}(\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number < 1e11) return number * 1e3;
    if (number < 1e14) return number;
    return number < 1e17 ? number / 1e3 : number / 1e6;
  }
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text)) return null;
  const moment = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`);
  return Number.isNaN(moment) ? null : moment;
}

/** Resolve a range; falls back to the default when it cannot be read or does not run forward. */
export function resolveRange(range: RangeText, nowMs: number): MomentRange {
  const startMs = resolveTime(range.from, nowMs);
  const endMs = resolveTime(range.to, nowMs);
  if (startMs === null || endMs === null || startMs >= endMs) return { startMs: nowMs - 3_600_000, endMs: nowMs };
  return { startMs, endMs };
}

/** Tell whether a range moves with the clock. */
export const isLive = (range: RangeText): boolean => range.to.startsWith("now");

/** Write a moment as it stands in the URL: RFC 3339 in UTC, no longer than needed. */
export const momentText = (ms: number): string => new Date(Math.round(ms)).toISOString().replace(/\.000Z$/, "Z");

/** Write a resolved range as it stands in the URL; a range of minutes needs no milliseconds. */
export function rangeText({ startMs, endMs }: MomentRange): RangeText {
  const grain = endMs - startMs >= 60_000 ? 1_000 : 1;
  const round = (ms: number) => momentText(Math.round(ms / grain) * grain);
  return { from: round(startMs), to: round(endMs) };
}

/**
 * Read what somebody typed into the picker, and return it as it stands in the URL; null when it means nothing.
 * Times without a zone are read in `zone`; a bare duration means that long ago.
 */
export function readTypedTime(typed: string, nowMs: number, zone: TimeZone): string | null {
  const text = typed.trim();
  const lower = text.toLowerCase().replace(/\s+ago$/, "").replace(/^last\s+/, "");
  if (lower === "now") return "now";
  if (lower === "today") return momentText(startOfDay(nowMs, zone));
  if (lower === "yesterday") return momentText(startOfDay(startOfDay(nowMs, zone) - 1, zone));
  const bare = lower.replace(/^-/, "").replace(/\s+/g, "").replace(/mins?$/, "m").replace(/hours?$/, "h").replace(/days?$/, "d");
  if (parseDuration(bare) !== null) return `now-${bare}`;
  const compact = lower.replace(/\s+/g, "");
  if (RELATIVE.test(compact)) return resolveTime(compact, nowMs) === null ? null : compact;
  const clock = CLOCK.exec(text);
  if (clock) {
    const [hour, minute, second] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
    if (hour > 23 || minute > 59 || second > 59) return null;
    return momentText(startOfDay(nowMs, zone) + ((hour * 60 + minute) * 60 + second) * 1000);
  }
  const local = LOCAL.exec(text);
  if (local) {
    const [year, month, day, hour, minute, second] = local.slice(1, 7).map((part: string | undefined) => Number(part ?? 0));
    const fields = [year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0] as const;
    const date = zone === "utc" ? new Date(Date.UTC(...fields)) : new Date(...fields);
    const kept = zone === "utc" ? [date.getUTCMonth(), date.getUTCDate(), date.getUTCHours()] : [date.getMonth(), date.getDate(), fields[3]];
    if (kept[0] !== fields[1] || kept[1] !== fields[2] || kept[2] !== fields[3]) return null;
    return momentText(date.getTime() + Math.floor(Number(`0.${local[7] ?? 0}`) * 1000));
  }
  const moment = resolveTime(text, nowMs);
  return moment === null ? null : momentText(moment);
}

function startOfDay(ms: number, zone: TimeZone): number {
  const date = new Date(ms);
  return zone === "utc" ? date.setUTCHours(0, 0, 0, 0) : date.setHours(0, 0, 0, 0);
}

/** Move a range by half its length, `direction` −1 or 1; a range that reaches the present follows it again. */
export function stepRange(range: RangeText, direction: -1 | 1, nowMs: number): RangeText {
  const { startMs, endMs } = resolveRange(range, nowMs);
  const half = (endMs - startMs) / 2;
  return anchored({ startMs: startMs + direction * half, endMs: endMs + direction * half }, nowMs);
}

/** Double a range around its middle, not beyond the present. */
export function widenRange(range: RangeText, nowMs: number): RangeText {
  const { startMs, endMs } = resolveRange(range, nowMs);
  const half = (endMs - startMs) / 2;
  return anchored({ startMs: startMs - half, endMs: endMs + half }, nowMs);
}

function anchored({ startMs, endMs }: MomentRange, nowMs: number): RangeText {
  if (endMs < nowMs) return rangeText({ startMs, endMs });
  return { from: `now-${durationText((endMs - startMs) * MILLISECOND_NS)}`, to: "now" };
}

/** Say a range in words: `Last hour`, `Nov 21 10:00:00 – 11:30:00`. */
export function describeRange(range: RangeText, nowMs: number, zone: TimeZone): string {
  const relative = RELATIVE.exec(range.from);
  if (range.to === "now" && relative?.[1] === "-") {
    return PRESETS.find((preset) => preset.text === relative[2])?.label ?? `Last ${relative[2] ?? ""}`;
  }
  const { startMs, endMs } = resolveRange(range, nowMs);
  const sameDay = formatDateTime(startMs, zone).slice(0, 10) === formatDateTime(endMs, zone).slice(0, 10);
  const start = `${formatDay(startMs, zone)} ${trimSeconds(formatClock(startMs, zone))}`;
  if (range.to === "now") return `${start} – now`;
  const end = trimSeconds(formatClock(endMs, zone));
  return `${start} – ${sameDay ? end : `${formatDay(endMs, zone)} ${end}`}`;
}

const trimSeconds = (clock: string) => clock.replace(/:00$/, "");
