import { useMemo } from "react";
import type { CostPoint } from "../../api/schema";
import type { MomentRange } from "../../app/timeRange";
import { distinctColors } from "../../charts/palette";
import { TimeSeriesChart } from "../../charts/TimeSeriesChart";
import type { ValueFormat } from "../../format/metricUnits";
import { formatMoney } from "../../format/money";
import { layOutCosts } from "./costCourse";
import { type Dimension, DIMENSIONS, valueWords } from "./dimensions";

const MOST = 9;
const MONEY: ValueFormat = { key: "nanodollars", write: formatMoney };

/** What each value of a dimension cost, by day or hour, on each other: together they are what was spent. */
export function CourseChart({ points, range, by }: { points: readonly CostPoint[]; range: MomentRange; by: Dimension }) {
  const course = useMemo(() => layOutCosts(points, range, MOST, (value) => valueWords(by, value)), [points, range, by]);
  const series = useMemo(() => {
    const colors = distinctColors(course.series.map(({ name }) => name));
    return course.series.map((one) => ({ ...one, color: one.name === "all others" ? "var(--mark-neutral)" : (colors.get(one.name) ?? "var(--mark-neutral)") }));
  }, [course]);
  const label = DIMENSIONS.find(({ value }) => value === by)?.label.toLowerCase() ?? by;
  return (
    <TimeSeriesChart
      title={`Cost by ${label} and ${course.stepMs === 3_600_000 ? "hour" : "day (UTC)"}`}
      timesMs={course.timesMs}
      series={series}
      range={{ startMs: course.timesMs[0] ?? range.startMs, endMs: Math.max(range.endMs, (course.timesMs.at(-1) ?? 0) + course.stepMs) }}
      unit={MONEY}
      stacked
      draw="bars"
      legend="list"
      height={200}
    />
  );
}
