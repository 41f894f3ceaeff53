/** The part of a trace's time that is on view. */

export interface TimeWindow {
  startNs: number;
  endNs: number;
}

/** Read a window from the address (`1200000-4500000`, nanoseconds from the trace's start); the whole trace where it is none. */
export function parseWindow(text: string, durationNs: number): TimeWindow {
  const whole = { startNs: 0, endNs: Math.max(durationNs, 1) };
  const parts = /^(-?\d+)-(\d+)$/.exec(text);
  if (!parts) return whole;
  const [startNs, endNs] = [Number(parts[1]), Number(parts[2])];
  return endNs > startNs ? { startNs, endNs } : whole;
}

/** Write a window as `parseWindow` reads it. */
export const windowText = ({ startNs, endNs }: TimeWindow): string => `${Math.round(startNs)}-${Math.round(endNs)}`;

/** Return about `count` round moments inside a window, for its ruler. */
export function rulerTicks({ startNs, endNs }: TimeWindow, count: number): number[] {
  const rough = (endNs - startNs) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let index = Math.ceil(startNs / step); index * step <= endNs; index += 1) ticks.push(index * step);
  return ticks;
}
