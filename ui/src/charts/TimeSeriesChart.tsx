import { useCallback, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import type { Unit } from "../format/numbers";
import { formatDateTime } from "../format/times";
import { toFormat, type ValueFormat } from "../format/metricUnits";
import { timeAxis, valueAxis } from "./axes";
import { ChartTooltip } from "./ChartTooltip";
import styles from "./charts.module.css";
import { Legend } from "./Legend";
import { drawMarks, type Mark, nearestMark } from "./marks";
import { seriesColor } from "./palette";
import { Plot, type PlotContext, type PlotOptions } from "./Plot";
import { stackSigned } from "./stacking";
import { clickLegend, topByMax } from "./summary";
import { useElementSize } from "./useElementSize";

export interface Series {
  /** Unique in the chart; decides the colour. */
  name: string;
  /** Null where nothing is known: the line has a gap there. */
  values: readonly (number | null)[];
  /** CSS, where the colour means something: a level, a state. */
  color?: string;
}

/** A level that means something, as a line across. */
export interface LevelLine {
  value: number;
  /** CSS. */
  color: string;
}

interface TimeSeriesChartProps {
  title: string;
  timesMs: readonly number[];
  series: readonly Series[];
  /** What the data is for: of the query, not of the page, so that axis and data always fit. */
  range: MomentRange;
  unit: Unit | ValueFormat;
  /** In px; `fill` takes the place that there is. */
  height?: number | "fill";
  /** Parts of a whole on each other; `percent` as shares of the whole. */
  stacked?: boolean | "percent";
  /** Offer a logarithmic axis, as for latencies. */
  logSwitch?: boolean;
  /** Begin with a logarithmic axis. */
  logarithmic?: boolean;
  draw?: "lines" | "bars" | "points";
  /** Fixed ends of the axis; without, it holds zero and all values. */
  min?: number | null;
  max?: number | null;
  levels?: readonly LevelLine[];
  /** Single measurements that open something, such as exemplars. */
  marks?: readonly Mark[];
  onMark?: (mark: Mark) => void;
  legend?: boolean | "table" | "list";
  /** Leave the heading out: the place it stands in has one. */
  bare?: boolean;
  /** A moment of a series was clicked: open what was there. */
  onOpen?: (timeMs: number, name: string | null) => void;
}

const MOST_SERIES = 50;
const TOOLTIP_ROWS = 12;
const MARK_REACH_PX = 8;
const NO_MARKS: readonly Mark[] = [];
const NO_LEVELS: readonly LevelLine[] = [];
const SHARE = toFormat("share");

/** Lines, bars or points over time. */
export function TimeSeriesChart(props: TimeSeriesChartProps) {
  const { title, timesMs, range, height = 180, stacked = false, logSwitch = false, legend = true, onOpen } = props;
  const { draw = "lines", min = null, max = null, levels = NO_LEVELS, marks = NO_MARKS, onMark, bare = false } = props;
  const zone = usePreference("zone");
  const format = stacked === "percent" ? SHARE : toFormat(props.unit);
  const [chosenLog, setLogarithmic] = useState<boolean | null>(null);
  const logarithmic = chosenLog ?? props.logarithmic ?? false;
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set());
  const [hover, setHover] = useState<{ index: number; left: number; width: number; mark: Mark | null } | null>(null);
  const stage = useRef<HTMLDivElement>(null);
  const { height: stageHeight } = useElementSize(stage);
  const top = useMemo(() => topByMax(props.series, MOST_SERIES), [props.series]);
  const visible = useMemo(() => {
    const chosen = top.filter(({ name }) => shown.has(name));
    // Of what was isolated nothing may be left after a refresh: then all is shown again.
    return chosen.length === 0 ? top : chosen;
  }, [top, shown]);
  const stack = useMemo(
    () => (stacked === false ? null : stackSigned(visible.map(({ values }) => values), stacked === "percent")),
    [visible, stacked],
  );
  // Bars that stand on each other are drawn from the highest sum down, so that each leaves to be seen what it adds.
  const isDown = stack !== null && draw === "bars";
  const names = JSON.stringify((isDown ? [...visible].reverse() : visible).map(({ name, color }) => [name, color ?? seriesColor(name)]));
  const below = JSON.stringify(stack?.below ?? []);
  const lines = JSON.stringify(levels);

  const data = useMemo((): uPlot.AlignedData => {
    const inOrder = stack?.sums ?? visible.map(({ values }) => values);
    const drawn = isDown ? [...inOrder].reverse() : inOrder;
    const positive = logarithmic ? drawn.map((values) => values.map((value) => (value !== null && value > 0 ? value : null))) : drawn;
    return [timesMs as number[], ...(positive as (number | null)[][])];
  }, [timesMs, visible, stack, isDown, logarithmic]);

  const build = useCallback(
    ({ zone: timeZone, colors, color }: PlotContext): PlotOptions => {
      const drawn = JSON.parse(names) as [string, string][];
      const standsOn = JSON.parse(below) as (number | null)[];
      const isStacked = standsOn.length > 0;
      const bars = draw === "bars" ? uPlot.paths.bars?.({ size: [0.8, 48], align: 1 }) : undefined;
      const yRange = (_: uPlot, low: number | null, high: number | null): [number, number] => {
        const bottom = min ?? (low !== null && low < 0 ? low * 1.08 : 0);
        const ceiling = max ?? (high !== null && high > bottom ? (high > 0 ? high * 1.08 : 0) : bottom + 1);
        return [bottom, ceiling > bottom ? ceiling : bottom + 1];
      };
      return {
        scales: { x: { time: true, auto: false }, y: logarithmic ? { distr: 3, log: 10 } : { range: yRange } },
        axes: [timeAxis(timeZone, colors), valueAxis(format, colors, logarithmic)],
        ...(isStacked && !bars
          ? {
              bands: standsOn.flatMap((under, index) =>
                under === null ? [] : [{ series: [index + 1, under + 1] as [number, number], fill: `${color(drawn[index]?.[1] ?? "")}66` }],
              ),
            }
          : {}),
        series: [
          {},
          ...drawn.map(([label, css], index): uPlot.Series => {
            const stroke = color(css);
            const fill = bars ? (isStacked ? stroke : `${stroke}cc`) : isStacked ? (standsOn[index] === null ? `${stroke}66` : undefined) : drawn.length === 1 && draw === "lines" ? `${stroke}22` : undefined;
            return {
              label,
              stroke,
              width: draw === "points" || bars ? 0 : 1.5,
              spanGaps: false,
              points: draw === "points" ? { show: true, size: 4, fill: stroke, stroke } : { show: !isStacked && !bars, size: 4, fill: stroke, filter: loneValues },
              ...(fill === undefined ? {} : { fill }),
              ...(bars ? { paths: bars } : {}),
            };
          }),
        ],
        hooks: {
          draw: [
            (plot) => {
              for (const { value, color: css } of JSON.parse(lines) as LevelLine[]) drawLevel(plot, value, color(css));
              if (marks.length > 0) drawMarks(plot, marks, color("var(--accent)"), colors.background);
            },
          ],
        },
      };
    },
    [names, below, lines, format, logarithmic, draw, min, max, marks],
  );

  const onHover = useCallback(
    (plot: uPlot, index: number | null) => {
      const left = (plot.cursor.left ?? 0) + plot.over.offsetLeft;
      setHover(index === null ? null : { index, left, width: plot.width, mark: nearestMark(plot, marks, MARK_REACH_PX) });
    },
    [marks],
  );

  const rows = useMemo(() => {
    if (hover === null) return [];
    return visible
      .map(({ name, color, values }) => ({ name, color: color ?? seriesColor(name), value: values[hover.index] ?? null }))
      .filter((row): row is typeof row & { value: number } => row.value !== null)
      .sort((a, b) => b.value - a.value);
  }, [hover, visible]);
  const isEmpty = top.every(({ values }) => values.every((value) => value === null));
  const hoverMs = hover === null ? undefined : timesMs[hover.index];
  const own = toFormat(props.unit);
  const note = top.length < props.series.length;
  const clickAt = (plot: uPlot) => {
    const mark = nearestMark(plot, marks, MARK_REACH_PX);
    if (mark && onMark) {
      onMark(mark);
      return;
    }
    const timeMs = plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : timesMs[plot.cursor.idx];
    if (timeMs !== undefined) onOpen?.(timeMs, nearestName(plot, isDown ? [...visible].reverse() : visible));
  };
  return (
    <figure className={`${styles.chart ?? ""} ${height === "fill" ? (styles.filling ?? "") : ""}`} style={{ margin: 0 }}>
      {(!bare || note || logSwitch) && (
        <div className={styles.head}>
          {!bare && <h2>{title}</h2>}
          <div className={styles.aside}>
            {note && (
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
      )}
      <div ref={stage} className={styles.stage}>
        {(height !== "fill" || stageHeight > 0) && (
          <Plot
            label={`${title}, chart`}
            data={data}
            range={range}
            height={height === "fill" ? stageHeight : height}
            build={build}
            onHover={onHover}
            patient
            onClick={clickAt}
          />
        )}
        {isEmpty && <div className={styles.none}>Nothing in this range</div>}
        {hover !== null && hoverMs !== undefined && (rows.length > 0 || hover.mark !== null) && (
          <ChartTooltip
            left={hover.left}
            width={hover.width}
            title={
              hover.mark ? (
                <>
                  {formatDateTime(hover.mark.timeMs, zone, { millis: true })}
                  <br />
                  {hover.mark.name}: {own.write(hover.mark.value)}. {hover.mark.does}
                </>
              ) : (
                formatDateTime(hoverMs, zone)
              )
            }
            rows={hover.mark ? [] : rows.slice(0, TOOLTIP_ROWS).map((row) => ({ ...row, value: own.write(row.value) }))}
            more={hover.mark ? 0 : rows.length - TOOLTIP_ROWS}
          />
        )}
      </div>
      {legend !== false && top.length > 0 && (
        <Legend
          series={top}
          unit={own}
          style={legend === "list" ? "list" : "table"}
          shown={shown}
          onClick={(name, shift) => setShown(clickLegend(shown, name, shift, top.map((one) => one.name)))}
        />
      )}
    </figure>
  );
}

/** A value between two gaps has no line to be on: return where such values are, to be shown as points. */
function loneValues(plot: uPlot, series: number): number[] | null {
  const values = plot.data[series];
  const lone: number[] = [];
  values?.forEach((value, at) => {
    if (value != null && values[at - 1] == null && values[at + 1] == null) lone.push(at);
  });
  return lone;
}

function drawLevel(plot: uPlot, value: number, css: string): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(value, "y", true));
  if (!Number.isFinite(y) || y < bbox.top || y > bbox.top + bbox.height) return;
  ctx.save();
  ctx.strokeStyle = css;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
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
