import { describe, expect, it } from "vitest";
import type { AgentCourse } from "../../api/schema";
import { layOutCourse, stepTimes } from "./agentLines";

const START_MS = 1_700_000_000_000;
const point = (agent: string, step: number, rest: Partial<AgentCourse["points"][number]> = {}) => ({
  agent,
  time_ns: String((START_MS + step * 60_000) * 1e6),
  attempts: 4,
  failed: 1,
  busy_ns: 30e9,
  p50_ns: 7e9,
  trust_score: null,
  ...rest,
});
const course = (points: AgentCourse["points"]): AgentCourse => ({ start_ns: String(START_MS * 1e6), step_ns: 60e9, points });

describe("agents over time", () => {
  it("gives every step its beginning, the last one may be short", () => {
    expect(stepTimes(course([]), START_MS + 150_000)).toEqual([START_MS, START_MS + 60_000, START_MS + 120_000]);
  });

  it("puts each point into its step and leaves gaps where nothing was attempted", () => {
    const told = course([point("ada", 2), point("bob", 0, { attempts: 2, failed: 0 })]);
    const lines = layOutCourse(told, stepTimes(told, START_MS + 180_000));
    expect(lines.get("ada")?.load).toEqual([0, 0, 0.5]);
    expect(lines.get("ada")?.failedShare).toEqual([null, null, 0.25]);
    expect(lines.get("bob")?.p50Ns).toEqual([7e9, null, null]);
  });

  it("keeps a trust score until another one is told", () => {
    const told = course([point("ada", 1, { trust_score: 0.9 }), point("ada", 2)]);
    expect(layOutCourse(told, stepTimes(told, START_MS + 180_000)).get("ada")?.trust).toEqual([null, 0.9, 0.9]);
  });
});
