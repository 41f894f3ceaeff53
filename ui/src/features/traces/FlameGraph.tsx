import { type KeyboardEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Waterfall } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { Button } from "../../components/Button";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { framePath, layOutFlameGraph } from "./flameGraph";
import styles from "./FlameGraph.module.css";
import { prepareCanvas, useBarColors } from "./useColors";
import { useElementSize } from "../../charts/useElementSize";

const ROW = 22;

interface FlameGraphProps {
  waterfall: Waterfall;
  matches: ReadonlySet<number> | null;
  onSelect: (span: number) => void;
}

/** Where the time went, spans of a kind merged. A click makes a frame as wide as the view; its longest span opens beside. */
export default function FlameGraph({ waterfall, matches, onSelect }: FlameGraphProps) {
  const { services, names } = waterfall;
  const graph = useMemo(() => layOutFlameGraph(waterfall), [waterfall]);
  const setSearch = useSetSearch();
  const focusId = useParam("frame");
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useElementSize(frame);
  const colors = useBarColors(services);
  const [hover, setHover] = useState<{ index: number; x: number; y: number } | null>(null);
  // A frame is named by the span that stands for it.
  const focus = useMemo(
    () => (focusId === "" ? -1 : graph.frames.findIndex(({ span }) => waterfall.spans.span_id[span] === focusId)),
    [graph, focusId, waterfall],
  );
  const focused = graph.frames[focus];
  const startNs = focused?.offsetNs ?? 0;
  const spanNs = Math.max(focused?.valueNs ?? graph.totalNs, 1);
  const path = useMemo(() => new Set(focus < 0 ? [] : framePath(graph, focus)), [graph, focus]);
  const found = useMemo(() => {
    if (matches === null) return null;
    const kinds = new Set<number>();
    for (const span of matches) kinds.add((waterfall.spans.service[span] ?? 0) * names.length + (waterfall.spans.name[span] ?? 0));
    return kinds;
  }, [matches, waterfall, names]);
  const boxOf = (index: number) => {
    const one = graph.frames[index];
    if (!one) return null;
    // The ancestors of the focus are as wide as the view, so that one always sees where one is.
    if (path.has(index)) return { left: 0, right: width, top: one.depth * ROW };
    const left = ((one.offsetNs - startNs) / spanNs) * width;
    const right = left + (one.valueNs / spanNs) * width;
    return right <= 0 || left >= width ? null : { left: Math.max(left, 0), right: Math.min(right, width), top: one.depth * ROW };
  };
  useLayoutEffect(() => {
    const context = prepareCanvas(canvas.current, width, graph.depth * ROW);
    if (!context) return;
    context.clearRect(0, 0, width, graph.depth * ROW);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    graph.frames.forEach((one, index) => {
      const box = boxOf(index);
      if (!box || box.right - box.left < 0.4) return;
      const strength = found === null || found.has(one.service * names.length + one.name) ? 1 : 0.25;
      const boxWidth = box.right - box.left;
      context.fillStyle = colors.services[one.service] ?? colors.quiet;
      context.globalAlpha = strength * 0.32;
      context.fillRect(box.left, box.top, Math.max(boxWidth - 1, 0.5), ROW - 1);
      context.globalAlpha = strength;
      // Own time is solid at the foot of the frame.
      const own = one.valueNs > 0 ? (one.selfNs / one.valueNs) * boxWidth : 0;
      context.fillRect(box.right - own, box.top + ROW - 4, Math.max(own - 1, 0), 3);
      if (one.errors > 0) {
        context.fillStyle = colors.bad;
        context.fillRect(box.left, box.top, Math.max(boxWidth - 1, 1), 2);
      }
      if (index === hover?.index) {
        context.strokeStyle = colors.text;
        context.strokeRect(box.left + 0.5, box.top + 0.5, Math.max(boxWidth - 2, 1), ROW - 2);
      }
      if (boxWidth > 28) drawName(context, frameName(one.spans, names[one.name] ?? ""), box.left + 6, box.top + ROW / 2 - 1, boxWidth - 12, colors.text);
    });
    context.globalAlpha = 1;
  });
  const at = (x: number, y: number) => {
    const depth = Math.floor(y / ROW);
    return graph.frames.findIndex((one, index) => {
      if (one.depth !== depth) return false;
      const box = boxOf(index);
      return box !== null && x >= box.left && x < box.right;
    });
  };
  const zoomTo = (index: number) => {
    const one = graph.frames[index];
    const isWhole = !one || (one.parent < 0 && one.valueNs === graph.totalNs);
    setSearch({ frame: isWhole ? undefined : waterfall.spans.span_id[one.span] }, { replace: true });
  };
  const walk = (event: KeyboardEvent) => {
    const from = focus < 0 ? 0 : focus;
    const siblings = graph.frames.flatMap((one, index) => (one.parent === graph.frames[from]?.parent ? [index] : []));
    const place = siblings.indexOf(from);
    const next =
      event.key === "ArrowUp"
        ? graph.frames[from]?.parent
        : event.key === "ArrowDown"
          ? graph.frames.findIndex(({ parent }) => parent === from)
          : event.key === "ArrowLeft"
            ? siblings[place - 1]
            : event.key === "ArrowRight"
              ? siblings[place + 1]
              : undefined;
    if (next === undefined || next < 0) return;
    event.preventDefault();
    zoomTo(next);
  };
  const hovered = hover === null ? undefined : graph.frames[hover.index];
  return (
    <div className={styles.view}>
      <div className={styles.tools}>
        {focused ? (
          <>
            <Button onClick={() => zoomTo(-1)}>Whole trace</Button>
            <Button onClick={() => onSelect(focused.span)}>Open its longest span</Button>
            <span className="truncate">
              {services[focused.service]}: {names[focused.name]}, {describe(focused, graph.totalNs)}
            </span>
          </>
        ) : (
          <span className="quiet">As wide as the own time spent in it and below, like spans merged. Click a frame to zoom.</span>
        )}
      </div>
      {/* A picture that is walked with arrow keys: the words above say where one is. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div
        ref={frame}
        className={styles.graph}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={walk}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const [x, y] = [event.clientX - box.left, event.clientY - box.top + event.currentTarget.scrollTop];
          const index = at(x, y);
          setHover(index < 0 ? null : { index, x, y: event.clientY - box.top });
        }}
        onPointerLeave={() => setHover(null)}
        onClick={() => {
          if (hover) zoomTo(hover.index === focus ? -1 : hover.index);
        }}
        onDoubleClick={() => {
          if (hovered) onSelect(hovered.span);
        }}
      >
        <canvas ref={canvas} role="img" aria-label={`Flame graph of ${formatCount(graph.frames.length)} frames`} />
      </div>
      {hover && hovered && (
        <div className={styles.tooltip} style={hover.x > width / 2 ? { right: width - hover.x + 12, top: hover.y + 52 } : { left: hover.x + 12, top: hover.y + 52 }}>
          <strong>{names[hovered.name]}</strong>
          <span>{services[hovered.service]}</span>
          <span className="number">{describe(hovered, graph.totalNs)}</span>
          <span className="number">
            {formatDuration(hovered.selfNs)} of its own, durations add up to {formatDuration(hovered.totalNs)}
          </span>
        </div>
      )}
    </div>
  );
}

const frameName = (spans: number, name: string) => (spans > 1 ? `${name} ×${formatCount(spans)}` : name);

function describe({ valueNs, spans, errors }: { valueNs: number; spans: number; errors: number }, totalNs: number): string {
  const failed = errors > 0 ? `, ${formatCount(errors)} failed` : "";
  return `${formatDuration(valueNs)}, ${formatShare(totalNs > 0 ? valueNs / totalNs : null)} of all own time, ${formatCount(spans)} ${spans === 1 ? "span" : "spans"}${failed}`;
}

function drawName(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, color: string): void {
  let shown = text;
  if (context.measureText(shown).width > width) {
    const fits = Math.max(Math.floor((width / context.measureText(shown).width) * shown.length) - 1, 0);
    shown = fits > 1 ? `${shown.slice(0, fits)}…` : "";
  }
  context.fillStyle = color;
  context.fillText(shown, x, y);
}
