/** Keyboard: one listener, whoever is on the page says which keys it takes and what they do. */

import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from "react";

export interface Shortcut {
  /** `j`, `Enter`, `Ctrl+k`, or two keys one after the other: `g t`. */
  keys: string;
  /** Shown by `?`: "Next row". */
  does: string;
  /** Where it belongs in the help: "Anywhere", "Lists", "Traces". */
  group: string;
  /** Also while the cursor is in a text field. */
  inFields?: boolean;
}

interface Entry extends Shortcut {
  run: (event: KeyboardEvent) => void;
}

let entries: readonly Entry[] = [];
const listeners = new Set<() => void>();
let prefix: { key: string; atMs: number } | null = null;
const PREFIX_MS = 1_500;

function change(next: readonly Entry[]): void {
  entries = next;
  listeners.forEach((listener) => {
    listener();
  });
}

/** Write a keyboard event as shortcuts are written. */
export function eventKeys(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string {
  const key = event.key.length === 1 && (event.ctrlKey || event.metaKey) ? event.key.toLowerCase() : event.key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${key}`;
}

/** Whether a key belongs to the field in focus. Sliders and boxes take arrows and the space bar, but nobody types into them. */
const isField = (target: EventTarget | null, key: string) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  !(target instanceof HTMLInputElement && /^(range|checkbox|radio)$/.test(target.type) && /^\S$/.test(key));

function handle(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const keys = eventKeys(event);
  const sequence = prefix && event.timeStamp - prefix.atMs < PREFIX_MS ? `${prefix.key} ${keys}` : null;
  const field = isField(event.target, event.key);
  // Enter and Space on a button or link are the button's own.
  const own = (keys === "Enter" || keys === " ") && event.target instanceof HTMLElement && event.target.closest("a,button,summary") !== null;
  // A dialog keeps the keys to itself.
  const inDialog = document.querySelector("[role=dialog][aria-modal=true]") !== null;
  const find = (wanted: string) =>
    entries.findLast((entry) => entry.keys === wanted && (!field || entry.inFields) && (!inDialog || entry.inFields));
  prefix = null;
  if (own) return;
  const found = (sequence === null ? undefined : find(sequence)) ?? find(keys);
  if (found) {
    event.preventDefault();
    found.run(event);
  } else if (!field && entries.some((entry) => entry.keys.startsWith(`${keys} `))) {
    prefix = { key: keys, atMs: event.timeStamp };
  }
}

/** Listen for keys. Call once at start. */
export function startShortcuts(): void {
  document.addEventListener("keydown", handle);
}

/** Take keys as long as the component lives; the last to come has precedence. */
export function useShortcuts(shortcuts: readonly (Shortcut & { run: (event: KeyboardEvent) => void })[], enabled = true): void {
  const latest = useRef(shortcuts);
  // As soon as the page shows a new state, keys must act on it.
  useLayoutEffect(() => {
    latest.current = shortcuts;
  });
  const identity = JSON.stringify(shortcuts.map(({ keys, does, group, inFields }) => ({ keys, does, group, inFields })));
  useEffect(() => {
    if (!enabled) return undefined;
    const mine = (JSON.parse(identity) as Shortcut[]).map(
      (shortcut, index): Entry => ({ ...shortcut, run: (event) => latest.current[index]?.run(event) }),
    );
    change([...entries, ...mine]);
    return () => {
      change(entries.filter((entry) => !mine.includes(entry)));
    };
  }, [identity, enabled]);
}

/** Return what can be pressed now, for the help. */
export function useAllShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => entries,
  );
}
