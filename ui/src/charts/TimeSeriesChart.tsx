import { useCallback, useMemo, useState } from "react";
import uPlot from "uplot";
import { usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import type { Unit } from "../format/numbers";
import { formatDateTime } from "../format/times";
import { formatValue } from "../format/values";
import { timeAxis, valueAxis } from "./axes";
import { ChartTooltip } from "./ChartTooltip";
import styles from "./charts.module.css";
import { Legend } from "./Legend";
import { seriesColor } from "./palette";
import { Plot, type PlotContext, type PlotOptions } from "./Plot";
import { stackSeries } from "./stacking";
import { clickLegend, topByMax } from "./summary";

export interface Series {
  /** Unique in the chart; decides the colour. */
  name: string;
  /** Null where nothing is known: the line has a gap there. */
  values: readonly (number | null)[];
  /** CSS, where the colour means something: a level, a state. */
  color?: string;
}

interface TimeSeriesChartProps {
  title: string;
  timesMs: readonly number[];
  series: readonly Series[];
  /** What the data is for: of the query, not of the page, so that axis and data always fit. */
  range: MomentRange;
  unit: Unit;
  height?: number;
  /** Parts of a whole on each other. */
  stacked?: boolean;
  /** Offer a logarithmic axis, as for latencies. */
  logSwitch?: boolean;
  legend?: boolean;
  /** A moment of a series was clicked: open what was there. */
  onOpen?: (timeMs: number, name: string | null) => void;
}

const MOST_SERIES = 50;
const TOOLTIP_ROWS = 12;

/** Lines over time. */
export function TimeSeriesChart(props: TimeSeriesChartProps) {
  const { title, timesMs, range, unit, height = 180, stacked = false, logSwitch = false, legend = true, onOpen } = props;
  const zone = usePreference("zone");
  const [logarithmic, setLogarithmic] = useState(false);
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set());
  const [hover, setHover] = useState<{ index: number; left: number; width: number } | null>(null);
  const top = useMemo(() => topByMax(props.series, MOST_SERIES), [props.series]);
  const visible = useMemo(() => (shown.size === 0 ? top : top.filter(({ name }) => shown.has(name))), [top, shown]);
  const names = JSON.stringify(visible.map(({ name, color }) => [name, color ?? seriesColor(name)]));

  const data = useMemo((): uPlot.AlignedData => {
    const raw = visible.map(({ values }) => values);
    const drawn = stacked ? stackSeries(raw) : raw;
    const positive = logarithmic ? drawn.map((values) => values.map((value) => (value !== null && value > 0 ? value : null))) : drawn;
    return [timesMs as number[], ...(positive as (number | null)[][])];
  }, [timesMs, visible, stacked, logarithmic]);

  const build = useCallback(
    ({ zone: timeZone, colors, color }: PlotContext): PlotOptions => {
      const drawn = JSON.parse(names) as [string, string][];
      return {
        scales: {
          x: { time: true, auto: false },
          y: logarithmic
            ? { distr: 3, log: 10 }
            : { range: (_, __, max: number | null) => [0, max === null || max <= 0 ? 1 : max * 1.08] },
        },
        axes: [timeAxis(timeZone, colors), valueAxis(unit, colors, logarithmic)],
        ...(stacked
          ? { bands: drawn.slice(1).map((_, index) => ({ series: [index + 2, index + 1] as [number, number], fill: `${color(drawn[index + 1]?.[1] ?? "")}66` })) }
          : {}),
        series: [
          {},
          ...drawn.map(
            ([label, css], index): uPlot.Series => ({
              label,
              stroke: color(css),
              width: 1.5,
              spanGaps: false,
              points: { show: false },
              ...(stacked && index === 0 ? { fill: `${color(css)}66` } : {}),
              ...(!stacked && drawn.length === 1 ? { fill: `${color(css)}22` } : {}),
            }),
          ),
        ],
      };
    },
    [names, unit, stacked, logarithmic],
  );

  const onHover = useCallback((plot: uPlot, index: number | null) => {
    const left = (plot.cursor.left ?? 0) + plot.over.offsetLeft;
    setHover(index === null ? null : { index, left, width: plot.width });
  }, []);

  const rows = useMemo(() => {
    if (hover === null) return [];
    return visible
      .map(({ name, color, values }) => ({ name, color: color ?? seriesColor(name), value: values[hover.index] ?? null }))
      .filter((row): row is typeof row & { value: number } => row.value !== null)
      .sort((a, b) => b.value - a.value);
  }, [hover, visible]);
  const isEmpty = top.every(({ values }) => values.every((value) => value === null));
  const hoverMs = hover === null ? undefined : timesMs[hover.index];
  return (
    <figure className={styles.chart} style={{ margin: 0 }}>
      <div className={styles.head}>
        <h2>{title}</h2>
        <div className={styles.aside}>
          {top.length < props.series.length && (
            <span>
              {top.length} of {props.series.length.toLocaleString("en-US")} series, those with the highest maximum
            </span>
          )}
          {logSwitch && (
            <button type="button" className={styles.toggle} aria-pressed={logarithmic} onClick={() => setLogarithmic(!logarithmic)}>
              Logarithmic
            </button>
          )}
        </div>
      </div>
      <div style={{ position: "relative" }}>
        <Plot
          label={`${title}, chart`}
          data={data}
          range={range}
          height={height}
          build={build}
          onHover={onHover}
          patient
          onClick={(plot) => {
            const timeMs = plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : timesMs[plot.cursor.idx];
            if (timeMs !== undefined) onOpen?.(timeMs, nearestName(plot, visible));
          }}
        />
        {isEmpty && <div className={styles.none}>Nothing in this range</div>}
        {hover !== null && hoverMs !== undefined && rows.length > 0 && (
          <ChartTooltip
            left={hover.left}
            width={hover.width}
            title={formatDateTime(hoverMs, zone)}
            rows={rows.slice(0, TOOLTIP_ROWS).map((row) => ({ ...row, value: formatValue(row.value, unit) }))}
            more={rows.length - TOOLTIP_ROWS}
          />
        )}
      </div>
      {legend && top.length > 0 && (
        <Legend
          series={top}
          unit={unit}
          shown={shown}
          onClick={(name, shift) => setShown(clickLegend(shown, name, shift, top.map((one) => one.name)))}
        />
      )}
    </figure>
  );
}

/** Return the series whose point is nearest to the pointer. */
function nearestName(plot: uPlot, series: readonly Series[]): string | null {
  const { idx, top } = plot.cursor;
  if (idx === null || idx === undefined || top === undefined) return null;
  let best: { name: string; distance: number } | null = null;
  series.forEach(({ name }, index) => {
    const value = plot.data[index + 1]?.[idx];
    if (value === null || value === undefined) return;
    const distance = Math.abs(plot.valToPos(value, "y") - top);
    if (!best || distance < best.distance) best = { name, distance };
  });
  return (best as { name: string } | null)?.name ?? null;
}
