/** What is said of a task that has not ended. */

import type { Forecast } from "../../api/schema";
import { formatDuration, SECOND_NS } from "../../format/durations";

const SILENT_NS = 60 * SECOND_NS;

/** Say how long a task probably still needs. */
export function remainingWords({ remaining_p50_ns: half, remaining_p90_ns: most, outruns, late, usual_p99_ns: usual, samples }: Forecast): string {
  if (outruns) return `longer than 99 % of its kind (${formatDuration(usual)})${late ? ", past its deadline" : ""}`;
  const deadline = late ? ", misses its deadline" : "";
  if (half === null) return samples === 0 ? `unknown, none like it has ended${deadline}` : `longer than all of its kind by now${deadline}`;
  return most === null || most === half ? `about ${formatDuration(half)}${deadline}` : `about ${formatDuration(half)}, 9 of 10 within ${formatDuration(most)}${deadline}`;
}

/** Say for how long nothing was heard of a task; empty where that is no news. */
export const silentWords = ({ silent_ns: silent }: Forecast): string => (silent >= SILENT_NS ? `silent for ${formatDuration(silent)}` : "");

/** Where a task stands between its beginning and the time that 99 % of its kind need, and where half of them ended; null without any. */
export function progressOf({ elapsed_ns: elapsed, usual_p50_ns: half, usual_p99_ns: most }: Forecast): { done: number; median: number } | null {
  if (half === null || most === null || most <= 0) return null;
  return { done: Math.min(elapsed / most, 1), median: Math.min(half / most, 1) };
}
