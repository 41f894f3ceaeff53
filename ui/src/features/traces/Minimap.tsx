import { useLayoutEffect, useRef } from "react";
import type { Waterfall } from "../../api/schema";
import { formatDuration } from "../../format/durations";
import styles from "./Minimap.module.css";
import { rulerTicks, type TimeWindow } from "./timeWindow";
import { prepareCanvas, useBarColors } from "./useColors";
import { useDragRange } from "./useDragRange";
import { useElementSize } from "../../charts/useElementSize";

const HEIGHT = 48;

interface MinimapProps {
  waterfall: Waterfall;
  window: TimeWindow;
  onWindow: (window: TimeWindow | null) => void;
}

/** The whole trace, small: every span a line. Dragging zooms the waterfall to that time, a double click shows all again. */
export function Minimap({ waterfall, window: view, onWindow }: MinimapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useElementSize(frame);
  const colors = useBarColors(waterfall.services);
  const total = Math.max(waterfall.duration_ns, 1);
  const { drag, handlers } = useDragRange((left, right) =>
    onWindow({ startNs: (left / width) * total, endNs: (Math.min(right, width) / width) * total }),
  );
  useLayoutEffect(() => {
    const context = prepareCanvas(canvas.current, width, HEIGHT);
    if (!context) return;
    const { spans, critical_path: path } = waterfall;
    const count = spans.span_id.length;
    const scale = width / total;
    const thickness = Math.min(Math.max(HEIGHT / count, 1), 4);
    context.clearRect(0, 0, width, HEIGHT);
    const draw = (span: number, color: string, minimum: number) => {
      context.fillStyle = color;
      const y = count * thickness > HEIGHT ? (span / count) * (HEIGHT - thickness) : span * thickness;
      context.fillRect((spans.start_ns[span] ?? 0) * scale, y, Math.max((spans.duration_ns[span] ?? 0) * scale, minimum), thickness);
    };
    for (let span = 0; span < count; span += 1) draw(span, colors.services[spans.service[span] ?? 0] ?? colors.text, 1);
    // Errors last and never too small to be seen.
    for (let span = 0; span < count; span += 1) if (spans.status[span] === 2) draw(span, colors.bad, 3);
    context.fillStyle = colors.text;
    path.span.forEach((_, index) => {
      const start = path.start_ns[index] ?? 0;
      context.fillRect(start * scale, HEIGHT - 2, Math.max(((path.end_ns[index] ?? 0) - start) * scale - 0.5, 0.5), 2);
    });
  }, [waterfall, width, total, colors]);
  const left = (view.startNs / total) * width;
  const right = (view.endNs / total) * width;
  const zoomed = view.startNs > 0 || view.endNs < total;
  return (
    <div
      ref={frame}
      className={styles.minimap}
      style={{ height: HEIGHT + 17 }}
      role="img"
      aria-label={`All ${waterfall.spans.span_id.length} spans over ${formatDuration(total)}; drag to zoom`}
      title="Drag to zoom, double-click to see all"
      {...handlers}
      onDoubleClick={() => onWindow(null)}
    >
      <div className={styles.ticks}>
        {rulerTicks({ startNs: 0, endNs: total }, Math.max(Math.floor(width / 140), 1)).map((tick) => (
          <span key={tick} style={{ left: (tick / total) * width }}>
            {formatDuration(tick)}
          </span>
        ))}
      </div>
      <canvas ref={canvas} />
      {zoomed && (
        <>
          <div className={styles.shade} style={{ left: 0, width: Math.max(left, 0) }} />
          <div className={styles.shade} style={{ left: right, right: 0 }} />
        </>
      )}
      {drag && <div className={styles.drag} style={{ left: drag.left, width: Math.min(drag.right, width) - drag.left }} />}
    </div>
  );
}
