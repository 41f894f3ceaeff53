/**
 * Lay out a graph of services in layers from left to right: callers stand left of what they call. The same graph always
 * gets the same picture. Cycles are broken at the edge that leads back; the order within a layer follows the neighbours'
 * (barycentres), so that few edges cross.
 */

export interface GraphEdge {
  from: string;
  to: string;
}

export interface Place {
  x: number;
  y: number;
  layer: number;
}

interface Distances {
  /** From one layer to the next, in px. */
  layerPx: number;
  /** From one node of a layer to the next, in px. */
  nodePx: number;
}

const SWEEPS = 8;

export function layOutGraph(names: readonly string[], edges: readonly GraphEdge[], { layerPx, nodePx }: Distances): Map<string, Place> {
  const nodes = [...new Set(names)].sort();
  const known = new Set(nodes);
  const forward = breakCycles(nodes, edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to)));
  const layers = assignLayers(nodes, forward);
  orderLayers(layers, forward);
  const places = new Map<string, Place>();
  layers.forEach((layer, index) => {
    layer.forEach((name, position) => {
      places.set(name, { x: index * layerPx, y: (position - (layer.length - 1) / 2) * nodePx, layer: index });
    });
  });
  return places;
}

/** Return the edges without those that close a cycle; searched depth-first, from nodes that nobody calls first. */
function breakCycles(nodes: readonly string[], edges: readonly GraphEdge[]): GraphEdge[] {
  const targets = new Map<string, string[]>(nodes.map((name) => [name, []]));
  const called = new Set<string>();
  for (const { from, to } of [...edges].sort((a, b) => (a.to < b.to ? -1 : 1))) {
    targets.get(from)?.push(to);
    called.add(to);
  }
  const forward: GraphEdge[] = [];
  const state = new Map<string, "open" | "done">();
  const starts = [...nodes.filter((name) => !called.has(name)), ...nodes];
  for (const start of starts) {
    if (state.has(start)) continue;
    // A stack of our own: a chain of services may be longer than the engine's.
    const stack: { name: string; next: number }[] = [{ name: start, next: 0 }];
    state.set(start, "open");
    while (stack.length > 0) {
      const top = stack.at(-1) as { name: string; next: number };
      const to = targets.get(top.name)?.[top.next];
      if (to === undefined) {
        state.set(top.name, "done");
        stack.pop();
        continue;
      }
      top.next += 1;
      if (state.get(to) === "open") continue;
      forward.push({ from: top.name, to });
      if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ name: to, next: 0 });
      }
    }
  }
  return forward;
}

/** Put every node one layer right of its last caller; nodes without any edge stand at the left. */
function assignLayers(nodes: readonly string[], edges: readonly GraphEdge[]): string[][] {
  const incoming = new Map<string, number>(nodes.map((name) => [name, 0]));
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) {
    incoming.set(to, (incoming.get(to) ?? 0) + 1);
    targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const depth = new Map<string, number>(nodes.map((name) => [name, 0]));
  const ready = nodes.filter((name) => incoming.get(name) === 0);
  for (let name = ready.shift(); name !== undefined; name = ready.shift()) {
    for (const to of targets.get(name) ?? []) {
      depth.set(to, Math.max(depth.get(to) ?? 0, (depth.get(name) ?? 0) + 1));
      const left = (incoming.get(to) ?? 1) - 1;
      incoming.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  const layers: string[][] = [];
  for (const name of nodes) (layers[depth.get(name) ?? 0] ??= []).push(name);
  return layers;
}

/** Order each layer by the mean place of its neighbours, sweeping right and left. */
function orderLayers(layers: string[][], edges: readonly GraphEdge[]): void {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const { from, to } of edges) {
    before.set(to, [...(before.get(to) ?? []), from]);
    after.set(from, [...(after.get(from) ?? []), to]);
  }
  const place = new Map<string, number>();
  const note = (layer: readonly string[]) => {
    layer.forEach((name, index) => place.set(name, index - (layer.length - 1) / 2));
  };
  layers.forEach(note);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const neighbours = sweep % 2 === 0 ? before : after;
    const order = sweep % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of order) {
      const weight = new Map(
        layer.map((name) => {
          const near = neighbours.get(name) ?? [];
          const sum = near.reduce((total, other) => total + (place.get(other) ?? 0), 0);
          return [name, near.length > 0 ? sum / near.length : (place.get(name) ?? 0)];
        }),
      );
      layer.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0) || (a < b ? -1 : 1));
      note(layer);
    }
  }
}
