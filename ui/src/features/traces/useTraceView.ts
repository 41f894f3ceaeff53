/** What is on view of a trace; all of it stands in the address. */

import { useMemo } from "react";
import { useParam, useSetSearch } from "../../app/location";
import type { Waterfall } from "../../api/schema";
import { type Folding, foldingText, isFolded, layOutRows, parseFolding, toggleFold, unfoldTo, type VisibleRows } from "./visibleRows";
import { parseWindow, type TimeWindow, windowText } from "./timeWindow";

export const TABS = ["waterfall", "flame", "table", "logs", "map", "json"] as const;
export type Tab = (typeof TABS)[number];

export interface TraceView {
  tab: Tab;
  rows: VisibleRows;
  isOpen: (span: number) => boolean;
  toggle: (span: number) => void;
  fold: (folding: Folding) => void;
  /** Index of the selected span, -1 without. */
  selected: number;
  /** Select a span, and unfold what hides it; -1 selects none. */
  select: (span: number, tab?: Tab) => void;
  window: TimeWindow;
  isZoomed: boolean;
  zoom: (window: TimeWindow | null) => void;
  showPath: boolean;
}

export function useTraceView(waterfall: Waterfall): TraceView {
  const setSearch = useSetSearch();
  const tabText = useParam("tab", "waterfall");
  const spanId = useParam("span");
  const foldText = useParam("fold");
  const zoomText = useParam("zoom");
  const pathText = useParam("path");
  const { spans, duration_ns: duration } = waterfall;
  const folding = useMemo(() => parseFolding(foldText), [foldText]);
  const selected = useMemo(() => (spanId ? spans.span_id.indexOf(spanId) : -1), [spans, spanId]);
  const rows = useMemo(() => layOutRows(spans, (span) => isFolded(folding, spans.span_id[span] ?? "")), [spans, folding]);
  const view = useMemo(() => parseWindow(zoomText, duration), [zoomText, duration]);
  return {
    tab: TABS.find((tab) => tab === tabText) ?? "waterfall",
    rows,
    isOpen: (span) => !isFolded(folding, spans.span_id[span] ?? ""),
    toggle: (span) => setSearch({ fold: foldingText(toggleFold(folding, spans.span_id[span] ?? "")) }, { replace: true }),
    fold: (next) => setSearch({ fold: foldingText(next) }, { replace: true }),
    selected,
    select: (span, tab) => {
      const hidden = span >= 0 && rows.spans[rows.rowOf[span] ?? 0] !== span;
      setSearch(
        {
          span: spans.span_id[span],
          ...(hidden ? { fold: foldingText(unfoldTo(folding, spans, span)) } : {}),
          ...(tab ? { tab: tab === "waterfall" ? undefined : tab } : {}),
        },
        { replace: tab === undefined },
      );
    },
    window: view,
    isZoomed: zoomText !== "",
    zoom: (window) => setSearch({ zoom: window ? windowText(window) : undefined }, { replace: true }),
    showPath: pathText !== "off",
  };
}
