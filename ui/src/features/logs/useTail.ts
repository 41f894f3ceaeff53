/** Follow new lines, and render them no more often than the screen does. */

import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, request } from "../../api/client";
import { followEvents } from "../../api/events";
import type { LogSearchResponse, LogTailBatch } from "../../api/schema";
import { serverNow } from "../../app/clock";
import { momentText } from "../../app/timeRange";
import type { Resources } from "./lineFields";
import { addBatches, type Batch, NO_LINES, prepend, release, type TailLines } from "./tailLines";

const EARLIER_LINES = 100;
const EARLIER_MS = 15 * 60_000;
const RATE_WINDOW_MS = 3_000;
const RECONNECT_MS = 1_000;

interface State {
  tail: TailLines;
  resources: Resources;
  /** Lines a second over the last seconds, null until that is known. */
  rate: number | null;
}

export interface Tail extends State {
  /** `broken` tries again by itself; lines that come meanwhile are not seen. */
  status: "connecting" | "open" | "broken" | "refused";
  error: Error | null;
  /** How often the connection broke since the start. */
  breaks: number;
  isHeld: boolean;
  hold: (held: boolean) => void;
  retry: () => void;
}

const EMPTY: State = { tail: NO_LINES, resources: {}, rate: null };

/** Follow the lines that `query` finds from now on, after a few that were there before. Give the component that uses it the query as `key`. */
export function useTail(query: string): Tail {
  const [state, setState] = useState<State>(EMPTY);
  const [connection, setConnection] = useState<Pick<Tail, "status" | "error" | "breaks">>({ status: "connecting", error: null, breaks: 0 });
  const [isHeld, setHeld] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const held = useRef(false);

  useEffect(() => {
    const ending = new AbortController();
    const waiting: LogTailBatch[] = [];
    const rates: { atMs: number; lines: number }[] = [];
    let frame = 0;
    const isOver = () => ending.signal.aborted;
    const flush = () => {
      frame = 0;
      const batches = waiting.splice(0);
      const now = performance.now();
      rates.push({ atMs: now, lines: batches.reduce((sum, batch) => sum + batch.lines.length + batch.skipped, 0) });
      while (rates.length > 1 && now - (rates[0]?.atMs ?? now) > RATE_WINDOW_MS) rates.shift();
      const spanMs = now - (rates[0]?.atMs ?? now);
      // The first entry only marks the beginning: its lines came before it.
      const lines = rates.slice(1).reduce((sum, entry) => sum + entry.lines, 0);
      const rate = spanMs > RATE_WINDOW_MS / 3 ? (lines / spanMs) * 1_000 : null;
      setState((before) => ({ ...addAll(before, batches, held.current), rate: rate ?? before.rate }));
    };
    const follow = async () => {
      let breaks = 0;
      while (!isOver()) {
        try {
          await followEvents("/api/logs/tail", { q: query }, {
            signal: ending.signal,
            onOpen: () => {
              setConnection({ status: "open", error: null, breaks });
              void readEarlier(query, ending.signal).then((page) => {
                if (page === null) return;
                setState((before) => ({
                  ...before,
                  tail: prepend(before.tail, page.lines),
                  resources: { ...page.resources, ...before.resources },
                }));
              });
            },
            onEvent: ({ type, data }) => {
              if (type !== "lines") return;
              waiting.push(JSON.parse(data) as LogTailBatch);
              frame ||= requestAnimationFrame(flush);
            },
          });
        } catch (error) {
          if (isOver()) return;
          if (error instanceof ApiError && !error.isPassing) {
            setConnection({ status: "refused", error, breaks });
            return;
          }
        }
        if (isOver()) return;
        breaks += 1;
        setConnection({ status: "broken", error: null, breaks });
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    };
    void follow();
    return () => {
      ending.abort();
      cancelAnimationFrame(frame);
    };
  }, [query, attempt]);

  const hold = useCallback((next: boolean) => {
    if (held.current === next) return;
    held.current = next;
    setHeld(next);
    if (!next) setState((before) => ({ ...before, tail: release(before.tail) }));
  }, []);
  const retry = useCallback(() => {
    setConnection({ status: "connecting", error: null, breaks: 0 });
    setAttempt((count) => count + 1);
  }, []);
  return { ...state, ...connection, isHeld, hold, retry };
}

function addAll(before: State, batches: readonly LogTailBatch[], isHeld: boolean): State {
  const tail = addBatches(
    before.tail,
    batches.map(({ lines, skipped }): Batch => ({ lines, skipped })),
    isHeld,
  );
  const isNew = batches.some(({ resources }) => Object.keys(resources).some((id) => !Object.hasOwn(before.resources, id)));
  if (!isNew) return { ...before, tail };
  const known = Object.assign({}, before.resources, ...batches.map(({ resources }) => resources)) as Resources;
  return { ...before, tail, resources: Object.keys(known).length > MANY_RESOURCES ? withoutUnused(known, tail) : known };
}

const MANY_RESOURCES = 2_000;

function withoutUnused(resources: Resources, tail: TailLines): Resources {
  const used = new Set([...tail.shown, ...tail.held].map((line) => line.resource_id));
  return Object.fromEntries(Object.entries(resources).filter(([id]) => used.has(id)));
}

/** Return the last lines before now, oldest first, so that a tail does not begin with nothing; null when they cannot be had. */
async function readEarlier(query: string, signal: AbortSignal): Promise<LogSearchResponse | null> {
  const now = serverNow();
  try {
    // A second into the future: what the clocks of senders are ahead by.
    const params = { q: query, limit: EARLIER_LINES, from: momentText(now - EARLIER_MS), to: momentText(now + 1_000) };
    const page = await request<LogSearchResponse>("/api/logs/search", { params, signal });
    return { ...page, lines: [...page.lines].reverse() };
  } catch {
    return null;
  }
}
