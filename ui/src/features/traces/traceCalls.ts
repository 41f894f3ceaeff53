/** Who called whom in one trace. */

import type { Waterfall } from "../../api/schema";

export interface TraceCall {
  client: string;
  server: string;
  calls: number;
  errors: number;
  meanNs: number;
}

/** Count the calls from service to service: spans whose parent belongs to another one. */
export function findCalls({ services, spans }: Pick<Waterfall, "services" | "spans">): TraceCall[] {
  const calls = new Map<number, TraceCall>();
  for (let span = 0; span < spans.span_id.length; span += 1) {
    const above = spans.parent[span] ?? -1;
    const server = spans.service[span] ?? 0;
    const client = above < 0 ? server : (spans.service[above] ?? 0);
    if (client === server) continue;
    const key = client * services.length + server;
    let call = calls.get(key);
    if (!call) {
      call = { client: services[client] ?? "", server: services[server] ?? "", calls: 0, errors: 0, meanNs: 0 };
      calls.set(key, call);
    }
    call.calls += 1;
    call.errors += spans.status[span] === 2 ? 1 : 0;
    call.meanNs += ((spans.duration_ns[span] ?? 0) - call.meanNs) / call.calls;
  }
  return [...calls.values()];
}
