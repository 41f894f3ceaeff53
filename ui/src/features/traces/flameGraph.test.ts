import { describe, expect, it } from "vitest";
import { frameAt, framePath, layOutFlameGraph } from "./flameGraph";

const trace = {
  names: ["root", "query", "parse"],
  spans: {
    span_id: ["a", "b", "c", "d", "e"],
    parent: [-1, 0, 1, 0, 3],
    service: [0, 1, 1, 1, 1],
    name: [0, 1, 2, 1, 2],
    status: [0, 0, 0, 2, 0],
    duration_ns: [100, 30, 10, 40, 20],
    self_ns: [30, 20, 10, 20, 20],
  },
} as unknown as Parameters<typeof layOutFlameGraph>[0];

describe("layOutFlameGraph", () => {
  const graph = layOutFlameGraph(trace);

  it("merges spans with the same name under the same ancestors", () => {
    expect(graph.frames.map(({ name, spans, errors, totalNs, selfNs, span }) => ({ name, spans, errors, totalNs, selfNs, span }))).toEqual([
      { name: 0, spans: 1, errors: 0, totalNs: 100, selfNs: 30, span: 0 },
      { name: 1, spans: 2, errors: 1, totalNs: 70, selfNs: 40, span: 3 },
      { name: 2, spans: 2, errors: 0, totalNs: 30, selfNs: 30, span: 4 },
    ]);
    expect(graph.depth).toBe(3);
  });

  it("makes a frame as wide as its own time and that of all below", () => {
    expect(graph.frames.map(({ valueNs }) => valueNs)).toEqual([100, 70, 30]);
    expect(graph.totalNs).toBe(100);
  });

  it("puts roots side by side", () => {
    const two = layOutFlameGraph({
      names: ["x", "y"],
      spans: { span_id: ["a", "b"], parent: [-1, -1], service: [0, 0], name: [0, 1], status: [0, 0], duration_ns: [5, 7], self_ns: [5, 7] },
    } as unknown as typeof trace);
    expect(two.frames.map(({ offsetNs }) => offsetNs)).toEqual([0, 5]);
    expect(two.totalNs).toBe(12);
  });

  it("finds the frame under a point, and its ancestors", () => {
    expect(frameAt(graph, 1, 69)).toBe(1);
    expect(frameAt(graph, 1, 70)).toBe(-1);
    expect(framePath(graph, 2)).toEqual([0, 1, 2]);
  });
});
