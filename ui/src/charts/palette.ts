/** Colours of services and series: the same name has the same colour on every page. */

export const PALETTE_SIZE = 12;

/** Return the slot, 0 to 11, of a name (FNV-1a). */
export function paletteSlot(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash ^= name.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  // The low bits of FNV-1a are weak for short names.
  hash ^= hash >>> 15;
  return (hash >>> 0) % PALETTE_SIZE;
}

/** Return the colour of a name as CSS: `var(--series-4)`, right in either theme. */
export const seriesColor = (name: string): string => `var(--series-${paletteSlot(name) + 1})`;

/**
 * Return a colour for each of several names in one chart: its own, unless another has that already and a free one is left.
 * Of two that want the same, the first by the alphabet has it, whatever their order.
 */
export function distinctColors(names: readonly string[]): Map<string, string> {
  const colors = new Map<string, string>();
  const taken = new Set<number>();
  for (const name of [...names].sort()) {
    let slot = paletteSlot(name);
    if (taken.size < PALETTE_SIZE) while (taken.has(slot)) slot = (slot + 1) % PALETTE_SIZE;
    taken.add(slot);
    colors.set(name, `var(--series-${slot + 1})`);
  }
  return colors;
}

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type Level = (typeof LEVELS)[number];

/** Return the colour of a log level as CSS; grey for what is none. */
export const levelColor = (level: string): string =>
  LEVELS.includes(level as Level) ? `var(--level-${level})` : "var(--mark-neutral)";

/** Resolve a CSS colour such as `var(--series-1)` to what a canvas understands. */
export function resolveColor(color: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : color;
}
