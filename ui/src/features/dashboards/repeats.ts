/** Panels that repeat: one for each chosen value of a variable, side by side or one below the other. */

import type { Panel } from "../../api/schema";
import { COLUMNS, compact } from "./gridLayout";
import type { Bindings, Bound } from "./interpolation";

/** A panel on view; `bound` is what its variable stands for in it alone. */
export interface Repeated extends Panel {
  bound?: { name: string; value: string };
}

const MOST_ACROSS = 4;
const MOST_COPIES = 100;
/** Copies are numbered beyond all that are stored. */
const STRIDE = 1_000_001;

/** Return the panels with a copy for each value where one repeats; what stands beside or below moves down. */
export function repeatPanels(panels: readonly Panel[], bindings: Bindings): Repeated[] {
  let shown: Repeated[] = [...panels];
  for (const panel of panels) {
    const values = bindings[panel.repeat]?.values.slice(0, MOST_COPIES) ?? [];
    if (panel.repeat === "" || values.length === 0) continue;
    const at = shown.find(({ id }) => id === panel.id)?.place ?? panel.place;
    const across = panel.repeat_direction === "down" ? 1 : Math.min(values.length, MOST_ACROSS);
    const w = panel.repeat_direction === "down" ? at.w : Math.floor(COLUMNS / across);
    const x = panel.repeat_direction === "down" ? at.x : 0;
    const copies = values.map((value, index): Repeated => ({
      ...panel,
      id: panel.id + index * STRIDE,
      bound: { name: panel.repeat, value },
      place: { x: x + (index % across) * w, y: at.y + Math.floor(index / across) * at.h, w, h: at.h },
    }));
    const taken = Math.ceil(values.length / across) * at.h;
    const others = shown
      .filter(({ id }) => id !== panel.id)
      .map((other) => (other.place.y >= at.y ? { ...other, place: { ...other.place, y: other.place.y + taken } } : other));
    shown = compact([...others, ...copies]);
  }
  return shown;
}

/** Return the bindings that hold in a panel. */
export function bindingsOf(bindings: Bindings, { bound }: Repeated): Bindings {
  if (!bound) return bindings;
  const one: Bound = { values: [bound.value], multi: bindings[bound.name]?.multi ?? false };
  return { ...bindings, [bound.name]: one };
}

/** Return which stored panel one on view is a copy of. */
export const storedId = (id: number): number => id % STRIDE;
