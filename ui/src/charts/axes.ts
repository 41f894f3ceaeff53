/** Axes: round ticks, in the unit of what is measured and the time zone that was chosen. */

import type uPlot from "uplot";
import type { Unit } from "../format/numbers";
import { formatClock, formatDay, type TimeZone } from "../format/times";
import { toFormat, type ValueFormat } from "../format/metricUnits";

const DECIMALS = [1, 2, 5];
const POWERS = Array.from({ length: 30 }, (_, index) => index - 12);
const DECIMAL_STEPS = POWERS.flatMap((power) => DECIMALS.map((digit) => digit * 10 ** power));
const MINUTES_NS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200].map((minutes) => minutes * 60e9);

/** Steps between ticks that are round in a unit: minutes above a minute, powers of two for bytes. */
export function tickSteps(unit: Unit): number[] {
  if (unit === "bytes") return Array.from({ length: 50 }, (_, power) => 2 ** power);
  if (unit === "duration") return [...DECIMAL_STEPS.filter((step) => step >= 1 && step <= 10e9), 15e9, 30e9, ...MINUTES_NS];
  if (unit === "count") return DECIMAL_STEPS.filter((step) => step >= 1);
  return DECIMAL_STEPS;
}

/** Return the round steps of a format, in its own unit: a minute is 60 where values are seconds. */
function formatSteps({ ticks }: ValueFormat): number[] {
  if (!ticks) return DECIMAL_STEPS;
  const steps = tickSteps(ticks.unit).map((step) => step / ticks.factor);
  // Below a byte or a nanosecond there is nothing; a fraction of a core second there is.
  return ticks.unit === "bytes" && ticks.factor === 1 ? [...DECIMAL_STEPS.filter((step) => step < 1), ...steps] : steps;
}

/** Write the ticks of a time axis that are `stepMs` apart; the day stands at midnight. */
export function timeTicks(ticksMs: readonly number[], stepMs: number, zone: TimeZone): string[] {
  return ticksMs.map((ms) => {
    const clock = formatClock(ms, zone);
    if (stepMs >= 86_400_000 || clock === "00:00:00") return formatDay(ms, zone);
    if (stepMs >= 60_000) return clock.slice(0, 5);
    return stepMs >= 1_000 ? clock : formatClock(ms, zone, { millis: true });
  });
}

export interface ChartColors {
  text: string;
  grid: string;
  background: string;
}

const FONT = "11px system-ui, sans-serif";

/** The time axis at the bottom. */
export function timeAxis(zone: TimeZone, colors: ChartColors): uPlot.Axis {
  return {
    stroke: colors.text,
    font: FONT,
    size: 24,
    gap: 4,
    space: 72,
    grid: { show: false },
    ticks: { stroke: colors.grid, width: 1, size: 4 },
    values: (_, splits, __, ___, step) => timeTicks(splits, step, zone),
  };
}

/** The axis of values at the left. */
export function valueAxis(unit: Unit | ValueFormat, colors: ChartColors, logarithmic = false): uPlot.Axis {
  const format = toFormat(unit);
  return {
    scale: "y",
    stroke: colors.text,
    font: FONT,
    size: (_, values: string[] | null) => Math.max(44, ...(values ?? []).map((value) => value.length * 6.2 + 12)),
    gap: 6,
    space: 28,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value: number | null) => (value === null ? "" : formatTick(value, format))),
    ...(logarithmic ? {} : { incrs: formatSteps(format) }),
  };
}

const formatTick = (value: number, { write }: ValueFormat) => (value === 0 ? "0" : write(value));
