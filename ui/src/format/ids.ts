/** Ids: shortened in the middle to be shown, and read in every spelling that people paste. */

/** Shorten an id in the middle: `4bf92f35…0e4736`. The whole one is what gets copied. */
export function shortId(id: string, length = 14): string {
  if (id.length <= length) return id;
  const tail = Math.floor((length - 1) / 2);
  return `${id.slice(0, length - 1 - tail)}…${id.slice(-tail)}`;
}

/** A trace that a pasted text names, and the span in it where there is one. */
export interface TraceReference {
  traceId: string;
  spanId?: string;
}

const HEX_32 = /^[0-9a-f]{32}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TRACEPARENT = /^(?:traceparent:\s*)?[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})(?:-[0-9a-f]{2})?$/;
const JAEGER = /^(?:uber-trace-id:\s*)?([0-9a-f]{1,32}):([0-9a-f]{1,16}):[0-9a-f]{1,16}:[0-9a-f]{1,2}$/;

/**
 * Read a trace id as people paste it: 32 hex digits, with dashes, a W3C `traceparent`, Jaeger's
 * `trace:span:parent:flags`. Null when it is none, or all zeros.
 */
export function parseTraceReference(text: string): TraceReference | null {
  const id = text.trim().toLowerCase();
  if (HEX_32.test(id)) return valid({ traceId: id });
  if (UUID.test(id)) return valid({ traceId: id.replaceAll("-", "") });
  const w3c = TRACEPARENT.exec(id);
  if (w3c?.[1] && w3c[2]) return valid({ traceId: w3c[1], spanId: w3c[2] });
  // Jaeger leaves out leading zeros.
  const jaeger = JAEGER.exec(id);
  if (jaeger?.[1] && jaeger[2]) return valid({ traceId: jaeger[1].padStart(32, "0"), spanId: jaeger[2].padStart(16, "0") });
  return null;
}

function valid(reference: TraceReference): TraceReference | null {
  return /^0+$/.test(reference.traceId) ? null : reference;
}
