import { useCallback, useMemo, useState } from "react";
import type uPlot from "uplot";
import { usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import type { Unit } from "../format/numbers";
import { formatDateTime } from "../format/times";
import { formatValue } from "../format/values";
import { timeAxis, valueAxis } from "./axes";
import { ChartTooltip } from "./ChartTooltip";
import styles from "./charts.module.css";
import { nearestPoint } from "./nearest";
import { Plot, type PlotContext, type PlotOptions } from "./Plot";

export interface ScatterPoint {
  id: string;
  timeMs: number;
  value: number;
  /** Named by the tooltip. */
  name: string;
  /** CSS: `seriesColor(service)`. */
  color: string;
  /** Drawn as a cross in the colour of errors, so that colour is not alone in telling. */
  failed?: boolean;
}

/** A rectangle that was brushed, in time and value. */
export interface Brush extends MomentRange {
  minValue: number;
  maxValue: number;
}

interface ScatterPlotProps {
  label: string;
  points: readonly ScatterPoint[];
  range: MomentRange;
  unit: Unit;
  height?: number;
  logarithmic?: boolean;
  /** Dragging a rectangle selects instead of zooming. */
  onBrush?: (brush: Brush) => void;
  /** The selection that holds, drawn as a frame. */
  brush?: Brush | null;
  onOpen?: (point: ScatterPoint) => void;
}

const HIT_PX = 12;

/** One mark for each thing, at its time and value: traces by duration. Ten thousand points draw in one frame. */
export function ScatterPlot(props: ScatterPlotProps) {
  const { label, points, range, unit, height = 160, logarithmic = false, onBrush, brush, onOpen } = props;
  const zone = usePreference("zone");
  const [hover, setHover] = useState<{ point: ScatterPoint; left: number; width: number } | null>(null);
  const sorted = useMemo(() => [...points].sort((a, b) => a.timeMs - b.timeMs), [points]);
  const data = useMemo(
    (): uPlot.AlignedData => [
      sorted.map(({ timeMs }) => timeMs),
      sorted.map(({ value }) => (logarithmic && value <= 0 ? null : value)),
    ],
    [sorted, logarithmic],
  );
  const build = useCallback(
    ({ zone: timeZone, colors, color }: PlotContext): PlotOptions => ({
      scales: {
        x: { time: true, auto: false },
        y: logarithmic
          ? { distr: 3, log: 10 }
          : { range: (_, __, max: number | null) => [0, max === null || max <= 0 ? 1 : max * 1.08] },
      },
      axes: [timeAxis(timeZone, colors), valueAxis(unit, colors, logarithmic)],
      cursor: { points: { show: false }, ...(onBrush ? { drag: { x: true, y: true, setScale: false, uni: 8 } } : {}) },
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { draw: [(plot) => drawPoints(plot, sorted, brush ?? null, color)] },
    }),
    [sorted, brush, unit, logarithmic, onBrush],
  );
  const find = (plot: uPlot): ScatterPoint | null => {
    const { left, top } = plot.cursor;
    if (left === undefined || top === undefined || left < 0) return null;
    return nearestPoint(sorted, left, top, (ms) => plot.valToPos(ms, "x"), (value) => plot.valToPos(value, "y"), HIT_PX);
  };
  return (
    <div className={styles.chart}>
      <Plot
        label={label}
        data={data}
        range={range}
        height={height}
        build={build}
        onHover={(plot, index) => {
          const point = index === null ? null : find(plot);
          setHover(point === null ? null : { point, left: (plot.cursor.left ?? 0) + plot.over.offsetLeft, width: plot.width });
          plot.over.style.cursor = point && onOpen ? "pointer" : "";
        }}
        {...(onBrush
          ? {
              onSelect: (plot: uPlot, select: uPlot.Select) => {
                const full = select.height < HIT_PX / 3;
                const bottom = full ? 0 : plot.posToVal(select.top + select.height, "y");
                onBrush({
                  startMs: plot.posToVal(select.left, "x"),
                  endMs: plot.posToVal(select.left + select.width, "x"),
                  minValue: Math.max(bottom, 0),
                  maxValue: full ? Infinity : plot.posToVal(select.top, "y"),
                });
              },
            }
          : {})}
        onClick={(plot) => {
          const point = find(plot);
          if (point) onOpen?.(point);
        }}
      />
      {points.length === 0 && <div className={styles.none}>Nothing in this range</div>}
      {hover && (
        <ChartTooltip
          left={hover.left}
          width={hover.width}
          title={formatDateTime(hover.point.timeMs, zone, { millis: true })}
          rows={[{ name: hover.point.name, color: hover.point.color, value: formatValue(hover.point.value, unit) }]}
        />
      )}
    </div>
  );
}

function drawPoints(plot: uPlot, points: readonly ScatterPoint[], brush: Brush | null, color: (css: string) => string): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const ratio = devicePixelRatio;
  const colors = new Map<string, string>();
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineWidth = 1.5 * ratio;
  for (const point of points) {
    if (plot.scales.y?.distr === 3 && point.value <= 0) continue;
    const css = point.failed ? "var(--mark-bad)" : point.color;
    let ink = colors.get(css);
    if (ink === undefined) {
      ink = color(css);
      colors.set(css, ink);
    }
    const x = plot.valToPos(point.timeMs, "x", true);
    const y = plot.valToPos(point.value, "y", true);
    const inside = brush === null || contains(brush, point);
    ctx.globalAlpha = inside ? 0.8 : 0.25;
    ctx.beginPath();
    if (point.failed) {
      const arm = 3 * ratio;
      ctx.strokeStyle = ink;
      ctx.moveTo(x - arm, y - arm);
      ctx.lineTo(x + arm, y + arm);
      ctx.moveTo(x + arm, y - arm);
      ctx.lineTo(x - arm, y + arm);
      ctx.stroke();
    } else {
      ctx.fillStyle = ink;
      ctx.arc(x, y, 2.5 * ratio, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  if (brush) {
    const x1 = plot.valToPos(brush.startMs, "x", true);
    const x2 = plot.valToPos(brush.endMs, "x", true);
    const y1 = Number.isFinite(brush.maxValue) ? plot.valToPos(brush.maxValue, "y", true) : top;
    const y2 = brush.minValue > 0 ? plot.valToPos(brush.minValue, "y", true) : top + height;
    ctx.globalAlpha = 1;
    ctx.lineWidth = ratio;
    ctx.strokeStyle = color("var(--accent)");
    ctx.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
  ctx.restore();
}

const contains = (brush: Brush, { timeMs, value }: ScatterPoint) =>
  timeMs >= brush.startMs && timeMs <= brush.endMs && value >= brush.minValue && value <= brush.maxValue;
