/** Steps of time without gaps. */

import type { MomentRange } from "../../app/timeRange";

export interface EvenStep {
  ms: number;
  /** Which of the given moments it is; null where none is there. */
  index: number | null;
}

/** Return every step of a range, each with the moment that begins it. */
export function evenSteps(timesMs: readonly number[], { startMs, endMs }: MomentRange, stepMs: number): EvenStep[] {
  const count = Math.min(Math.max(Math.ceil((endMs - startMs) / stepMs), 1), 1_000);
  const known = new Map(timesMs.map((ms, index) => [Math.round((ms - startMs) / stepMs), index]));
  return Array.from({ length: count }, (_, step) => ({ ms: startMs + step * stepMs, index: known.get(step) ?? null }));
}
