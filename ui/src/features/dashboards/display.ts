/** How a panel shows values: one figure of many, what it means, and what its series are called. */

import type { Display, SeriesRule, ValueName } from "../../api/schema";
import { metricFormat, type ValueFormat } from "../../format/metricUnits";

export type Tone = "good" | "warn" | "bad" | "neutral";

type Values = readonly (number | null)[];

/** Return the one figure that stands for a series; null where nothing is known. */
export function calculate(values: Values, calculation: Display["calculation"]): number | null {
  const known = values.filter((value): value is number => value !== null && !Number.isNaN(value));
  const first = known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined) return calculation === "count" ? 0 : null;
  switch (calculation) {
    case "first":
      return first;
    case "mean":
      return known.reduce((sum, value) => sum + value, 0) / known.length;
    case "min":
      return known.reduce((least, value) => Math.min(least, value), Infinity);
    case "max":
      return known.reduce((most, value) => Math.max(most, value), -Infinity);
    case "sum":
      return known.reduce((sum, value) => sum + value, 0);
    case "count":
      return known.length;
    case "range":
      return known.reduce((most, value) => Math.max(most, value), -Infinity) - known.reduce((least, value) => Math.min(least, value), Infinity);
    case "last":
      return last;
  }
}

/** Return what a value means by the thresholds; neutral where there are none. */
export function toneOf(value: number | null, display: Display): Tone {
  const named = value === null ? undefined : nameOf(value, display.names);
  if (named && named.tone !== "neutral") return named.tone;
  let tone: Tone = "neutral";
  for (const step of display.thresholds) {
    if (step.value === null || step.value === undefined || (value !== null && value >= step.value)) tone = step.tone;
  }
  return value === null ? "neutral" : tone;
}

const TONES: Record<Tone, string> = { good: "var(--mark-good)", warn: "var(--mark-warn)", bad: "var(--mark-bad)", neutral: "var(--accent)" };
const WORDS: Record<Tone, string> = { good: "var(--good)", warn: "var(--warn)", bad: "var(--bad)", neutral: "var(--text)" };

/** CSS of a mark, such as a bar or a line across. */
export const toneColor = (tone: Tone): string => TONES[tone];

/** CSS of a word. */
export const toneTextColor = (tone: Tone): string => WORDS[tone];

/** Return the name of a value, such as `Up` for 1. */
export function nameOf(value: number, names: readonly ValueName[]): ValueName | undefined {
  return names.find(({ low, high }) => value >= (low ?? -Infinity) && value <= (high ?? Infinity));
}

/** Write a value as the panel shows it: by its name, or in its unit. */
export function writeValue(value: number | null, display: Display, format: ValueFormat = formatOf(display)): string {
  const named = value === null ? undefined : nameOf(value, display.names);
  return named !== undefined && named.name !== "" ? named.name : format.write(value);
}

export const formatOf = (display: Display): ValueFormat => metricFormat(display.unit, display.decimals);

const patterns = new Map<string, RegExp | null>();

function patternOf(text: string): RegExp | null {
  let found = patterns.get(text);
  if (found === undefined) {
    try {
      found = new RegExp(text);
    } catch {
      found = null;
    }
    patterns.set(text, found);
  }
  return found;
}

/** Return the rules that speak of a series or column, merged: what a later one says counts. */
export function ruleFor(name: string, rules: readonly SeriesRule[]): Omit<SeriesRule, "pattern"> {
  const merged = { title: "", unit: "", negative: false, hidden: false };
  for (const rule of rules) {
    if (patternOf(rule.pattern)?.test(name) !== true) continue;
    if (rule.title) merged.title = rule.title;
    if (rule.unit) merged.unit = rule.unit;
    merged.negative ||= rule.negative;
    merged.hidden ||= rule.hidden;
  }
  return merged;
}

/** Return how far a value reaches between the ends of a scale, 0 to 1. */
export function reach(value: number | null, min: number, max: number): number {
  if (value === null || !Number.isFinite(value) || max <= min) return 0;
  return Math.min(1, Math.max(0, (value - min) / (max - min)));
}

/** Return the ends of the scale of a gauge or of bars: as given, else from zero to the largest value or threshold, rounded up. */
export function scaleOf(values: Values, display: Display): { min: number; max: number } {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const min = display.min ?? Math.min(0, ...known);
  const natural = display.unit === "percent" ? 100 : display.unit === "share" ? 1 : null;
  const largest = Math.max(...known, ...display.thresholds.map(({ value }) => value ?? -Infinity), min);
  const max = display.max ?? (natural !== null && largest <= natural ? natural : roundUp(largest));
  return { min, max: max > min ? max : min + 1 };
}

function roundUp(value: number): number {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((digit) => digit * power >= value) ?? 10) * power;
}
