import type { UseQueryResult } from "@tanstack/react-query";
import { useContext, useMemo } from "react";
import type { Ranged } from "../../../api/queries";
import { readStep } from "../../metrics/steps";
import { type Answers, usePromQueries } from "../../metrics/usePromQueries";
import { type PanelProps, PanelsContext, useExpand, useWords } from "../panelContext";

/** Ask a panel's queries; those that are hidden are not asked. */
export function usePanelData({ panel, visible, width }: PanelProps, mode: "range" | "instant" | "own" = "range"): UseQueryResult<Ranged<Answers>> {
  const { ready } = useContext(PanelsContext);
  const expand = useExpand();
  const words = useWords();
  const { queries, min_step: minStep } = panel;
  const asked = useMemo(
    () =>
      queries
        .filter(({ hidden, expression }) => !hidden && expression.trim() !== "")
        .map(({ expression, legend, instant }) => ({
          expression,
          legend: words(legend),
          instant: mode === "instant" || (mode === "own" && instant),
        })),
    [queries, words, mode],
  );
  return usePromQueries(asked, {
    points: Math.max(width / 3, 60),
    minStepMs: readStep(words(minStep)),
    expand,
    enabled: visible && ready && width > 0,
  });
}
