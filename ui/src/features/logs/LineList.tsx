import { useVirtualizer } from "@tanstack/react-virtual";
import { X } from "lucide-react";
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { usePreference } from "../../app/preferences";
import { levelColor } from "../../charts/palette";
import { ServiceName } from "../../components/ServiceName";
import { formatClock, formatDateTime, nsToMs, type TimeZone } from "../../format/times";
import { fieldValue, type Line, manyLines, oneLine, type Resource, type Resources, shortValue, splitAtWords } from "./lineFields";
import { lineKeys } from "./lineKeys";
import styles from "./LineList.module.css";

const ROW_PX = 24;
const NEAR_END_ROWS = 40;
/** Nearer than this to the end, a list that grows is followed. */
const AT_END_PX = 8;

interface LineListProps {
  label: string;
  lines: readonly Line[];
  resources: Resources;
  /** Fields shown beside time, level and message. */
  columns: readonly string[];
  onRemoveColumn?: (field: string) => void;
  /** Marked where they stand in a message. */
  words: readonly string[];
  /** Show messages whole, over several rows. */
  wrap: boolean;
  /** Show the day beside the time of day. */
  withDay: boolean;
  /** The line that keys act on. */
  current: string;
  /** Lines from the first to the last of a selection. */
  selected: ReadonlySet<string>;
  onCurrent: (id: string, extend: boolean) => void;
  /** The line whose details are shown. */
  opened: string;
  onOpened: (id: string) => void;
  details: (line: Line, resource: Resource | undefined) => ReactNode;
  /** A line that the list is about; it is scrolled to. */
  marked?: string;
  /** The last rows have come near the view. */
  onNearEnd?: (() => void) | undefined;
  onScrolled?: (isAway: boolean) => void;
  /** Keep the end in view while lines come; told when somebody scrolls away from it or back. */
  following?: boolean;
  onFollowing?: (following: boolean) => void;
  before?: ReactNode;
  after?: ReactNode;
  /** As high as its lines, up to this many px; without it, as high as there is room. */
  maxHeight?: number;
}

/** Log lines in one virtualised list, details inline. */
export function LineList(props: LineListProps) {
  const { lines, resources, columns, wrap, withDay, opened, current, marked, onNearEnd, following, onFollowing, onScrolled } = props;
  const zone = usePreference("zone");
  const scroller = useRef<HTMLDivElement>(null);
  const keys = useMemo(() => lineKeys(lines), [lines]);
  // The virtualizer keeps its own mutable state, which the compiler's rule cannot see through.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: useCallback((index: number) => keys[index] ?? index, [keys]),
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const nearEnd = (items.at(-1)?.index ?? -1) >= lines.length - NEAR_END_ROWS;
  const latest = useRef(onNearEnd);
  useEffect(() => {
    latest.current = onNearEnd;
  });
  useEffect(() => {
    if (nearEnd && lines.length > 0) latest.current?.();
  }, [nearEnd, lines.length]);
  const total = virtual.getTotalSize();
  useLayoutEffect(() => {
    const element = scroller.current;
    if (following && element) element.scrollTop = element.scrollHeight;
  }, [following, lines, total]);
  const focus = marked ?? opened;
  useLayoutEffect(() => {
    const at = lines.findIndex(({ id }) => id === focus);
    // What is opened reads downwards; what is marked is about both sides.
    if (at >= 0) virtual.scrollToIndex(marked === undefined ? Math.max(at - CONTEXT_ROWS, 0) : at, { align: marked === undefined ? "start" : "center" });
    // Once: what is opened or loaded later must not move the view.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => {
    const at = lines.findIndex(({ id }) => id === current);
    const element = scroller.current;
    const item = virtual.measurementsCache[at];
    if (at < 0 || !element || !item) return;
    const top = item.start;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW_PX > element.scrollTop + element.clientHeight - HEAD_PX) element.scrollTop = top + ROW_PX - element.clientHeight + HEAD_PX;
    // Only a move of the current line scrolls.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [current]);
  const template = [withDay ? "150px" : "92px", "44px", ...columns.map((field) => (field === "service" ? "128px" : "minmax(96px, 168px)")), "minmax(120px, 1fr)"].join(" ");
  // Narrower than this, the list scrolls sideways.
  const minWidth = columns.reduce((sum, field) => sum + (field === "service" ? 128 : 96) + GAP_PX, (withDay ? 150 : 92) + 44 + 120 + 4 * GAP_PX);
  return (
    <div
      ref={scroller}
      className={styles.scroll}
      style={props.maxHeight === undefined ? undefined : { height: "auto", maxHeight: props.maxHeight }}
      role="region"
      aria-label={props.label}
      // Scrolls, so the keyboard must reach it.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      data-scroll-restoration-id={props.label}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        onFollowing?.(scrollHeight - scrollTop - clientHeight < AT_END_PX);
        onScrolled?.(scrollTop > AT_END_PX);
      }}
    >
      <div className={styles.head} style={{ gridTemplateColumns: template, minWidth }}>
        <span>Time</span>
        <span>Level</span>
        {columns.map((field) => (
          <span key={field} className={styles.column}>
            <span className="truncate" title={field}>
              {field === "service" ? "Service" : field}
            </span>
            {props.onRemoveColumn && (
              <button type="button" aria-label={`Remove the column ${field}`} title="Remove the column" onClick={() => props.onRemoveColumn?.(field)}>
                <X size={12} />
              </button>
            )}
          </span>
        ))}
        <span>Message</span>
      </div>
      {props.before}
      <div className={styles.rows} role="list" style={{ height: total, minWidth }}>
        {items.map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          const resource = resources[line.resource_id];
          const isOpen = line.id === opened;
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              role="listitem"
              className={styles.item}
              data-open={isOpen || undefined}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <LineRow
                line={line}
                resource={resource}
                columns={columns}
                words={props.words}
                template={template}
                wrap={wrap}
                withDay={withDay}
                zone={zone}
                isOpen={isOpen}
                isCurrent={line.id === current}
                isSelected={props.selected.has(line.id)}
                isMarked={line.id === marked}
                onCurrent={props.onCurrent}
                onOpened={props.onOpened}
              />
              {isOpen && props.details(line, resource)}
            </div>
          );
        })}
      </div>
      {props.after}
    </div>
  );
}

const HEAD_PX = 24;
const CONTEXT_ROWS = 3;
const GAP_PX = 12;
/** Levels that bear their colour at the edge: were it all of them, none would stand out. */
const ALARMING: ReadonlySet<string> = new Set(["warn", "error", "fatal"]);

interface LineRowProps {
  line: Line;
  resource: Resource | undefined;
  columns: readonly string[];
  words: readonly string[];
  template: string;
  wrap: boolean;
  withDay: boolean;
  zone: TimeZone;
  isOpen: boolean;
  isCurrent: boolean;
  isSelected: boolean;
  isMarked: boolean;
  onCurrent: (id: string, extend: boolean) => void;
  onOpened: (id: string) => void;
}

const LineRow = memo(function LineRow({ line, resource, columns, words, template, wrap, withDay, zone, isOpen, isCurrent, isSelected, isMarked, onCurrent, onOpened }: LineRowProps) {
  const ms = nsToMs(line.ts_ns);
  const time = withDay ? formatDateTime(ms, zone, { millis: true }).slice(5) : formatClock(ms, zone, { millis: true });
  return (
    // Keys are the list's own: j, k and Enter.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div
      className={styles.row}
      style={{ gridTemplateColumns: template, borderLeftColor: ALARMING.has(line.level) ? levelColor(line.level) : "transparent" }}
      data-level={line.level}
      data-current={isCurrent || undefined}
      data-selected={isSelected || undefined}
      data-marked={isMarked || undefined}
      data-wrap={wrap || undefined}
      onMouseDown={(event) => {
        // Shift would select text between the two lines instead.
        if (event.shiftKey) event.preventDefault();
      }}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest("a,button") || getSelection()?.type === "Range") return;
        onCurrent(line.id, event.shiftKey);
        if (!event.shiftKey) onOpened(isOpen ? "" : line.id);
      }}
    >
      <button
        type="button"
        className={styles.time}
        aria-expanded={isOpen}
        aria-label={`Details of the line at ${time}`}
        title={`${formatDateTime(ms, zone === "utc" ? "browser" : "utc", { millis: true })} (${zone === "utc" ? "browser" : "UTC"})`}
        onClick={() => {
          onCurrent(line.id, false);
          onOpened(isOpen ? "" : line.id);
        }}
      >
        {time}
      </button>
      <span className={styles.level}>{line.level === "unknown" ? "–" : line.level}</span>
      {columns.map((field) => {
        const value = fieldValue(line, resource, field);
        if (field === "service") {
          return (
            <span key={field} className={styles.service}>
              <ServiceName name={line.service} link={false} />
            </span>
          );
        }
        const shown = shortValue(value);
        return (
          <span key={field} className={styles.cell} title={shown}>
            {value === undefined || shown === "" ? <span className="quiet">–</span> : shown}
          </span>
        );
      })}
      <span className={styles.message}>
        {splitAtWords(wrap ? manyLines(line.body) : oneLine(line.body), words).map((piece, index) => (index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece))}
        {line.body === "" && <span className="quiet">{line.event_name ?? "(empty)"}</span>}
      </span>
    </div>
  );
});
