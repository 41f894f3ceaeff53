/** Lay what is told of agents, step by step, on an even grid of time, as lines and bars need it. */

import type { AgentCourse } from "../../api/schema";
import { nsToMs } from "../../format/times";

export interface AgentLines {
  /** Attempts worked on at a time, on average. */
  load: number[];
  attempts: number[];
  failed: number[];
  /** Null where nothing was attempted. */
  failedShare: (number | null)[];
  p50Ns: (number | null)[];
  /** The last score told; it holds until another one is. */
  trust: (number | null)[];
}

const emptyLines = (steps: number): AgentLines => ({
  load: Array.from({ length: steps }, () => 0),
  attempts: Array.from({ length: steps }, () => 0),
  failed: Array.from({ length: steps }, () => 0),
  failedShare: Array.from({ length: steps }, () => null),
  p50Ns: Array.from({ length: steps }, () => null),
  trust: Array.from({ length: steps }, () => null),
});

/** Return when each step of a range begins, in Unix milliseconds. */
export function stepTimes({ start_ns: start, step_ns: step }: Pick<AgentCourse, "start_ns" | "step_ns">, endMs: number): number[] {
  const startMs = nsToMs(start);
  const stepMs = step / 1e6;
  return Array.from({ length: Math.max(1, Math.ceil((endMs - startMs) / stepMs - 1e-6)) }, (_, index) => startMs + index * stepMs);
}

/** Return the lines of every agent, by its name, over the steps that begin at `timesMs`. */
export function layOutCourse(course: AgentCourse, timesMs: readonly number[]): Map<string, AgentLines> {
  const startMs = timesMs[0] ?? 0;
  const stepMs = course.step_ns / 1e6;
  const lines = new Map<string, AgentLines>();
  for (const point of course.points) {
    let own = lines.get(point.agent);
    if (!own) lines.set(point.agent, (own = emptyLines(timesMs.length)));
    const at = Math.round((nsToMs(point.time_ns) - startMs) / stepMs);
    if (at < 0 || at >= timesMs.length) continue;
    own.load[at] = point.busy_ns / course.step_ns;
    own.attempts[at] = point.attempts;
    own.failed[at] = point.failed;
    own.failedShare[at] = point.attempts > 0 ? point.failed / point.attempts : null;
    own.p50Ns[at] = point.p50_ns;
    own.trust[at] = point.trust_score;
  }
  for (const own of lines.values()) {
    own.trust.forEach((score, index) => {
      own.trust[index] = score ?? own.trust[index - 1] ?? null;
    });
  }
  return lines;
}
