import { useRef, useState, type PointerEvent } from "react";

interface DragRange {
  /** Edges in px from the left edge of the element, while a drag is under way. */
  left: number;
  right: number;
}

const MIN_DRAG_PX = 4;

/**
 * Select a stretch of an element by dragging over it. `inset` px at the left do not take part. A click stays a click;
 * `wasDrag()` tells a click handler whether one has just been the end of a drag.
 */
export function useDragRange(onRange: (left: number, right: number) => void, inset = 0) {
  const [drag, setDrag] = useState<DragRange | null>(null);
  const from = useRef<{ x: number; edge: number } | null>(null);
  const dragged = useRef(false);
  const handlers = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      dragged.current = false;
      const edge = event.currentTarget.getBoundingClientRect().left + inset;
      if (event.button !== 0 || event.clientX < edge || (event.target as HTMLElement).closest("button,a")) return;
      from.current = { x: event.clientX - edge, edge };
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (!from.current) return;
      const x = Math.max(event.clientX - from.current.edge, 0);
      if (!dragged.current && Math.abs(x - from.current.x) < MIN_DRAG_PX) return;
      if (!dragged.current) event.currentTarget.setPointerCapture(event.pointerId);
      dragged.current = true;
      setDrag({ left: Math.min(x, from.current.x), right: Math.max(x, from.current.x) });
    },
    onPointerUp: () => {
      from.current = null;
      if (drag) onRange(drag.left, drag.right);
      setDrag(null);
    },
    onPointerCancel: () => {
      from.current = null;
      setDrag(null);
    },
  };
  return { drag, handlers, wasDrag: () => dragged.current };
}
