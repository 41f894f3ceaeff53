/** The one time range of all pages: `?from=now-1h&to=now`. */

import { useMemo } from "react";
import { pageNow, useNow } from "./clock";
import { useParam, useSetSearch } from "./location";
import {
  DEFAULT_RANGE,
  isLive,
  type MomentRange,
  rangeText,
  type RangeText,
  resolveRange,
  resolveTime,
  stepRange,
  widenRange,
} from "./timeRange";

export interface TimeRangeControl {
  /** As it stands in the URL. */
  text: RangeText;
  /** Resolved to Unix milliseconds at the last refresh. */
  range: MomentRange;
  /** Whether it moves with the clock. */
  live: boolean;
  set: (text: RangeText) => void;
  /** Set an absolute range, as after dragging on a chart. */
  zoom: (range: MomentRange) => void;
  zoomOut: () => void;
  step: (direction: -1 | 1) => void;
}

export function useRangeText(): RangeText {
  const from = useParam("from", DEFAULT_RANGE.from);
  const to = useParam("to", DEFAULT_RANGE.to);
  return useMemo(() => {
    const readable = resolveTime(from, 0) !== null && resolveTime(to, 0) !== null;
    return readable ? { from, to } : DEFAULT_RANGE;
  }, [from, to]);
}

export function useTimeRange(): TimeRangeControl {
  const text = useRangeText();
  const nowMs = useNow();
  const setSearch = useSetSearch();
  return useMemo(() => {
    const set = (next: RangeText) => {
      setSearch({ from: next.from, to: next.to });
    };
    return {
      text,
      range: resolveRange(text, nowMs),
      live: isLive(text),
      set,
      zoom: (range) => {
        // A stray click is not a range.
        if (range.endMs - range.startMs >= 10) set(rangeText(range));
      },
      zoomOut: () => {
        set(widenRange(text, pageNow()));
      },
      step: (direction) => {
        set(stepRange(text, direction, pageNow()));
      },
    };
  }, [text, nowMs, setSearch]);
}
