/** What is worth marking in a comparison of two traces. */

import type { ComparedStep } from "../../api/schema";

/** Below this a difference is noise, whatever its share. */
const LEAST_NS = 1e6;
const LEAST_SHARE = 0.2;

/** The longest time on either side: what bars are measured by. */
export const scaleOf = (steps: readonly Pick<ComparedStep, "left" | "right">[]): number =>
  steps.reduce((most, { left, right }) => Math.max(most, left?.duration_ns ?? 0, right?.duration_ns ?? 0), 1);

/** Tell whether two sides differ in count or errors, or by a millisecond and a fifth in time. */
export function isMarked({ left, right, change_ns: change }: Pick<ComparedStep, "left" | "right" | "change_ns">): boolean {
  if (left === null || right === null) return true;
  if (left.spans !== right.spans || left.errors !== right.errors) return true;
  return Math.abs(change) >= LEAST_NS && Math.abs(change) >= LEAST_SHARE * left.duration_ns;
}
