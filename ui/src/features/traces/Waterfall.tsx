import { type CSSProperties, type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Waterfall as WaterfallData } from "../../api/schema";
import { formatDuration } from "../../format/durations";
import { drawBars } from "./drawBars";
import { rulerTicks, type TimeWindow } from "./timeWindow";
import { prepareCanvas, useBarColors } from "./useColors";
import { useDragRange } from "./useDragRange";
import { useElementSize } from "../../charts/useElementSize";
import { useNameWidth } from "./useNameWidth";
import type { VisibleRows } from "./visibleRows";
import styles from "./Waterfall.module.css";
import { ROW_HEIGHT, WaterfallRow } from "./WaterfallRows";

interface WaterfallProps {
  waterfall: WaterfallData;
  rows: VisibleRows;
  isOpen: (span: number) => boolean;
  onToggle: (span: number) => void;
  selected: number;
  onSelect: (span: number) => void;
  window: TimeWindow;
  onWindow: (window: TimeWindow | null) => void;
  matches: ReadonlySet<number> | null;
  showPath: boolean;
}

/** However wide the names are to be, the bars keep more than half. */
const MOST_NAMES = 0.45;

/** Rows move in chunks, so that scrolling draws a few times a screen and not at every pixel. */
const CHUNK_ROWS = 16;

/** The spans of a trace as bars over time, a row each. Only the rows near the view exist. */
export function Waterfall(props: WaterfallProps) {
  const { waterfall, rows, isOpen, onToggle, selected, onSelect, window: view, onWindow, matches, showPath } = props;
  const { spans, services, names } = waterfall;
  const frame = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useElementSize(scroller);
  const [chosenWidth, setNameWidth] = useNameWidth();
  const nameWidth = size.width === 0 ? chosenWidth : Math.min(chosenWidth, Math.round(size.width * MOST_NAMES));
  const [chunk, setChunk] = useState(0);
  const [cursorX, setCursorX] = useState<number | null>(null);
  const colors = useBarColors(services);
  const width = Math.max(size.width - nameWidth, 1);
  const toNs = (x: number) => view.startNs + (x / width) * (view.endNs - view.startNs);
  const { drag, handlers, wasDrag } = useDragRange((left, right) => onWindow({ startNs: toNs(left), endNs: toNs(Math.min(right, width)) }), nameWidth);
  const count = rows.spans.length;
  const first = Math.max((chunk - 1) * CHUNK_ROWS, 0);
  const last = Math.min(Math.ceil(size.height / ROW_HEIGHT) + (chunk + 2) * CHUNK_ROWS, count);
  const ticks = useMemo(() => rulerTicks(view, Math.max(Math.floor(width / 110), 1)), [view, width]);

  useLayoutEffect(() => {
    const context = prepareCanvas(canvas.current, width, Math.max(last - first, 0) * ROW_HEIGHT);
    if (!context) return;
    drawBars({
      context,
      waterfall,
      rows,
      first,
      last,
      rowHeight: ROW_HEIGHT,
      width,
      window: view,
      ticks,
      colors,
      showPath,
      isDimmed: matches ? (span) => !matches.has(span) : null,
    });
  }, [waterfall, rows, first, last, width, view, ticks, colors, showPath, matches]);

  const selectedRow = selected < 0 ? -1 : (rows.rowOf[selected] ?? -1);
  useEffect(() => {
    const element = scroller.current;
    if (!element || selectedRow < 0 || size.height === 0) return;
    const top = selectedRow * ROW_HEIGHT;
    const { scrollTop, clientHeight } = element;
    // One row further the view moves along; from afar the row comes to the middle.
    if (top < scrollTop - 2 * ROW_HEIGHT || top > scrollTop + clientHeight + ROW_HEIGHT) element.scrollTop = top - clientHeight / 2;
    else if (top < scrollTop) element.scrollTop = top - ROW_HEIGHT;
    else if (top + 2 * ROW_HEIGHT > scrollTop + clientHeight) element.scrollTop = top - clientHeight + 2 * ROW_HEIGHT;
  }, [selectedRow, size.height]);

  const moveCursor = (event: PointerEvent<HTMLElement>) => {
    const x = event.clientX - (frame.current?.getBoundingClientRect().left ?? 0) - nameWidth;
    setCursorX(x < 0 || x > width ? null : x);
  };
  const items: number[] = [];
  for (let row = first; row < last; row += 1) items.push(row);
  return (
    <div
      ref={frame}
      className={styles.waterfall}
      style={{ "--names": `${nameWidth}px` } as CSSProperties}
      {...handlers}
      onPointerMove={(event) => {
        handlers.onPointerMove(event);
        moveCursor(event);
      }}
      onPointerLeave={() => setCursorX(null)}
      onDoubleClick={(event) => {
        if (event.clientX > (frame.current?.getBoundingClientRect().left ?? 0) + nameWidth) onWindow(null);
      }}
    >
      <div className={styles.ruler}>
        <div>Service and operation</div>
        <div className={styles.ticks}>
          {ticks.map((tick) => (
            <span key={tick} className={styles.tick} style={{ left: toX(tick, view, width) }}>
              {formatDuration(tick)}
            </span>
          ))}
        </div>
      </div>
      {/* Focus stays on the tree; the row that it means is aria-activedescendant. Its keys are the page's shortcuts. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events */}
      <div
        ref={scroller}
        className={styles.scroller}
        role="tree"
        tabIndex={0}
        aria-label="Spans"
        aria-activedescendant={selected >= 0 ? `span-${selected}` : undefined}
        data-scroll-restoration-id="waterfall"
        onScroll={(event) => setChunk(Math.floor(event.currentTarget.scrollTop / (ROW_HEIGHT * CHUNK_ROWS)))}
        onClick={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>("[data-span]");
          if (row && !wasDrag()) onSelect(Number(row.dataset.span));
        }}
      >
        <div className={styles.sheet} style={{ height: count * ROW_HEIGHT }}>
          {items.map((row) => {
            const span = rows.spans[row] ?? 0;
            const parent = spans.parent[span] ?? -1;
            const service = services[spans.service[span] ?? 0] ?? "";
            const name = names[spans.name[span] ?? 0] ?? "";
            const failed = spans.status[span] === 2;
            const match = matches?.has(span) ?? false;
            return (
              <WaterfallRow
                key={span}
                span={span}
                top={row * ROW_HEIGHT}
                depth={spans.depth[span] ?? 0}
                service={service}
                name={name}
                newService={parent < 0 || spans.service[parent] !== spans.service[span]}
                failed={failed}
                descendants={spans.descendants[span] ?? 0}
                failedBelow={spans.failed_descendants[span] ?? 0}
                flags={spans.flags[span] ?? 0}
                open={isOpen(span)}
                selected={span === selected}
                match={match}
                dimmed={matches !== null && !match}
                label={`${service}: ${name}, ${formatDuration(spans.duration_ns[span])}${failed ? ", failed" : ""}`}
                onToggle={onToggle}
              />
            );
          })}
          <canvas ref={canvas} className={styles.bars} style={{ top: first * ROW_HEIGHT }} aria-hidden />
        </div>
      </div>
      {drag && <div className={styles.drag} style={{ left: nameWidth + drag.left, width: Math.min(drag.right, width) - drag.left }} />}
      {cursorX !== null && (
        <>
          <div className={styles.cursor} style={{ left: nameWidth + cursorX }} />
          <div className={styles.cursorTime} style={{ left: nameWidth + cursorX }}>
            {drag ? formatDuration(toNs(drag.right) - toNs(drag.left)) : formatDuration(Math.max(toNs(cursorX), 0))}
          </div>
        </>
      )}
      <Grip width={nameWidth} onWidth={setNameWidth} />
    </div>
  );
}

const toX = (ns: number, { startNs, endNs }: TimeWindow, width: number) => ((ns - startNs) / (endNs - startNs)) * width;

/** Makes the column of names wider or narrower, with the pointer or the arrow keys. */
function Grip({ width, onWidth }: { width: number; onWidth: (width: number) => void }) {
  return (
    // A separator that can be focused and moved is a control, by WAI-ARIA.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className={styles.grip}
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuenow={width}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onKeyDown={(event) => {
        const step = event.key === "ArrowLeft" ? -16 : event.key === "ArrowRight" ? 16 : 0;
        if (step === 0) return;
        event.preventDefault();
        event.stopPropagation();
        onWidth(width + step);
      }}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        event.stopPropagation();
        onWidth(event.clientX - (event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0));
      }}
    />
  );
}
