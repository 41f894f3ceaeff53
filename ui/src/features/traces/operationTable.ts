/** A trace summed up by operation or by service. */

import type { Waterfall } from "../../api/schema";

export interface OperationRow {
  key: string;
  service: string;
  /** Empty where a row is a whole service. */
  name: string;
  spans: number;
  errors: number;
  /** Sum of durations, children included. */
  totalNs: number;
  selfNs: number;
  maxNs: number;
  /** The longest span. */
  span: number;
}

/** Sum up the spans of a trace, the row with the most own time first. */
export function sumUp({ services, names, spans }: Pick<Waterfall, "services" | "names" | "spans">, by: "operation" | "service"): OperationRow[] {
  const rows = new Map<number, OperationRow>();
  for (let span = 0; span < spans.span_id.length; span += 1) {
    const service = spans.service[span] ?? 0;
    const name = spans.name[span] ?? 0;
    const id = by === "service" ? service : service * names.length + name;
    let row = rows.get(id);
    if (!row) {
      row = {
        key: String(id),
        service: services[service] ?? "",
        name: by === "service" ? "" : (names[name] ?? ""),
        spans: 0,
        errors: 0,
        totalNs: 0,
        selfNs: 0,
        maxNs: -1,
        span,
      };
      rows.set(id, row);
    }
    const duration = spans.duration_ns[span] ?? 0;
    row.spans += 1;
    row.errors += spans.status[span] === 2 ? 1 : 0;
    row.totalNs += duration;
    row.selfNs += spans.self_ns[span] ?? 0;
    if (duration > row.maxNs) {
      row.maxNs = duration;
      row.span = span;
    }
  }
  return [...rows.values()].sort((a, b) => b.selfNs - a.selfNs);
}
