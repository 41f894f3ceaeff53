/** One time axis for everything that a task's page shows. */

import { MILLISECOND_NS } from "../../format/durations";

export interface Axis {
  startNs: number;
  lengthNs: number;
}

const STEPS_NS = [1, 2, 5].flatMap((lead) => Array.from({ length: 15 }, (_, power) => lead * 10 ** power)).sort((a, b) => a - b);
const ROUND_NS = [...STEPS_NS.filter((ns) => ns < 60e9), 60e9, 120e9, 300e9, 600e9, 1_800e9, 3_600e9, 7_200e9, 21_600e9, 43_200e9, 86_400e9, 172_800e9, 604_800e9];
const MOST_TICKS = 6;

/** Return round offsets on an axis, in nanoseconds after its start. */
export function ticksOf({ lengthNs }: Axis): number[] {
  const step = ROUND_NS.find((ns) => ns >= 1_000 && lengthNs / ns <= MOST_TICKS) ?? lengthNs;
  return Array.from({ length: Math.floor(lengthNs / step) + 1 }, (_, index) => index * step);
}

/** Place a stretch of time on an axis: shares between 0 and 1, cut at its ends. */
export function place(axis: Axis, offsetNs: number, durationNs: number): { left: number; width: number } {
  const clamp = (share: number) => Math.min(Math.max(share, 0), 1);
  const left = clamp((offsetNs - axis.startNs) / axis.lengthNs);
  return { left, width: clamp((offsetNs + durationNs - axis.startNs) / axis.lengthNs) - left };
}

/** Return an axis that holds all of some stretches, each an offset and a length in nanoseconds. */
export function axisOf(stretches: readonly (readonly [number, number])[]): Axis {
  const startNs = Math.min(0, ...stretches.map(([offset]) => offset));
  const endNs = Math.max(...stretches.map(([offset, length]) => offset + length), startNs + MILLISECOND_NS / 1e3);
  return { startNs, lengthNs: endNs - startNs };
}
