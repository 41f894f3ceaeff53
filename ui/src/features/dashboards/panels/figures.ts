/** Series reduced to one figure each. */

import type { Display } from "../../../api/schema";
import { metricFormat, type ValueFormat } from "../../../format/metricUnits";
import { nameSeries } from "../../metrics/legend";
import { calculate, formatOf, ruleFor } from "../display";
import type { Good } from "./PanelAnswer";

export interface Figure {
  name: string;
  value: number | null;
  values: readonly number[];
  format: ValueFormat;
}

/** Return a figure for each series that the panel's rules do not hide, named as the rules say. */
export function makeFigures(good: readonly Good[], display: Display): Figure[] {
  return good.flatMap(({ result, legend, expression }) => {
    const names = nameSeries(
      result.series.map(({ labels }) => labels),
      legend,
      expression,
    );
    return result.series.flatMap(({ values }, index): Figure[] => {
      const name = names[index] ?? "";
      const rule = ruleFor(name, display.series);
      if (rule.hidden) return [];
      const value = calculate(values, display.calculation);
      return [
        {
          name: rule.title || name,
          value: value === null || !rule.negative ? value : -value,
          values,
          format: rule.unit ? metricFormat(rule.unit, display.decimals) : formatOf(display),
        },
      ];
    });
  });
}
