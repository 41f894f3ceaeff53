import { useState } from "react";

const KEY = "gnomon.traces.names";
const [LEAST, USUAL, MOST] = [160, 360, 900];

const clamp = (width: number) => Math.round(Math.min(Math.max(width, LEAST), MOST));

/** The width of the waterfall's names in px: a matter of taste, so the browser remembers it. */
export function useNameWidth(): [number, (width: number) => void] {
  const [width, setWidth] = useState(() => {
    try {
      return clamp(Number(localStorage.getItem(KEY) ?? USUAL) || USUAL);
    } catch {
      return USUAL;
    }
  });
  const change = (next: number) => {
    setWidth(clamp(next));
    try {
      localStorage.setItem(KEY, String(clamp(next)));
    } catch {
      // Private windows may refuse to store: the width then lasts as long as the page.
    }
  };
  return [width, change];
}
