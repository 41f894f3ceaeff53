import { describe, expect, it } from "vitest";
import { layOutGraph } from "./graphLayout";

const DISTANCES = { layerPx: 100, nodePx: 10 };

function lay(edges: [string, string][], extra: string[] = []) {
  const names = [...new Set([...edges.flat(), ...extra])];
  return layOutGraph(
    names,
    edges.map(([from, to]) => ({ from, to })),
    DISTANCES,
  );
}

describe("layOutGraph", () => {
  it("puts callers left of what they call, also over the longest way", () => {
    const places = lay([
      ["gateway", "router"],
      ["router", "worker"],
      ["gateway", "worker"],
    ]);
    expect([...places].map(([name, { x }]) => [name, x])).toEqual([
      ["gateway", 0],
      ["router", 100],
      ["worker", 200],
    ]);
  });

  it("survives cycles and calls to oneself", () => {
    const places = lay([
      ["a", "b"],
      ["b", "a"],
      ["b", "b"],
      ["b", "c"],
    ]);
    expect([places.get("a")?.layer, places.get("b")?.layer, places.get("c")?.layer]).toEqual([0, 1, 2]);
  });

  it("orders a layer so that edges do not cross", () => {
    const places = lay([
      ["a", "z"],
      ["b", "y"],
    ]);
    expect((places.get("a")?.y ?? 0) < (places.get("b")?.y ?? 0)).toBe((places.get("z")?.y ?? 0) < (places.get("y")?.y ?? 0));
  });

  it("gives the same picture whatever the order of the input", () => {
    const edges: [string, string][] = [
      ["a", "b"],
      ["a", "c"],
      ["c", "d"],
      ["b", "d"],
      ["d", "a"],
    ];
    const one = lay(edges, ["lone"]);
    const other = lay([...edges].reverse(), ["lone"]);
    expect(Object.fromEntries(other)).toEqual(Object.fromEntries(one));
  });

  it("puts no two nodes in one place", () => {
    const places = lay(
      [
        ["a", "b"],
        ["a", "c"],
      ],
      ["d"],
    );
    expect(new Set([...places.values()].map(({ x, y }) => `${x}/${y}`)).size).toBe(4);
  });
});
