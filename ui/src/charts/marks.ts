/** Single measurements on a chart: exemplars, each of which opens its trace. */

import type uPlot from "uplot";
import { nearestPoint } from "./nearest";

export interface Mark {
  timeMs: number;
  value: number;
  /** What it is: `trace 4bf92f…`. */
  name: string;
  /** What a click does: "Click opens the trace." */
  does: string;
  /** What it opens. */
  id: string;
  /** More for whoever opens it. */
  detail?: string | undefined;
}

/** Draw marks as diamonds. */
export function drawMarks(plot: uPlot, marks: readonly Mark[], css: string, outline: string): void {
  const { ctx, bbox } = plot;
  const half = 3.5 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = css;
  ctx.strokeStyle = outline;
  ctx.lineWidth = devicePixelRatio;
  for (const { timeMs, value } of marks) {
    const x = plot.valToPos(timeMs, "x", true);
    const y = plot.valToPos(value, "y", true);
    if (!(x >= bbox.left && x <= bbox.left + bbox.width && y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    ctx.beginPath();
    ctx.moveTo(x, y - half);
    ctx.lineTo(x + half, y);
    ctx.lineTo(x, y + half);
    ctx.lineTo(x - half, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** Return the mark under the pointer, or null. `marks` are sorted by time. */
export function nearestMark(plot: uPlot, marks: readonly Mark[], reachPx: number): Mark | null {
  const { left, top } = plot.cursor;
  if (left === undefined || top === undefined || left < 0 || marks.length === 0) return null;
  return nearestPoint(
    marks,
    left,
    top,
    (timeMs) => plot.valToPos(timeMs, "x"),
    (value) => plot.valToPos(value, "y"),
    reachPx,
  );
}
