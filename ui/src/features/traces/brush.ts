/** The part of the scatter plot that was brushed, in the address and in requests. */

import { momentText } from "../../app/timeRange";
import type { Brush } from "../../charts/ScatterPlot";
import type { ScatterPoints } from "../../api/schema";

/** Read a brush from the address: `<start ms>-<end ms>` and, for part of the height, `_<least ns>-<most ns>`; null when it is none. */
export function parseBrush(text: string): Brush | null {
  const parts = /^(\d+)-(\d+)(?:_(\d+)-(\d*))?$/.exec(text);
  if (!parts) return null;
  const brush = {
    startMs: Number(parts[1]),
    endMs: Number(parts[2]),
    minValue: Number(parts[3] ?? 0),
    maxValue: parts[4] ? Number(parts[4]) : Infinity,
  };
  return brush.endMs > brush.startMs && brush.maxValue > brush.minValue ? brush : null;
}

/** Write a brush as `parseBrush` reads it. */
export function brushText({ startMs, endMs, minValue, maxValue }: Brush): string {
  const time = `${Math.floor(startMs)}-${Math.ceil(endMs)}`;
  const isTall = minValue <= 0 && maxValue === Infinity;
  return isTall ? time : `${time}_${Math.floor(minValue)}-${maxValue === Infinity ? "" : Math.ceil(maxValue)}`;
}

/** Write a brush as the API reads it. */
export const brushParams = ({ startMs, endMs, minValue, maxValue }: Brush) => ({
  brush_from: momentText(startMs),
  brush_to: momentText(endMs),
  min_duration: minValue > 0 ? `${Math.floor(minValue)}ns` : "",
  max_duration: maxValue === Infinity ? "" : `${Math.ceil(maxValue)}ns`,
});

export const isInBrush = (brush: Brush, startMs: number, durationNs: number): boolean =>
  startMs >= brush.startMs && startMs <= brush.endMs && durationNs >= brush.minValue && durationNs <= brush.maxValue;

/** Count the points inside a brush. */
export function countBrushed({ start_ms: starts, duration_ns: durations }: Pick<ScatterPoints, "start_ms" | "duration_ns">, brush: Brush): number {
  let count = 0;
  starts.forEach((startMs, index) => {
    if (isInBrush(brush, startMs, durations[index] ?? 0)) count += 1;
  });
  return count;
}
