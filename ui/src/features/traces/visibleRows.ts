/** Which spans of a waterfall are on view, and in which row. */

import type { SpanColumns } from "../../api/schema";

export interface VisibleRows {
  /** Span index of each row. */
  spans: Int32Array;
  /** Row of each span; of its nearest ancestor on view where the span itself is folded away. */
  rowOf: Int32Array;
}

/** Lay out the rows, leaving out what is below closed spans. Takes spans depth-first, as the server sends them. */
export function layOutRows(columns: Pick<SpanColumns, "descendants">, isClosed: (span: number) => boolean): VisibleRows {
  const { descendants } = columns;
  const count = descendants.length;
  const spans = new Int32Array(count);
  const rowOf = new Int32Array(count);
  let rows = 0;
  for (let span = 0; span < count; ) {
    const row = rows;
    spans[row] = span;
    rowOf[span] = row;
    rows += 1;
    const below = descendants[span] ?? 0;
    if (below > 0 && isClosed(span)) {
      rowOf.fill(row, span + 1, span + 1 + below);
      span += below;
    }
    span += 1;
  }
  return { spans: spans.slice(0, rows), rowOf };
}

/** Which spans are folded: all or none, but for the exceptions. */
export interface Folding {
  all: boolean;
  /** Span ids. */
  except: ReadonlySet<string>;
}

export const NOTHING_FOLDED: Folding = { all: false, except: new Set() };

/** Read folding from the address: span ids with dots between, or `all`, or `all.00f067aa0ba902b7` for all but one. */
export function parseFolding(text: string): Folding {
  const parts = text.split(".").filter(Boolean);
  return { all: parts[0] === "all", except: new Set(parts[0] === "all" ? parts.slice(1) : parts) };
}

/** Write folding as `parseFolding` reads it. */
export const foldingText = ({ all, except }: Folding): string => [...(all ? ["all"] : []), ...except].join(".");

export const isFolded = (folding: Folding, spanId: string): boolean => folding.all !== folding.except.has(spanId);

/** Fold or unfold one span. */
export function toggleFold(folding: Folding, spanId: string): Folding {
  const except = new Set(folding.except);
  if (!except.delete(spanId)) except.add(spanId);
  return { all: folding.all, except };
}

/** Unfold every ancestor of a span, so that it comes on view. */
export function unfoldTo(folding: Folding, columns: Pick<SpanColumns, "span_id" | "parent">, span: number): Folding {
  const except = new Set(folding.except);
  for (let at = columns.parent[span] ?? -1; at >= 0; at = columns.parent[at] ?? -1) {
    const spanId = columns.span_id[at] ?? "";
    if (folding.all) except.add(spanId);
    else except.delete(spanId);
  }
  return { all: folding.all, except };
}
