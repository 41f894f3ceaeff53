/** Whether the server can be reached at all: said once for the page, not by every part of it. */

import { useSyncExternalStore } from "react";

let awaySinceMs: number | null = null;
const listeners = new Set<() => void>();

/** Note how a request went: `reached` is true for any answer, errors included. */
export function noteReached(reached: boolean): void {
  if (reached === (awaySinceMs === null)) return;
  awaySinceMs = reached ? null : Date.now();
  listeners.forEach((listener) => {
    listener();
  });
}

/** Return since when the server has not been reached, in Unix milliseconds; null while it is. */
export function useAwaySince(): number | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => awaySinceMs,
  );
}
