/** Where panels stand: 24 columns, rows as many as it takes; no two overlap, and none floats over an empty row. */

export const COLUMNS = 24;

export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Placed {
  id: number;
  place: Place;
}

const overlaps = (a: Place, b: Place) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

const byPlace = (a: Placed, b: Placed) => a.place.y - b.place.y || a.place.x - b.place.x || a.id - b.id;

/** Move every panel up as far as it goes; one that `held` names comes first where two want the same place. */
export function compact<T extends Placed>(panels: readonly T[], held: number | null = null): T[] {
  const settled: T[] = [];
  const ordered = [...panels].sort((a, b) => a.place.y - b.place.y || Number(b.id === held) - Number(a.id === held) || a.place.x - b.place.x || a.id - b.id);
  for (const panel of ordered) {
    const place = { ...panel.place };
    // Down until it is free, then up while it is free.
    while (settled.some((other) => overlaps(other.place, place))) place.y += 1;
    while (place.y > 0 && !settled.some((other) => overlaps(other.place, { ...place, y: place.y - 1 }))) place.y -= 1;
    settled.push({ ...panel, place });
  }
  const found = new Map(settled.map((panel) => [panel.id, panel]));
  return panels.map((panel) => found.get(panel.id) ?? panel);
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** Keep a place within the grid. */
export function fitPlace({ x, y, w, h }: Place, least: { w: number; h: number } = { w: 2, h: 2 }): Place {
  const width = clamp(Math.round(w), least.w, COLUMNS);
  return { x: clamp(Math.round(x), 0, COLUMNS - width), y: Math.max(0, Math.round(y)), w: width, h: clamp(Math.round(h), least.h, 200) };
}

/** Put one panel elsewhere; those in its way move down, and all close up. */
export function movePanel<T extends Placed>(panels: readonly T[], id: number, place: Place): T[] {
  return compact(
    panels.map((panel) => (panel.id === id ? { ...panel, place } : panel)),
    id,
  );
}

/** Return the first place, from the top, where a panel of this size does not overlap; below all others when there is none. */
export function freePlace(panels: readonly Placed[], w: number, h: number): Place {
  const bottom = Math.max(0, ...panels.map(({ place }) => place.y + place.h));
  const last = [...panels].sort(byPlace).at(-1)?.place;
  // Beside the last one, when there is room.
  if (last && last.x + last.w + w <= COLUMNS) {
    const beside = { x: last.x + last.w, y: last.y, w, h };
    if (!panels.some(({ place }) => overlaps(place, beside))) return beside;
  }
  return { x: 0, y: bottom, w, h };
}

interface Grouped extends Placed {
  kind: string;
  collapsed: boolean;
}

/** Return which panels are on view, each where it stands once folded rows have closed. */
export function visiblePanels<T extends Grouped>(panels: readonly T[]): T[] {
  const shown: T[] = [];
  let hidden = 0;
  let folded: { top: number; bottom: number } | null = null;
  const close = () => {
    if (folded) hidden += Math.max(0, folded.bottom - folded.top);
    folded = null;
  };
  for (const panel of [...panels].sort(byPlace)) {
    if (panel.kind === "row") {
      close();
      shown.push({ ...panel, place: { ...panel.place, y: panel.place.y - hidden } });
      if (panel.collapsed) folded = { top: panel.place.y + panel.place.h, bottom: panel.place.y + panel.place.h };
    } else if (folded) {
      folded.bottom = Math.max(folded.bottom, panel.place.y + panel.place.h);
    } else {
      shown.push({ ...panel, place: { ...panel.place, y: panel.place.y - hidden } });
    }
  }
  return shown;
}

/** Return the panels that a row heads: those below it, up to the next row. */
export function rowMembers(panels: readonly Grouped[], rowId: number): number[] {
  const ordered = [...panels].sort(byPlace);
  const at = ordered.findIndex(({ id }) => id === rowId);
  if (at < 0) return [];
  const members: number[] = [];
  for (const panel of ordered.slice(at + 1)) {
    if (panel.kind === "row") break;
    members.push(panel.id);
  }
  return members;
}
