/** Rows and shades of a heatmap. */

import type { ValueFormat } from "../format/metricUnits";

/** Return how strongly a cell is coloured, 0 to 1: by the square root, so that few are seen beside many. */
export function cellShade(count: number | null, most: number): number {
  if (count === null || count <= 0 || most <= 0) return 0;
  return 0.12 + 0.88 * Math.sqrt(Math.min(count / most, 1));
}

/** Return where the axis is labelled: between rows for buckets, in their middle for names; no more than there is room for. */
export function rowTicks(rows: number, named: boolean, room: number): number[] {
  const every = Math.max(1, Math.ceil(rows / Math.max(room, 1)));
  const ticks: number[] = [];
  for (let row = 0; row < rows; row += every) ticks.push(named ? row + 0.5 : row + 1);
  return ticks;
}

/** Write the label of a tick: the upper bound of the row below it, or the name of the row it stands in. */
export function rowLabel(tick: number, bounds: readonly number[], names: readonly string[] | null, format: ValueFormat): string {
  if (names) {
    const name = names[Math.floor(tick)] ?? "";
    return name.length > 24 ? `${name.slice(0, 23)}…` : name;
  }
  const bound = bounds[Math.round(tick) - 1];
  return bound === undefined ? "" : format.write(bound);
}
