/** Series reduced to one figure each. */

import type { Display } from "../../../api/schema";
import { metricFormat, type ValueFormat } from "../../../format/metricUnits";
import { nameSeries } from "../../metrics/legend";
import { calculate, formatOf, ruleFor } from "../display";
import type { Answers } from "../../metrics/usePromQueries";
import { gridValues } from "../../metrics/frames";
import type { Good } from "./PanelAnswer";

export interface Figure {
  name: string;
  value: number | null;
  /** At every moment that was asked for; null where nothing is known. */
  course: readonly (number | null)[];
  format: ValueFormat;
}

/** Return a figure for each series that the panel's rules do not hide, named as the rules say. */
export function makeFigures(good: readonly Good[], display: Display, { grid, stepMs }: Pick<Answers, "grid" | "stepMs">): Figure[] {
  return good.flatMap(({ result, legend, expression }) => {
    const names = nameSeries(
      result.series.map(({ labels }) => labels),
      legend,
      expression,
    );
    return result.series.flatMap((series, index): Figure[] => {
      const name = names[index] ?? "";
      const rule = ruleFor(name, display.series);
      if (rule.hidden) return [];
      const value = calculate(series.values, display.calculation);
      return [
        {
          name: rule.title || name,
          value: value === null || !rule.negative ? value : -value,
          course: result.kind === "matrix" ? gridValues(series, grid, stepMs) : [],
          format: rule.unit ? metricFormat(rule.unit, display.decimals) : formatOf(display),
        },
      ];
    });
  });
}
