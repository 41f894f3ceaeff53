import { describe, expect, it } from "vitest";
import { edgeKey, layOutGraph } from "./graphLayout";

const DISTANCES = { layerPx: 100, nodePx: 10, lanePx: 4 };

function layOut(edges: [string, string][], extra: string[] = []) {
  const names = [...new Set([...edges.flat(), ...extra])];
  return layOutGraph(
    names,
    edges.map(([from, to]) => ({ from, to })),
    DISTANCES,
  );
}

const lay = (edges: [string, string][], extra: string[] = []) => layOut(edges, extra).places;

describe("layOutGraph", () => {
  it("puts callers left of what they call, also over the longest way", () => {
    const places = lay([
      ["gateway", "router"],
      ["router", "worker"],
      ["gateway", "worker"],
    ]);
    expect(["gateway", "router", "worker"].map((name) => places.get(name)?.x)).toEqual([0, 100, 200]);
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

  it("leads an edge past the nodes of the layers between", () => {
    const { places, ways } = layOut([
      ["gateway", "router"],
      ["router", "worker"],
      ["gateway", "worker"],
    ]);
    const way = ways.get(edgeKey({ from: "gateway", to: "worker" }));
    expect(way?.map(({ x }) => x)).toEqual([100]);
    expect(Math.abs((way?.[0]?.y ?? 0) - (places.get("router")?.y ?? 0))).toBe(7);
    expect(ways.size).toBe(1);
  });

  it("packs a large graph into columns that fit", () => {
    const edges = Array.from({ length: 60 }, (_, index): [string, string] => ["gateway", `service-${index}`]);
    const places = lay([...edges, ["service-1", "service-2"]]);
    const columns = new Map<number, number>();
    for (const { layer } of places.values()) columns.set(layer, (columns.get(layer) ?? 0) + 1);
    expect(places.size).toBe(61);
    expect(Math.max(...columns.values())).toBe(12);
    expect(columns.size).toBe(6);
  });

  it("puts what stands alone below the rest", () => {
    const places = lay([["a", "b"]], ["lone"]);
    expect(places.get("lone")?.y).toBeGreaterThan(places.get("a")?.y ?? 0);
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
