/** Draw the bars of a waterfall's rows on a canvas: own time solid, time of children pale, waiting hatched, the critical path drawn through. */

import type { Waterfall } from "../../api/schema";
import { formatDuration } from "../../format/durations";
import { ownIntervals, waitBefore } from "./intervals";
import type { TimeWindow } from "./timeWindow";
import type { VisibleRows } from "./visibleRows";

export interface BarColors {
  services: readonly string[];
  text: string;
  quiet: string;
  line: string;
  bad: string;
  background: string;
}

interface Drawing {
  context: CanvasRenderingContext2D;
  waterfall: Waterfall;
  rows: VisibleRows;
  /** The rows to be drawn: first inclusive, last exclusive. */
  first: number;
  last: number;
  rowHeight: number;
  width: number;
  window: TimeWindow;
  ticks: readonly number[];
  colors: BarColors;
  showPath: boolean;
  /** Spans to be drawn pale, as those that a search did not find. */
  isDimmed: ((span: number) => boolean) | null;
}

const BAR_INSET = 7;
const LABEL_GAP = 6;
const FONT = "11px system-ui, sans-serif";
export const FLAG_EVENTS = 8;
export const FLAG_EXCEPTION = 128;

export function drawBars(drawing: Drawing): void {
  const { context, rows, first, last, rowHeight, width, window: view, ticks, colors, waterfall, isDimmed } = drawing;
  const { spans } = waterfall;
  const scale = width / (view.endNs - view.startNs);
  const toX = (ns: number) => (ns - view.startNs) * scale;
  const height = (last - first) * rowHeight;
  context.clearRect(0, 0, width, height);
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const tick of ticks) {
    const x = Math.round(toX(tick)) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, height);
  }
  context.stroke();
  context.font = FONT;
  context.textBaseline = "middle";
  for (let row = first; row < last; row += 1) {
    const span = rows.spans[row] ?? 0;
    const top = (row - first) * rowHeight;
    const start = spans.start_ns[span] ?? 0;
    const end = start + (spans.duration_ns[span] ?? 0);
    const color = colors.services[spans.service[span] ?? 0] ?? colors.text;
    context.globalAlpha = isDimmed?.(span) ? 0.25 : 1;
    drawWait(drawing, span, top, toX);
    const left = toX(start);
    const right = Math.max(toX(end), left + 2);
    if (right < 0 || left > width) {
      drawPointer(drawing, left > width, top);
      continue;
    }
    const clippedLeft = Math.max(left, -1);
    const clippedRight = Math.min(right, width + 1);
    const alpha = context.globalAlpha;
    const y = top + BAR_INSET;
    const barHeight = rowHeight - 2 * BAR_INSET;
    context.fillStyle = color;
    if ((spans.descendants[span] ?? 0) > 0 && right - left > 3) {
      context.globalAlpha = alpha * 0.38;
      context.fillRect(clippedLeft, y, clippedRight - clippedLeft, barHeight);
      context.globalAlpha = alpha;
      for (const [from, to] of ownIntervals(spans, span, 0.5 / scale)) {
        const x1 = Math.max(toX(from), clippedLeft);
        const x2 = Math.min(toX(to), clippedRight);
        if (x2 > x1) context.fillRect(x1, y, x2 - x1, barHeight);
      }
    } else {
      context.fillRect(clippedLeft, y, clippedRight - clippedLeft, barHeight);
    }
    if (spans.status[span] === 2) {
      context.fillStyle = colors.bad;
      context.fillRect(clippedLeft, y + barHeight, clippedRight - clippedLeft, 2);
    }
  }
  context.globalAlpha = 1;
  if (drawing.showPath) drawPath(drawing, toX);
  for (let row = first; row < last; row += 1) {
    const span = rows.spans[row] ?? 0;
    const left = toX(spans.start_ns[span] ?? 0);
    const right = Math.max(toX((spans.start_ns[span] ?? 0) + (spans.duration_ns[span] ?? 0)), left + 2);
    if (right < 0 || left > width) continue;
    drawLabel(drawing, formatDuration(spans.duration_ns[span]), left, right, (row - first) * rowHeight, waitBefore(spans, span) !== null);
  }
}

/** Hatch the time that a span lay waiting after its parent was done. */
function drawWait({ context, waterfall, rowHeight, width, colors }: Drawing, span: number, top: number, toX: (ns: number) => number): void {
  const wait = waitBefore(waterfall.spans, span);
  if (!wait) return;
  const left = Math.max(toX(wait[0]), 0);
  const right = Math.min(toX(wait[1]), width);
  if (right - left < 2) return;
  const y = top + BAR_INSET;
  const height = rowHeight - 2 * BAR_INSET;
  context.save();
  context.beginPath();
  context.rect(left, y, right - left, height);
  context.clip();
  context.strokeStyle = colors.quiet;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.floor(left / 6) * 6 - height; x < right; x += 6) {
    context.moveTo(x, y + height);
    context.lineTo(x + height, y);
  }
  context.stroke();
  context.restore();
  const label = `waited ${formatDuration(wait[1] - wait[0])}`;
  const space = context.measureText(label).width;
  if (space + 16 > right - left) return;
  const x = (left + right - space) / 2;
  context.fillStyle = colors.background;
  context.fillRect(x - 4, y - 2, space + 8, height + 4);
  context.fillStyle = colors.quiet;
  context.fillText(label, x, top + rowHeight / 2 + 0.5);
}

/** Point to a bar that lies outside the window. */
function drawPointer({ context, rowHeight, width, colors }: Drawing, isRight: boolean, top: number): void {
  const middle = top + rowHeight / 2;
  const x = isRight ? width - 3 : 3;
  const tail = isRight ? x - 5 : x + 5;
  context.fillStyle = colors.quiet;
  context.beginPath();
  context.moveTo(x, middle);
  context.lineTo(tail, middle - 4);
  context.lineTo(tail, middle + 4);
  context.fill();
}

function drawLabel({ context, rowHeight, width, colors }: Drawing, label: string, left: number, right: number, top: number, hasWaited: boolean): void {
  const space = context.measureText(label).width + LABEL_GAP;
  const middle = top + rowHeight / 2 + 0.5;
  // To the left of a span that waited lies its waiting.
  const isLeft = left - space > 0 && !hasWaited;
  const x = right + space < width ? right + LABEL_GAP : isLeft ? left - space : Math.min(right, width) - space - 4;
  // On a ground of its own, so that it can be read over bars and the critical path.
  context.globalAlpha = 0.8;
  context.fillStyle = colors.background;
  context.fillRect(x - 2, middle - 7.5, space - LABEL_GAP + 4, 14);
  context.globalAlpha = 1;
  context.fillStyle = colors.quiet;
  context.fillText(label, x, middle);
}

/** Draw the critical path through the rows: strong along each span that the trace waited for, thin from one to the next. */
function drawPath({ context, waterfall, rows, first, last, rowHeight, width, colors }: Drawing, toX: (ns: number) => number): void {
  const path = waterfall.critical_path;
  const yOf = (index: number) => ((rows.rowOf[path.span[index] ?? 0] ?? 0) - first) * rowHeight + rowHeight / 2;
  const height = (last - first) * rowHeight;
  const hops = new Path2D();
  const stays = new Path2D();
  let previousY = Number.NaN;
  for (let index = 0; index < path.span.length; index += 1) {
    const y = yOf(index);
    const x1 = toX(path.start_ns[index] ?? 0);
    const x2 = toX(path.end_ns[index] ?? 0);
    if (x1 <= width + 1 && x1 >= -1 && !Number.isNaN(previousY) && y !== previousY) {
      addHop(hops, Math.round(x1) + 0.5, previousY, y, height);
    }
    previousY = y;
    if (y >= 0 && y <= height && x2 >= 0 && x1 <= width) {
      stays.rect(Math.max(x1, 0), y - 1.5, Math.max(Math.min(x2, width) - Math.max(x1, 0), 1), 3);
    }
  }
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  context.lineWidth = 1;
  context.strokeStyle = colors.text;
  context.globalAlpha = 0.55;
  context.stroke(hops);
  context.globalAlpha = 1;
  // A rim in the page's colour, so that the line stands out from bars of any colour.
  context.strokeStyle = colors.background;
  context.stroke(stays);
  context.fillStyle = colors.text;
  context.fill(stays);
  context.restore();
}

/** A hop to a row far away would cross all rows between: it is only begun and ended. */
const LONGEST_HOP_PX = 480;
const STUB_PX = 14;

function addHop(hops: Path2D, x: number, from: number, to: number, height: number): void {
  if (Math.abs(to - from) <= LONGEST_HOP_PX) {
    hops.moveTo(x, from);
    hops.lineTo(x, to);
    return;
  }
  const step = Math.sign(to - from) * STUB_PX;
  if (from >= -STUB_PX && from <= height + STUB_PX) {
    hops.moveTo(x, from);
    hops.lineTo(x, from + step);
  }
  if (to >= -STUB_PX && to <= height + STUB_PX) {
    hops.moveTo(x, to - step);
    hops.lineTo(x, to);
  }
}
