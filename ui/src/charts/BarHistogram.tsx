import { useCallback, useMemo, useState } from "react";
import uPlot from "uplot";
import { usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import { formatCount } from "../format/numbers";
import { formatDateTime } from "../format/times";
import { timeAxis, valueAxis } from "./axes";
import { ChartTooltip } from "./ChartTooltip";
import styles from "./charts.module.css";
import { seriesColor } from "./palette";
import { Plot, type PlotContext, type PlotOptions } from "./Plot";
import { stackSeries } from "./stacking";

export interface BarSeries {
  name: string;
  /** CSS: `levelColor("error")`; by default the colour of the name. */
  color?: string;
  /** How many in each bucket. */
  counts: readonly number[];
}

interface BarHistogramProps {
  label: string;
  /** Start of each bucket in Unix milliseconds, evenly spaced, empty buckets included. */
  bucketsMs: readonly number[];
  bucketMs: number;
  /** Stacked in this order, the first at the bottom. */
  series: readonly BarSeries[];
  range: MomentRange;
  height?: number;
}

/** Counts over time as stacked bars, as of log lines by level; drag zooms the page's time range. */
export function BarHistogram({ label, bucketsMs, bucketMs, series, range, height = 96 }: BarHistogramProps) {
  const zone = usePreference("zone");
  const [hover, setHover] = useState<{ index: number; left: number; width: number } | null>(null);
  const names = JSON.stringify(series.map(({ name, color }) => [name, color ?? seriesColor(name)]));
  const data = useMemo((): uPlot.AlignedData => {
    // Drawn from the highest sum down, so that each bar leaves to be seen what it adds.
    const sums = stackSeries(series.map(({ counts }) => counts)).reverse();
    return [bucketsMs as number[], ...sums];
  }, [bucketsMs, series]);
  const build = useCallback(
    ({ zone: timeZone, colors, color }: PlotContext): PlotOptions => {
      const drawn = (JSON.parse(names) as [string, string][]).reverse();
      const bars = uPlot.paths.bars?.({ size: [0.9, 64], align: 1, gap: 1 });
      return {
        scales: {
          x: { time: true, auto: false },
          y: { range: (_, __, max: number | null) => [0, max === null || max <= 0 ? 1 : max * 1.05] },
        },
        axes: [timeAxis(timeZone, colors), { ...valueAxis("count", colors), space: 24 }],
        cursor: { points: { show: false } },
        series: [
          {},
          ...drawn.map(
            ([name, css]): uPlot.Series => ({
              label: name,
              fill: color(css),
              width: 0,
              points: { show: false },
              ...(bars ? { paths: bars } : {}),
            }),
          ),
        ],
      };
    },
    [names],
  );
  const onHover = useCallback(
    (plot: uPlot) => {
      const at = plot.cursor.left ?? -1;
      if (at < 0 || !plot.root.matches(":hover")) {
        setHover(null);
        return;
      }
      // A bar begins at its moment: the one under the pointer is the last that began before it.
      const index = Math.floor((plot.posToVal(at, "x") - (bucketsMs[0] ?? 0)) / bucketMs);
      setHover(index < 0 || index >= bucketsMs.length ? null : { index, left: at + plot.over.offsetLeft, width: plot.width });
    },
    [bucketsMs, bucketMs],
  );
  const startMs = hover === null ? undefined : bucketsMs[hover.index];
  const rows = series
    .map(({ name, color, counts }) => ({ name, color: color ?? seriesColor(name), count: hover === null ? 0 : (counts[hover.index] ?? 0) }))
    .filter(({ count }) => count > 0)
    .reverse();
  return (
    <div className={styles.chart}>
      <Plot label={label} data={data} range={range} height={height} build={build} onHover={onHover} />
      {hover !== null && startMs !== undefined && (
        <ChartTooltip
          left={hover.left}
          width={hover.width}
          title={`${formatDateTime(startMs, zone)} – ${formatDateTime(startMs + bucketMs, zone).slice(11)}`}
          rows={rows.length > 0 ? rows.map((row) => ({ ...row, value: formatCount(row.count) })) : []}
        />
      )}
    </div>
  );
}
