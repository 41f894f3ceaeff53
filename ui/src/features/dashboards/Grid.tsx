import { ChevronDown, ChevronRight, Trash2 } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import type { Panel, Place } from "../../api/schema";
import { useElementSize } from "../../charts/useElementSize";
import styles from "./Grid.module.css";
import { COLUMNS, fitPlace, movePanel, rowMembers, visiblePanels } from "./gridLayout";
import { useWords } from "./panelContext";
import { type Arranging, PanelFrame } from "./PanelFrame";

const GAP_PX = 8;
const ROW_PX = 36;
/** Below this width, panels stand one under the other. */
const NARROW_PX = 640;

interface GridProps {
  panels: readonly Panel[];
  /** Undefined where nothing can be changed now. */
  onChange?: ((panels: Panel[]) => void) | undefined;
  onEdit?: ((id: number) => void) | undefined;
  onDuplicate?: ((id: number) => void) | undefined;
  onView: (id: number) => void;
  /** A row is folded or unfolded; without being kept where the dashboard is not edited. */
  onFold: (id: number) => void;
}

interface Drag {
  id: number;
  /** What is moved before it is let go. */
  panels: Panel[];
  place: Place;
}

/** Panels on a grid of 24 columns; while the dashboard is edited, they are moved and resized by dragging or with arrow keys. */
export function Grid({ panels, onChange, onEdit, onDuplicate, onView, onFold }: GridProps) {
  const grid = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(grid);
  const [drag, setDrag] = useState<Drag | null>(null);
  const arranged = drag?.panels ?? panels;
  const shown = useMemo(() => visiblePanels(arranged), [arranged]);
  const isNarrow = width > 0 && width < NARROW_PX;
  const column = (width + GAP_PX) / COLUMNS;
  const unit = ROW_PX;
  const remove = (id: number) => onChange?.(panels.filter((panel) => panel.id !== id));

  const startDrag = (event: PointerEvent<HTMLElement>, panel: Panel, resize: boolean) => {
    if (event.button !== 0 || !onChange) return;
    event.preventDefault();
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const from = { x: event.clientX, y: event.clientY };
    const scroller = handle.closest("main");
    const scrolledFrom = scroller?.scrollTop ?? 0;
    const before = panels;
    let latest: Panel[] = [...before];
    const move = (pointer: globalThis.PointerEvent) => {
      const dx = Math.round((pointer.clientX - from.x) / column);
      const dy = Math.round((pointer.clientY - from.y + (scroller?.scrollTop ?? 0) - scrolledFrom) / unit);
      const { place } = panel;
      const next = resize
        ? fitPlace({ ...place, w: Math.min(place.w + dx, COLUMNS - place.x), h: place.h + dy })
        : fitPlace({ ...place, x: place.x + dx, y: place.y + dy }, { w: place.w, h: place.h });
      latest = movePanel(before, panel.id, next);
      setDrag({ id: panel.id, panels: latest, place: next });
    };
    const end = (pointer: globalThis.PointerEvent) => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
      setDrag(null);
      if (pointer.type === "pointerup") onChange(latest);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  };

  const nudge = (event: KeyboardEvent<HTMLElement>, panel: Panel) => {
    const steps: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step || !onChange) return;
    event.preventDefault();
    const { place } = panel;
    // A panel that is pulled up must pass the one above it.
    const by = event.shiftKey || step[1] >= 0 ? step[1] : -Math.max(1, heightAbove(panels, panel));
    const down = event.shiftKey || step[1] <= 0 ? by : Math.max(1, heightBelow(panels, panel));
    const next = event.shiftKey
      ? fitPlace({ ...place, w: Math.min(place.w + step[0], COLUMNS - place.x), h: place.h + step[1] })
      : fitPlace({ ...place, x: place.x + step[0], y: place.y + (step[1] > 0 ? down : by) }, { w: place.w, h: place.h });
    onChange(movePanel(panels, panel.id, next));
  };

  const bottom = Math.max(0, ...shown.map(({ place }) => place.y + place.h));
  return (
    <div ref={grid} className={styles.grid} style={isNarrow ? undefined : { height: bottom * unit }} data-dragging={drag !== null || undefined}>
      {width > 0 &&
        shown.map((panel) => {
          const { place } = panel;
          const style = isNarrow
            ? { position: "relative" as const, height: panel.kind === "row" ? unit : Math.max(place.h * unit, 160), marginBottom: GAP_PX }
            : {
                left: place.x * column,
                top: place.y * unit,
                width: place.w * column - GAP_PX,
                height: place.h * unit - GAP_PX,
              };
          const arranging: Arranging | undefined =
            onChange && !isNarrow
              ? {
                  onMoveStart: (event) => startDrag(event, inFull(panels, panel), false),
                  onResizeStart: (event) => startDrag(event, inFull(panels, panel), true),
                  onKeyDown: (event) => nudge(event, inFull(panels, panel)),
                }
              : undefined;
          return (
            <div key={panel.id} className={styles.cell} style={style} data-held={drag?.id === panel.id || undefined}>
              {panel.kind === "row" ? (
                <RowHead panel={panel} members={rowMembers(arranged, panel.id).length} onFold={() => onFold(panel.id)} onEdit={onEdit && (() => onEdit(panel.id))} onRemove={onChange && (() => remove(panel.id))} />
              ) : (
                <PanelFrame
                  panel={panel}
                  arranging={arranging}
                  onView={() => onView(panel.id)}
                  onEdit={onEdit && (() => onEdit(panel.id))}
                  onDuplicate={onDuplicate && (() => onDuplicate(panel.id))}
                  onRemove={onChange && (() => remove(panel.id))}
                />
              )}
            </div>
          );
        })}
    </div>
  );
}

/** A panel where it stands with all rows open: what is on view may stand higher. */
const inFull = (panels: readonly Panel[], { id }: Panel): Panel => panels.find((panel) => panel.id === id) as Panel;

const sharesColumns = (a: Place, b: Place) => a.x < b.x + b.w && b.x < a.x + a.w;

function heightAbove(panels: readonly Panel[], { id, place }: Panel): number {
  const above = panels.filter((panel) => panel.id !== id && panel.place.y + panel.place.h === place.y && sharesColumns(panel.place, place));
  return above.length === 0 ? 0 : Math.min(...above.map((panel) => panel.place.h));
}

function heightBelow(panels: readonly Panel[], { id, place }: Panel): number {
  const below = panels.filter((panel) => panel.id !== id && panel.place.y === place.y + place.h && sharesColumns(panel.place, place));
  return Math.max(0, ...below.map((panel) => panel.place.h));
}

interface RowHeadProps {
  panel: Panel;
  members: number;
  onFold: () => void;
  onEdit?: (() => void) | undefined;
  onRemove?: (() => void) | undefined;
}

function RowHead({ panel, members, onFold, onEdit, onRemove }: RowHeadProps) {
  const words = useWords();
  const title = words(panel.title) || "Row";
  return (
    <div className={styles.row}>
      <button type="button" className={styles.fold} aria-expanded={!panel.collapsed} onClick={onFold}>
        {panel.collapsed ? <ChevronRight size={16} aria-hidden /> : <ChevronDown size={16} aria-hidden />}
        <b>{title}</b>
        {panel.collapsed && (
          <span className="quiet">
            {members} {members === 1 ? "panel" : "panels"}
          </span>
        )}
      </button>
      {onEdit && (
        <button type="button" className={styles.tool} onClick={onEdit} aria-label={`Rename the row ${title}`}>
          Rename
        </button>
      )}
      {onRemove && (
        <button type="button" className={styles.tool} onClick={onRemove} aria-label={`Remove the row ${title}; its panels stay`} title="Remove the row; its panels stay">
          <Trash2 size={14} />
        </button>
      )}
    </div>
  );
}
