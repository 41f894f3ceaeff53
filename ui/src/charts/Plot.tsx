import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import { holdRefresh } from "../app/clock";
import { useColorScheme, usePreference } from "../app/preferences";
import type { MomentRange } from "../app/timeRange";
import type { TimeZone } from "../format/times";
import { useTimeRange } from "../app/useTimeRange";
import type { ChartColors } from "./axes";
import { resolveColor } from "./palette";
import styles from "./charts.module.css";

export interface PlotContext {
  zone: TimeZone;
  colors: ChartColors;
  /** Resolve a CSS colour for the canvas. */
  color: (css: string) => string;
}

export type PlotOptions = Omit<uPlot.Options, "width" | "height">;

interface PlotProps {
  label: string;
  /** Unix milliseconds first. */
  data: uPlot.AlignedData;
  range: MomentRange;
  height: number;
  /** Build the options; called again when it changes itself (keep it in useCallback), or the theme or time zone does. */
  build: (context: PlotContext) => PlotOptions;
  /** Told where the pointer is: the index of the nearest moment, null when it is elsewhere. */
  onHover?: (plot: uPlot, index: number | null) => void;
  /** What a drag does; zooms the page's time range when not given. */
  onSelect?: (plot: uPlot, select: uPlot.Select) => void;
  onClick?: (plot: uPlot) => void;
  /** Wait whether a click becomes a double-click, which zooms out, before `onClick`: where a click anywhere does something. */
  patient?: boolean;
}

const DOUBLE_CLICK_MS = 220;

const MIN_DRAG_PX = 4;

/** uPlot in a frame that every chart shares: size, theme, zoom by dragging, one crosshair over all charts of the page. */
export function Plot({ label, data, range, height, build, onHover, onSelect, onClick, patient = false }: PlotProps) {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { zoom, zoomOut } = useTimeRange();
  const scheme = useColorScheme();
  const zone = usePreference("zone");
  const latest = useRef({ data, range, height, onHover, onSelect, onClick, patient, zoom, zoomOut });
  useEffect(() => {
    latest.current = { data, range, height, onHover, onSelect, onClick, patient, zoom, zoomOut };
  });

  const options = useMemo(() => ({ build, scheme, zone }), [build, scheme, zone]);
  useEffect(() => {
    const element = container.current;
    if (!element) return undefined;
    const colors = { text: resolveColor("var(--text-3)"), grid: resolveColor("var(--line)"), background: resolveColor("var(--bg)") };
    const own = options.build({ zone: options.zone, colors, color: resolveColor });
    const frame: PlotOptions = {
      ms: 1,
      tzDate: (ms) => (options.zone === "utc" ? uPlot.tzDate(new Date(ms), "Etc/UTC") : new Date(ms)),
      legend: { show: false },
      // The last tick of the time axis stands around the right end.
      padding: [8, 16, 0, 0],
      ...own,
      cursor: {
        // Only time is shared between charts: a level line would lie across units.
        y: false,
        points: { size: 6, width: 1 },
        focus: { prox: 24 },
        ...own.cursor,
        sync: { key: "page", setSeries: false, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false, dist: MIN_DRAG_PX, ...own.cursor?.drag },
        bind: {
          dblclick: () => () => {
            latest.current.zoomOut();
            return null;
          },
        },
      },
      hooks: {
        ...own.hooks,
        setSelect: [
          (self) => {
            const select = self.select;
            if (select.width < MIN_DRAG_PX) return;
            if (latest.current.onSelect) latest.current.onSelect(self, select);
            else latest.current.zoom({ startMs: self.posToVal(select.left, "x"), endMs: self.posToVal(select.left + select.width, "x") });
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        setCursor: [
          (self) => {
            const here = (self.cursor.left ?? -1) >= 0 && element.matches(":hover");
            latest.current.onHover?.(self, here ? (self.cursor.idx ?? null) : null);
          },
        ],
      },
    };
    const width = Math.max(element.clientWidth, 50);
    const created = new uPlot({ ...frame, width, height: latest.current.height }, latest.current.data, element);
    created.setScale("x", { min: latest.current.range.startMs, max: latest.current.range.endMs });
    plot.current = created;
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0) created.setSize({ width: element.clientWidth, height: latest.current.height });
    });
    resize.observe(element);
    let waiting: ReturnType<typeof setTimeout> | undefined;
    let downAt: [number, number] | null = null;
    const down = (event: PointerEvent) => {
      downAt = [event.clientX, event.clientY];
    };
    const click = (event: MouseEvent) => {
      const still = downAt !== null && Math.hypot(event.clientX - downAt[0], event.clientY - downAt[1]) < MIN_DRAG_PX;
      clearTimeout(waiting);
      if (!still || event.detail > 1) return;
      if (latest.current.patient) waiting = setTimeout(() => latest.current.onClick?.(created), DOUBLE_CLICK_MS);
      else latest.current.onClick?.(created);
    };
    created.over.addEventListener("pointerdown", down);
    created.over.addEventListener("click", click);
    return () => {
      clearTimeout(waiting);
      resize.disconnect();
      created.destroy();
      plot.current = null;
    };
  }, [options]);

  useEffect(() => {
    const current = plot.current;
    if (!current) return;
    if (current.height !== height) current.setSize({ width: current.width, height });
    if (current.data !== data) current.setData(data, false);
    current.setScale("x", { min: range.startMs, max: range.endMs });
  }, [data, range.startMs, range.endMs, height, options]);

  const release = useRef<(() => void) | null>(null);
  useEffect(() => () => release.current?.(), []);
  return (
    <div
      ref={container}
      className={styles.plot}
      style={{ height }}
      role="img"
      aria-label={label}
      onPointerEnter={() => {
        release.current ??= holdRefresh();
      }}
      onPointerLeave={() => {
        release.current?.();
        release.current = null;
      }}
    />
  );
}
