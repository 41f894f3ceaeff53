/** The title in the top bar, with the pages that lead to it. */

import { useEffect, useSyncExternalStore } from "react";

export interface Crumb {
  label: string;
  to: string;
}

interface Title {
  text: string;
  crumbs: readonly Crumb[];
}

let current: Title | null = null;
const listeners = new Set<() => void>();

function change(title: Title | null): void {
  current = title;
  document.title = title ? `${title.text} · Gnomon` : "Gnomon";
  listeners.forEach((listener) => {
    listener();
  });
}

/** Title the page, as long as the component lives: `usePageTitle("GET /answer", [{ label: "Traces", to: "/traces" }])`. */
export function usePageTitle(text: string, crumbs: readonly Crumb[] = []): void {
  const identity = JSON.stringify([text, crumbs]);
  useEffect(() => {
    const [title, trail] = JSON.parse(identity) as [string, Crumb[]];
    change({ text: title, crumbs: trail });
    return () => change(null);
  }, [identity]);
}

export function useTitle(): Title | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
