/** What the browser remembers of a person's taste. View state is not here: it is the URL. */

import { useSyncExternalStore } from "react";
import type { TimeZone } from "../format/times";

export type ThemeChoice = "system" | "dark" | "light";

interface Preferences {
  theme: ThemeChoice;
  zone: TimeZone;
  rail: "open" | "folded";
}

const DEFAULTS: Preferences = { theme: "system", zone: "browser", rail: "open" };
const CHOICES: { [K in keyof Preferences]: readonly Preferences[K][] } = {
  theme: ["system", "dark", "light"],
  zone: ["browser", "utc"],
  rail: ["open", "folded"],
};

const listeners = new Set<() => void>();
let current = read();

function read(): Preferences {
  const pick = <K extends keyof Preferences>(key: K): Preferences[K] => {
    try {
      const stored = localStorage.getItem(`gnomon.${key}`);
      return CHOICES[key].find((choice) => choice === stored) ?? DEFAULTS[key];
    } catch {
      return DEFAULTS[key];
    }
  };
  return { theme: pick("theme"), zone: pick("zone"), rail: pick("rail") };
}

/** Remember a choice; every component that uses it renders again. */
export function setPreference<K extends keyof Preferences>(key: K, value: Preferences[K]): void {
  current = { ...current, [key]: value };
  try {
    localStorage.setItem(`gnomon.${key}`, value);
  } catch {
    // Private windows may refuse to store: the choice then lasts as long as the page.
  }
  applyTheme();
  listeners.forEach((listener) => {
    listener();
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return one preference, and follow its changes. */
export function usePreference<K extends keyof Preferences>(key: K): Preferences[K] {
  return useSyncExternalStore(subscribe, () => current[key]);
}

/** Return the colour scheme in effect, with the system's answer resolved. */
export function useColorScheme(): "dark" | "light" {
  return useSyncExternalStore(subscribe, scheme);
}

function scheme(): "dark" | "light" {
  if (current.theme !== "system") return current.theme;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

function applyTheme(): void {
  document.documentElement.dataset.theme = scheme();
}

/** Put the theme on the document, and follow the system's when nothing was chosen. Call once at start. */
export function startTheme(): void {
  applyTheme();
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
    applyTheme();
    listeners.forEach((listener) => {
      listener();
    });
  });
}
