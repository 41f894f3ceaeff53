import { useCallback, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import type { ValueFormat } from "../format/metricUnits";
import { formatNumber } from "../format/numbers";
import { formatDateTime } from "../format/times";
import { timeAxis } from "./axes";
import { ChartTooltip } from "./ChartTooltip";
import styles from "./charts.module.css";
import { cellShade, rowLabel, rowTicks } from "./heatRows";
import { Plot, type PlotContext, type PlotOptions } from "./Plot";
import { useElementSize } from "./useElementSize";

export interface Cell {
  startMs: number;
  endMs: number;
  /** Above this, up to `upper`; infinite where the row has no end. */
  lower: number;
  upper: number;
  count: number;
}

interface HeatmapChartProps {
  title: string;
  timesMs: readonly number[];
  stepMs: number;
  /** Upper bounds of the rows from the bottom up. */
  bounds: readonly number[];
  /** Of rows that are no buckets. */
  names?: readonly string[] | null;
  /** `counts[row][step]`; null where nothing is known. */
  counts: readonly (readonly (number | null)[])[];
  range: MomentRange;
  /** Of the bounds. */
  format: ValueFormat;
  height?: number | "fill";
  onCell?: (cell: Cell) => void;
}

/** How a distribution moves: time across, buckets upwards, the more in a cell the stronger its colour. */
export function HeatmapChart({ title, timesMs, stepMs, bounds, names = null, counts, range, format, height = 240, onCell }: HeatmapChartProps) {
  const zone = usePreference("zone");
  const [hover, setHover] = useState<{ row: number; at: number; left: number; width: number } | null>(null);
  const stage = useRef<HTMLDivElement>(null);
  const { height: stageHeight } = useElementSize(stage);
  const most = useMemo(() => counts.reduce((top, row) => row.reduce<number>((best, value) => Math.max(best, value ?? 0), top), 0), [counts]);
  const data = useMemo((): uPlot.AlignedData => [timesMs as number[], timesMs.map(() => null)], [timesMs]);
  const build = useCallback(
    ({ zone: timeZone, colors, color }: PlotContext): PlotOptions => {
      const fill = color("var(--accent)");
      return {
        scales: { x: { time: true, auto: false }, y: { range: () => [0, Math.max(bounds.length, 1)] } },
        axes: [
          timeAxis(timeZone, colors),
          {
            scale: "y",
            stroke: colors.text,
            font: "11px system-ui, sans-serif",
            gap: 6,
            grid: { show: false },
            ticks: { show: false },
            size: (_, values: string[] | null) => Math.min(160, Math.max(44, ...(values ?? []).map((value) => value.length * 6.2 + 12))),
            splits: (plot) => rowTicks(bounds.length, names !== null, plot.height / 24),
            values: (_, splits) => splits.map((split) => rowLabel(split, bounds, names, format)),
          },
        ],
        cursor: { points: { show: false } },
        series: [{}, { show: true, paths: () => null, points: { show: false } }],
        hooks: {
          draw: [
            (plot) => {
              const { ctx, bbox } = plot;
              ctx.save();
              ctx.beginPath();
              ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
              ctx.clip();
              ctx.fillStyle = fill;
              counts.forEach((row, index) => {
                const bottom = Math.round(plot.valToPos(index, "y", true));
                const top = Math.round(plot.valToPos(index + 1, "y", true));
                row.forEach((count, at) => {
                  const shade = cellShade(count, most);
                  const ms = timesMs[at];
                  if (shade === 0 || ms === undefined) return;
                  // A sample at a moment tells of the step that ends there.
                  const left = Math.round(plot.valToPos(ms - stepMs, "x", true));
                  const right = Math.round(plot.valToPos(ms, "x", true));
                  ctx.globalAlpha = shade;
                  ctx.fillRect(left, top, Math.max(right - left - (right - left > 4 ? 1 : 0), 1), Math.max(bottom - top - (bottom - top > 4 ? 1 : 0), 1));
                });
              });
              ctx.restore();
            },
          ],
        },
      };
    },
    [bounds, names, counts, timesMs, stepMs, most, format],
  );
  const cellAt = useCallback(
    (plot: uPlot) => {
      const { left, top } = plot.cursor;
      if (left === undefined || top === undefined || left < 0 || top < 0) return null;
      const row = Math.floor(plot.posToVal(top, "y"));
      const at = Math.ceil((plot.posToVal(left, "x") - (timesMs[0] ?? 0)) / stepMs);
      return row < 0 || row >= bounds.length || at < 0 || at >= timesMs.length ? null : { row, at };
    },
    [bounds, timesMs, stepMs],
  );
  const onHover = useCallback(
    (plot: uPlot) => {
      const found = plot.root.matches(":hover") ? cellAt(plot) : null;
      setHover(found && { ...found, left: (plot.cursor.left ?? 0) + plot.over.offsetLeft, width: plot.width });
    },
    [cellAt],
  );
  const describe = (row: number, at: number): Cell => ({
    startMs: (timesMs[at] ?? 0) - stepMs,
    endMs: timesMs[at] ?? 0,
    lower: row > 0 ? (bounds[row - 1] ?? 0) : (bounds[0] ?? 0) > 0 ? 0 : -Infinity,
    upper: bounds[row] ?? Infinity,
    count: counts[row]?.[at] ?? 0,
  });
  const cell = hover && describe(hover.row, hover.at);
  return (
    <figure className={`${styles.chart ?? ""} ${height === "fill" ? (styles.filling ?? "") : ""}`} style={{ margin: 0 }}>
      <div ref={stage} className={styles.stage}>
        {(height !== "fill" || stageHeight > 0) && (
          <Plot
            label={`${title}, heatmap`}
            data={data}
            range={range}
            height={height === "fill" ? stageHeight : height}
            build={build}
            onHover={onHover}
            patient
            onClick={(plot) => {
              const found = cellAt(plot);
              if (found) onCell?.(describe(found.row, found.at));
            }}
          />
        )}
        {most === 0 && <div className={styles.none}>Nothing in this range</div>}
        {hover && cell && (
          <ChartTooltip
            left={hover.left}
            width={hover.width}
            title={formatDateTime(cell.endMs, zone)}
            rows={[
              {
                name: names ? (names[hover.row] ?? "") : `${format.write(cell.lower)} – ${format.write(cell.upper)}`,
                color: "var(--accent)",
                value: counts[hover.row]?.[hover.at] == null ? "–" : formatNumber(cell.count),
              },
            ]}
          />
        )}
      </div>
    </figure>
  );
}
