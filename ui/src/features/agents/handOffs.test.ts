import { describe, expect, it } from "vitest";
import type { HandOffGraph } from "../../api/schema";
import { countBySteps, sumPassings } from "./handOffs";

const START_MS = 1_700_000_000_000;
const edge = (step: number, from: string, to: string, count: number, kind = "handoff") => ({
  time_ns: String((START_MS + step * 60_000) * 1e6),
  from_agent: from,
  to_agent: to,
  kind,
  count,
});
const graph: HandOffGraph = {
  step_ns: 60e9,
  agents: ["ada", "bob", "eve"],
  edges: [edge(0, "ada", "bob", 2), edge(2, "ada", "bob", 3), edge(2, "bob", "eve", 1), edge(1, "ada", "bob", 4, "delegation")],
};

describe("hand-offs", () => {
  it("are summed over the range, the busiest first, kinds apart", () => {
    expect(sumPassings(graph, START_MS, null)).toEqual([
      { from: "ada", to: "bob", kind: "handoff", count: 5, total: 5 },
      { from: "ada", to: "bob", kind: "delegation", count: 4, total: 4 },
      { from: "bob", to: "eve", kind: "handoff", count: 1, total: 1 },
    ]);
  });

  it("keep every way in one step, so that the picture does not jump", () => {
    expect(sumPassings(graph, START_MS, 2).map(({ count }) => count)).toEqual([3, 0, 1]);
  });

  it("are counted by step", () => {
    expect(countBySteps(graph, START_MS, 4)).toEqual([2, 4, 4, 0]);
  });
});
