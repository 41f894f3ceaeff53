/** The curve of an edge in a graph that runs from left to right. */

import type { Point } from "./graphLayout";

/** How far a lane runs level, in px to either side: the width of the nodes that it passes. */
const LEVEL_PX = 94;

interface EdgePath {
  /** As SVG writes it. */
  path: string;
  /** Where the figures stand: half-way, or where a long edge first runs level. */
  label: Point;
}

/**
 * Draw an edge through the points that it has to pass, level where it passes them. An edge that leads back, against the
 * graph, goes round in an arc below.
 */
export function edgePath(from: Point, through: readonly Point[], to: Point): EdgePath {
  if (to.x < from.x) {
    const reach = 60 + (from.x - to.x) / 4;
    const bottom = Math.max(from.y, to.y) + reach;
    return {
      path: `M${at(from)}C${at({ x: from.x + reach, y: bottom })} ${at({ x: to.x - reach, y: bottom })} ${at(to)}`,
      label: { x: (from.x + to.x) / 2, y: (from.y + to.y) / 8 + bottom * 0.75 },
    };
  }
  const stops = [from, ...through.flatMap(({ x, y }) => [{ x, y }, { x: x + 2 * LEVEL_PX, y }]), to];
  let path = `M${at(from)}`;
  for (let index = 1; index < stops.length; index += 1) {
    const [start, end] = [stops[index - 1] as Point, stops[index] as Point];
    const middle = (start.x + end.x) / 2;
    path += start.y === end.y ? `L${at(end)}` : `C${at({ x: middle, y: start.y })} ${at({ x: middle, y: end.y })} ${at(end)}`;
  }
  const level = through[0];
  const label = level ? { x: level.x + LEVEL_PX, y: level.y } : { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return { path, label };
}

const at = ({ x, y }: Point) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
