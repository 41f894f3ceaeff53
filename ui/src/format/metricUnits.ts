/** Units of metrics, as dashboards name them, and how a value is written in each. */

import { formatDuration } from "./durations";
import { formatBytes, formatNumber, formatRate, formatShare, MISSING, threeDigits, type Unit } from "./numbers";
import { formatDateTime } from "./times";
import { formatValue } from "./values";

/** A way to write values; `key` tells two of them apart. */
export interface ValueFormat {
  key: string;
  write: (value: number | null | undefined) => string;
  /** Steps between ticks that are round in this unit; without, decimal ones. */
  ticks?: { unit: Unit; factor: number };
}

interface MetricUnit {
  id: string;
  label: string;
  group: "Numbers" | "Time" | "Data" | "Rates" | "Physics" | "Money" | "Other";
  write: (value: number) => string;
  ticks?: { unit: Unit; factor: number };
  /** What stands behind the number when decimals are fixed, and what it is multiplied by. */
  suffix?: string;
  factor?: number;
}

const duration = (id: string, label: string, ns: number, suffix: string): MetricUnit => ({
  id,
  label,
  group: "Time",
  write: (value) => formatDuration(value * ns),
  ticks: { unit: "duration", factor: ns },
  suffix,
});

const bytes = (id: string, label: string, factor: number, perSecond: boolean, suffix: string): MetricUnit => ({
  id,
  label,
  group: perSecond ? "Rates" : "Data",
  write: (value) => formatBytes(value * factor) + (perSecond ? "/s" : ""),
  ticks: { unit: "bytes", factor },
  suffix,
});

const suffixed = (id: string, label: string, group: MetricUnit["group"], suffix: string): MetricUnit => ({
  id,
  label,
  group,
  write: (value) => `${formatNumber(value)}${suffix}`,
  suffix,
});

const money = (id: string, label: string, sign: string): MetricUnit => ({
  id,
  label,
  group: "Money",
  write: (value) => `${value < 0 ? "−" : ""}${sign}${Math.abs(value) >= 1_000 ? formatNumber(Math.abs(value)) : threeDigits(Math.abs(value))}`,
});

export const METRIC_UNITS: readonly MetricUnit[] = [
  { id: "number", label: "Number", group: "Numbers", write: formatNumber, suffix: "" },
  { id: "percent", label: "Percent (0–100)", group: "Numbers", write: (value) => formatShare(value / 100), suffix: " %" },
  { id: "share", label: "Percent (0–1)", group: "Numbers", write: formatShare, ticks: { unit: "share", factor: 1 }, suffix: " %", factor: 100 },
  duration("nanoseconds", "Nanoseconds", 1, " ns"),
  duration("microseconds", "Microseconds", 1e3, " µs"),
  duration("milliseconds", "Milliseconds", 1e6, " ms"),
  duration("seconds", "Seconds", 1e9, " s"),
  duration("minutes", "Minutes", 60e9, " min"),
  duration("hours", "Hours", 3_600e9, " h"),
  duration("days", "Days", 86_400e9, " d"),
  { id: "moment_ms", label: "Moment (Unix ms)", group: "Time", write: (value) => formatDateTime(value, "browser") },
  bytes("bytes", "Bytes", 1, false, " B"),
  bytes("kibibytes", "Kibibytes", 1024, false, " KiB"),
  bytes("mebibytes", "Mebibytes", 1024 ** 2, false, " MiB"),
  bytes("gibibytes", "Gibibytes", 1024 ** 3, false, " GiB"),
  suffixed("bits", "Bits", "Data", "bit"),
  bytes("bytes_per_second", "Bytes per second", 1, true, " B/s"),
  bytes("kibibytes_per_second", "Kibibytes per second", 1024, true, " KiB/s"),
  bytes("mebibytes_per_second", "Mebibytes per second", 1024 ** 2, true, " MiB/s"),
  suffixed("bits_per_second", "Bits per second", "Rates", "bit/s"),
  { id: "per_second", label: "Per second", group: "Rates", write: (value) => formatRate(value), suffix: " /s" },
  suffixed("per_minute", "Per minute", "Rates", " /min"),
  suffixed("hertz", "Hertz", "Physics", "Hz"),
  suffixed("celsius", "Celsius", "Physics", " °C"),
  suffixed("volts", "Volts", "Physics", "V"),
  suffixed("amperes", "Amperes", "Physics", "A"),
  suffixed("watts", "Watts", "Physics", "W"),
  suffixed("joules", "Joules", "Physics", "J"),
  money("dollars", "US dollars", "$"),
  money("euros", "Euros", "€"),
  { id: "yes_or_no", label: "Yes or no", group: "Other", write: (value) => (value === 0 ? "No" : "Yes") },
];

const BY_ID = new Map(METRIC_UNITS.map((unit) => [unit.id, unit]));
const made = new Map<string, ValueFormat>();

/** Return how values of a unit are written, `suffix:jobs` and `prefix:#` included; with `decimals`, exactly so many. */
export function metricFormat(unit: string, decimals: number | null | undefined = null): ValueFormat {
  const key = `${unit} ${decimals ?? ""}`;
  const known = made.get(key);
  if (known) return known;
  const format = makeFormat(key, unit, decimals ?? null);
  made.set(key, format);
  return format;
}

function makeFormat(key: string, unit: string, decimals: number | null): ValueFormat {
  const custom = /^(suffix|prefix):(.*)$/.exec(unit);
  const word = custom?.[2] ?? "";
  const found = BY_ID.get(unit);
  const suffix = custom?.[1] === "suffix" ? ` ${word}` : found?.suffix;
  const prefix = custom?.[1] === "prefix" ? word : "";
  const write = (value: number) => {
    if (decimals !== null && (suffix !== undefined || prefix !== "")) {
      const figure = (value * (found?.factor ?? 1)).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
      return `${prefix}${figure}${suffix ?? ""}`;
    }
    return found && !custom ? found.write(value) : `${prefix}${formatNumber(value)}${suffix ?? ""}`;
  };
  return {
    key,
    write: (value) => {
      if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
      if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
      return write(value);
    },
    ...(found?.ticks ? { ticks: found.ticks } : {}),
  };
}

const ofUnits = new Map<Unit, ValueFormat>();

/** Return the format of one of the API's own units; a format is returned as it is. */
export function toFormat(unit: Unit | ValueFormat): ValueFormat {
  if (typeof unit !== "string") return unit;
  let format = ofUnits.get(unit);
  if (!format) {
    format = { key: `unit ${unit}`, write: (value) => formatValue(value, unit), ticks: { unit, factor: 1 } };
    ofUnits.set(unit, format);
  }
  return format;
}

const ENDINGS: readonly [RegExp, string][] = [
  [/_seconds$/, "seconds"],
  [/_milliseconds$/, "milliseconds"],
  [/_bytes$/, "bytes"],
  [/_ratio$/, "share"],
  [/_celsius$/, "celsius"],
  [/_volts$/, "volts"],
  [/_amperes$/, "amperes"],
  [/_watts$/, "watts"],
  [/_joules$/, "joules"],
  [/_hertz$/, "hertz"],
  [/_usd$|_dollars$/, "dollars"],
];

/** Guess the unit of what an expression yields from the names of its metrics; `number` when in doubt. */
export function guessUnit(expression: string): string {
  const name = /[a-zA-Z_:][\w:]*_(?:seconds|milliseconds|bytes|ratio|celsius|volts|amperes|watts|joules|hertz|usd|dollars|total|count|sum|bucket)\b/.exec(expression)?.[0];
  const isRate = /\b(?:rate|irate)\s*\(/.test(expression);
  if (name === undefined) return isRate ? "per_second" : "number";
  // A quotient of two metrics has the unit of neither, but of a sum by its count.
  if (/[)\]}\w]\s*\/\s*[(\w]/.test(expression)) return /_sum\b/.test(expression) && /_count\b/.test(expression) ? unitOf(name) : "number";
  if (/_count\b|_total\b/.test(name) || /_bucket\b/.test(name)) {
    if (name.endsWith("_bucket")) return expression.includes('histogram_quantile') ? unitOf(name) : isRate ? "per_second" : "number";
    const unit = unitOf(name);
    if (unit === "bytes") return isRate ? "bytes_per_second" : "bytes";
    if (unit === "seconds" && name.endsWith("_total")) return isRate ? "number" : "seconds";
    return isRate ? "per_second" : "number";
  }
  const unit = unitOf(name);
  if (!isRate || /histogram_quantile|histogram_avg/.test(expression)) return unit;
  return unit === "bytes" ? "bytes_per_second" : unit === "seconds" ? "number" : "per_second";
}

function unitOf(name: string): string {
  const stem = name.replace(/_(total|count|sum|bucket)$/, "");
  return ENDINGS.find(([ending]) => ending.test(stem))?.[1] ?? "number";
}
