/**
 * Lay out a graph of services in layers from left to right: callers stand left of what they call. The same graph always
 * gets the same picture. Cycles are broken at the edge that leads back; the order within a layer follows the neighbours'
 * (barycentres), so that few edges cross. What neither calls nor is called stands below.
 */

export interface GraphEdge {
  from: string;
  to: string;
}

export interface Point {
  x: number;
  y: number;
}

export interface Place extends Point {
  layer: number;
}

export interface GraphLayout {
  places: Map<string, Place>;
  /** Where an edge that passes layers runs between their nodes; edges by `edgeKey`, others have no entry. */
  ways: Map<string, Point[]>;
}

interface Distances {
  /** From one layer to the next, in px. */
  layerPx: number;
  /** From one node of a layer to the next, in px. */
  nodePx: number;
  /** What an edge takes that passes between nodes. */
  lanePx: number;
}

const SWEEPS = 8;
/** Up to here edges get lanes; larger graphs are packed, so that names can still be read. */
const MOST_IN_LANES = 40;
const MOST_IN_COLUMN = 12;

export const edgeKey = ({ from, to }: GraphEdge): string => JSON.stringify([from, to]);

export function layOutGraph(names: readonly string[], edges: readonly GraphEdge[], distances: Distances): GraphLayout {
  const all = [...new Set(names)].sort();
  const known = new Set(all);
  const real = edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const linked = new Set(real.flatMap(({ from, to }) => [from, to]));
  const nodes = all.filter((name) => linked.has(name));
  const forward = breakCycles(nodes, real);
  const isLarge = nodes.length > MOST_IN_LANES;
  const layers = isLarge ? packLayers(nodes, forward) : assignLayers(nodes, forward);
  // With too many edges, lanes would drown the services: their lines then run straight.
  const { links, lanes } = isLarge ? { links: forward, lanes: new Map<string, string[]>() } : addLanes(layers, forward);
  orderLayers(layers, links);
  const places = new Map<string, Place>();
  let bottom = 0;
  layers.forEach((layer, index) => {
    const heights = layer.map((name) => (known.has(name) ? distances.nodePx : distances.lanePx));
    let y = -heights.reduce((sum, height) => sum + height, 0) / 2;
    layer.forEach((name, position) => {
      const height = heights[position] ?? 0;
      places.set(name, { x: index * distances.layerPx, y: y + height / 2, layer: index });
      y += height;
      bottom = Math.max(bottom, y);
    });
  });
  const ways = new Map([...lanes].map(([key, through]) => [key, through.map((name) => places.get(name) as Place)]));
  for (const name of places.keys()) if (!known.has(name)) places.delete(name);
  placeLone(all.filter((name) => !linked.has(name)), Math.max(layers.length, 1), bottom, distances, places);
  return { places, ways };
}

/** Put what neither calls nor is called in rows under the rest. */
function placeLone(lone: readonly string[], columns: number, bottom: number, { layerPx, nodePx }: Distances, places: Map<string, Place>): void {
  lone.forEach((name, index) => {
    const layer = index % columns;
    places.set(name, { x: layer * layerPx, y: bottom + nodePx * (Math.floor(index / columns) + 0.75), layer });
  });
}

/** Give every edge that passes layers a place of its own in each of them, so that it does not run under their nodes. */
function addLanes(layers: string[][], edges: readonly GraphEdge[]): { links: GraphEdge[]; lanes: Map<string, string[]> } {
  const layerOf = new Map(layers.flatMap((layer, index) => layer.map((name) => [name, index] as const)));
  const links: GraphEdge[] = [];
  const lanes = new Map<string, string[]>();
  for (const edge of edges) {
    const key = edgeKey(edge);
    if (lanes.has(key)) continue;
    const last = layerOf.get(edge.to) ?? 0;
    const through: string[] = [];
    let from = edge.from;
    for (let layer = (layerOf.get(edge.from) ?? 0) + 1; layer < last; layer += 1) {
      const lane = `\0${layer} ${key}`;
      layers[layer]?.push(lane);
      through.push(lane);
      links.push({ from, to: lane });
      from = lane;
    }
    links.push({ from, to: edge.to });
    if (through.length > 0) lanes.set(key, through);
  }
  return { links, lanes };
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

/** Put every node one layer right of its last caller. */
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

/** Put every node by its shortest way from a caller that nobody calls, tall layers in several columns. */
function packLayers(nodes: readonly string[], edges: readonly GraphEdge[]): string[][] {
  const targets = new Map<string, string[]>();
  const called = new Set<string>();
  for (const { from, to } of edges) {
    targets.set(from, [...(targets.get(from) ?? []), to]);
    called.add(to);
  }
  const columns: string[][] = [];
  const seen = new Set(nodes.filter((name) => !called.has(name)));
  for (let layer = [...seen]; layer.length > 0; ) {
    const count = Math.ceil(layer.length / MOST_IN_COLUMN);
    const height = Math.ceil(layer.length / count);
    for (let column = 0; column < count; column += 1) columns.push(layer.slice(column * height, (column + 1) * height));
    layer = [...new Set(layer.flatMap((name) => targets.get(name) ?? []))].filter((name) => !seen.has(name)).sort();
    layer.forEach((name) => seen.add(name));
  }
  return columns;
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
