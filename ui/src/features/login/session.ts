/** Whether the server wants to know who asks. */

import { useSyncExternalStore } from "react";
import { onUnauthorized, request } from "../../api/client";

let needed = false;
const listeners = new Set<() => void>();

function change(value: boolean): void {
  if (needed === value) return;
  needed = value;
  listeners.forEach((listener) => {
    listener();
  });
}

onUnauthorized(() => {
  change(true);
});

export function useIsLoginNeeded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => needed,
  );
}

/** Log in with an API key; raises ApiError when the server does not know it. */
export async function logIn(key: string): Promise<void> {
  await request("/api/session", { method: "POST", body: { key } });
  change(false);
}
