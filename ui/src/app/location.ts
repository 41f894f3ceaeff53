/** View state lives in the URL and nowhere else: these hooks read and write its search parameters, all of them strings. */

import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Record<string, string | undefined>;

/** Parameters that every page shares, so links between pages keep them. */
export const SHARED = ["from", "to", "refresh"] as const;

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

/** Write search parameters as people would: `?from=now-1h&q=service:gateway`, with only what must be escaped escaped. */
export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search)
    .filter((pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== "")
    .map(([key, value]) => `${encodeURIComponent(key)}=${readable(value)}`);
  return pairs.length ? `?${pairs.join("&")}` : "";
}

const readable = (value: string) =>
  encodeURIComponent(value).replace(/%(3A|2F|2C|40|20|3D|3E|3C|5B|5D|24)/g, (escape) =>
    escape === "%20" ? "+" : escape === "%3E" || escape === "%3C" ? escape : decodeURIComponent(escape),
  );

/** Return the current search parameters. */
export function useSearch(): Search {
  return useRouterState({ select: (state) => state.location.search as Search });
}

/** Return one search parameter, or `fallback`. */
export function useParam(name: string, fallback = ""): string {
  return useRouterState({ select: (state) => (state.location.search as Search)[name] ?? fallback });
}

/**
 * Return a function that changes some search parameters and keeps the rest; `undefined` or `""` removes one.
 * Pushes a history entry, so that the back button undoes it, unless `replace` is set.
 */
export function useSetSearch(): (changes: Search, options?: { replace?: boolean }) => void {
  const navigate = useNavigate();
  return useCallback(
    (changes, options = {}) => {
      void navigate({
        to: ".",
        search: ((previous: Search) => ({ ...previous, ...changes })),
        replace: options.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
}

/** Return the shared parameters of `search`, to be carried to another page. */
export function sharedSearch(search: Search): Search {
  return Object.fromEntries(SHARED.map((key) => [key, search[key]] as const).filter(([, value]) => value !== undefined));
}
