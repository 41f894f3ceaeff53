/**
 * The moment that `now` means on the whole page. It moves when the page refreshes, not between, so that
 * all charts end at the same instant. It follows the server's clock, which stamps the data.
 */

import { useEffect, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const holders = new Set<symbol>();
let offsetMs = 0;
let nowMs = Date.now();
let ticks = 0;

function emit(): void {
  listeners.forEach((listener) => {
    listener();
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return the server's time now, as near as its last answer told. */
export const serverNow = (): number => Date.now() + offsetMs;

/** Learn the server's clock from an answer's `Date` header; differences under two seconds are the header's own coarseness. */
export function learnServerTime(date: string | null): void {
  const told = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(told)) return;
  const difference = told + 500 - Date.now();
  offsetMs = Math.abs(difference) > 2_000 ? difference : 0;
}

/** Move `now` to the present; queries of live ranges fetch again. */
export function tick(): void {
  nowMs = serverNow();
  ticks += 1;
  emit();
}

/** Return the page's `now` in Unix milliseconds. */
export const pageNow = (): number => nowMs;

export const useNow = (): number => useSyncExternalStore(subscribe, () => nowMs);

/** Return a number that grows with every refresh. */
export const useTicks = (): number => useSyncExternalStore(subscribe, () => ticks);

/** Keep the page from refreshing, as while the pointer is over a chart, until the returned function is called. */
export function holdRefresh(): () => void {
  const holder = Symbol("hold");
  holders.add(holder);
  emit();
  return () => {
    holders.delete(holder);
    emit();
  };
}

export const useIsHeld = (): boolean => useSyncExternalStore(subscribe, () => holders.size > 0);

/** Refresh every `intervalMs` while the tab is visible and nothing holds; null stops it. */
export function useTicking(intervalMs: number | null): void {
  const held = useIsHeld();
  useEffect(() => {
    if (intervalMs === null || held) return undefined;
    const due = () => {
      if (document.visibilityState === "visible") tick();
    };
    const timer = setInterval(due, intervalMs);
    // A tab that comes back after a while shows the present at once.
    const visible = () => {
      if (document.visibilityState === "visible" && serverNow() - nowMs > intervalMs) tick();
    };
    document.addEventListener("visibilitychange", visible);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", visible);
    };
  }, [intervalMs, held]);
}
