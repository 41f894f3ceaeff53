/** Is anything wrong, and since when? Read from the services' courses, by rules that can be said in a sentence each. */

import type { ServiceHealth } from "../../api/schema";

/** A service fails when 5 % of its spans do, or 1 % and twice the share of the range before. */
const BAD_SHARE = 0.05;
const NOTABLE_SHARE = 0.01;
const WORSE = 2;
/** Fewer failures than this are no pattern. */
const FEW_ERRORS = 3;
/** A service is slower when its p95 grew by half and by 20 ms. */
const SLOWER = 1.5;
const SLOWER_BY_NS = 20e6;

export type State = "failing" | "slower" | "fine";

/** Judge one service against the range before. */
export function judge(service: ServiceHealth): State {
  const { totals, before } = service;
  if (totals.errors >= FEW_ERRORS) {
    const worse = before !== null && totals.error_share >= WORSE * before.error_share;
    if (totals.error_share >= BAD_SHARE || (totals.error_share >= NOTABLE_SHARE && worse)) return "failing";
  }
  const [now, then] = [totals.p95_ns, before?.p95_ns ?? null];
  if (now !== null && then !== null && now >= SLOWER * then && now - then >= SLOWER_BY_NS) return "slower";
  return "fine";
}

/**
 * Return when a service began to fail: the start of the last unbroken run of steps with at least 1 % of errors. Null when it
 * failed in the first step already, and so since before the range.
 */
export function failingSince(service: ServiceHealth, stepsMs: readonly number[]): number | null {
  let since: number | null = null;
  let start = -1;
  service.error_share.forEach((share, index) => {
    if (share === null) return;
    if (share >= NOTABLE_SHARE) {
      if (start < 0) start = index;
    } else {
      start = -1;
    }
  });
  if (start < 0) start = service.error_share.findLastIndex((share) => share !== null && share >= NOTABLE_SHARE);
  if (start > 0) since = stepsMs[start] ?? null;
  return since;
}

export interface Verdict {
  state: State;
  failing: readonly ServiceHealth[];
  slower: readonly ServiceHealth[];
}

/** Judge the whole: what fails most comes first. */
export function judgeAll(services: readonly ServiceHealth[]): Verdict {
  const failing = services.filter((service) => judge(service) === "failing").sort((a, b) => b.totals.error_share - a.totals.error_share);
  const slower = services.filter((service) => judge(service) === "slower");
  return { state: failing.length > 0 ? "failing" : slower.length > 0 ? "slower" : "fine", failing, slower };
}
