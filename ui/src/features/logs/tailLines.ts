/** The lines of a live tail: a bounded window on what comes, and what waits while somebody reads. */

import type { Line } from "./lineFields";

/** As many lines as a person may want to scroll back through; a page that stays open all day must not grow. */
export const TAIL_LINES = 10_000;

export interface TailLines {
  /** On view, oldest first. */
  shown: readonly Line[];
  /** Came since the view is held, oldest first. */
  held: readonly Line[];
  /** Held lines that were let go of, because more came than can be kept. */
  letGo: number;
  /** Lines that the server left out because they came faster than they could be sent. */
  skipped: number;
  /** Lines that came, those that the server left out included. */
  received: number;
  /** Ids of lines that were put in front: the tail may bring them, too. */
  earlier: ReadonlySet<string>;
}

export const NO_LINES: TailLines = { shown: [], held: [], letGo: 0, skipped: 0, received: 0, earlier: new Set() };

export interface Batch {
  lines: readonly Line[];
  skipped: number;
}

/** Add batches that came, oldest first, to the view, or to what is held back while `isHeld`. */
export function addBatches(tail: TailLines, batches: readonly Batch[], isHeld: boolean): TailLines {
  const came = batches.flatMap(({ lines }) => lines).filter(({ id }) => !tail.earlier.has(id));
  const skipped = batches.reduce((sum, batch) => sum + batch.skipped, 0);
  const counted = { ...tail, skipped: tail.skipped + skipped, received: tail.received + came.length + skipped };
  if (!isHeld) return { ...counted, shown: newest([...tail.shown, ...tail.held, ...came]), held: [], letGo: 0 };
  const held = newest([...tail.held, ...came]);
  return { ...counted, held, letGo: tail.letGo + tail.held.length + came.length - held.length };
}

/** Show what was held back. */
export const release = (tail: TailLines): TailLines => addBatches(tail, [], false);

/** Put lines that were stored before the tail began in front of it, each once. */
export function prepend(tail: TailLines, lines: readonly Line[]): TailLines {
  const known = new Set([...tail.shown, ...tail.held].map(({ id }) => id));
  const added = lines.filter(({ id }) => !known.has(id));
  return { ...tail, shown: newest([...added, ...tail.shown]), earlier: new Set(added.map(({ id }) => id)) };
}

const newest = (lines: readonly Line[]): readonly Line[] => (lines.length > TAIL_LINES ? lines.slice(-TAIL_LINES) : lines);
