/** Follow server-sent events (WHATWG HTML, section 9.2), with the server's own words when it refuses. */

import { ApiError, type Params, send } from "./client";

export interface ServerEvent {
  type: string;
  data: string;
}

/** Split what has come so far into whole events and the rest; comments are dropped. */
export function readEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.split(/\r\n\r\n|\n\n|\r\r/);
  const rest = blocks.pop() ?? "";
  const events: ServerEvent[] = [];
  for (const block of blocks) {
    let type = "message";
    const data: string[] = [];
    for (const line of block.split(/\r\n|\n|\r/)) {
      const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === "event") type = value;
      else if (field === "data") data.push(value);
    }
    if (data.length > 0) events.push({ type, data: data.join("\n") });
  }
  return { events, rest };
}

interface Following {
  signal: AbortSignal;
  /** The server has begun to answer: nothing that happens from now on is missed. */
  onOpen: () => void;
  onEvent: (event: ServerEvent) => void;
}

/** Follow the events of `path` until the server ends them. Raises ApiError, also when the connection breaks, or the signal's AbortError. */
export async function followEvents(path: string, params: Params, { signal, onOpen, onEvent }: Following): Promise<void> {
  const response = await send(path, { params, signal });
  onOpen();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      const before = pending;
      pending += value;
      // A long event comes in many pieces: it is looked at once, when it is whole.
      if (!/\n\n|\r\r|\r\n\r\n/.test(before.slice(-3) + value)) continue;
      const { events, rest } = readEvents(pending);
      pending = rest;
      events.forEach(onEvent);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError("The connection to Gnomon broke.", 0, "unreachable", null, path);
  }
}
