/** Find what is under the pointer. */

interface Point {
  timeMs: number;
  value: number;
}

/** Return the point nearest to (left, top) within `reachPx`; `points` are sorted by time. Null when there is none. */
export function nearestPoint<P extends Point>(
  points: readonly P[],
  left: number,
  top: number,
  toX: (timeMs: number) => number,
  toY: (value: number) => number,
  reachPx: number,
): P | null {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (toX((points[middle] as P).timeMs) < left - reachPx) low = middle + 1;
    else high = middle;
  }
  let best: P | null = null;
  let bestDistance = reachPx;
  for (let index = low; index < points.length; index += 1) {
    const point = points[index] as P;
    const x = toX(point.timeMs);
    if (x > left + reachPx) break;
    const distance = Math.hypot(x - left, toY(point.value) - top);
    if (distance <= bestDistance) {
      best = point;
      bestDistance = distance;
    }
  }
  return best;
}
