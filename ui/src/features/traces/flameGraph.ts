/** A flame graph: spans of the same service and name under the same ancestors become one frame, as wide as the time spent in it and below. */

import type { Waterfall } from "../../api/schema";

export interface Frame {
  service: number;
  name: number;
  parent: number;
  depth: number;
  spans: number;
  errors: number;
  /** Sum of the spans' durations; more than `valueNs` where they waited on each other. */
  totalNs: number;
  /** Time in which no child ran. */
  selfNs: number;
  /** Own time of the frame and all below: its width. */
  valueNs: number;
  /** Left edge, on the scale of `valueNs`. */
  offsetNs: number;
  /** A span that stands for the frame: its longest. */
  span: number;
}

export interface FlameGraph {
  /** Parents before children. */
  frames: Frame[];
  totalNs: number;
  depth: number;
}

/** Merge the spans of a trace into frames; siblings stand in the order of their first start. */
export function layOutFlameGraph({ spans, names }: Pick<Waterfall, "spans" | "names">): FlameGraph {
  const count = spans.span_id.length;
  const frames: Frame[] = [];
  const frameOf = new Int32Array(count);
  const known = new Map<string, number>();
  const longest: number[] = [];
  for (let span = 0; span < count; span += 1) {
    const above = spans.parent[span] ?? -1;
    const parent = above < 0 ? -1 : (frameOf[above] ?? -1);
    const service = spans.service[span] ?? 0;
    const name = spans.name[span] ?? 0;
    const key = `${parent}.${service * names.length + name}`;
    let at = known.get(key);
    if (at === undefined) {
      at = frames.length;
      known.set(key, at);
      const depth = parent < 0 ? 0 : (frames[parent]?.depth ?? 0) + 1;
      frames.push({ service, name, parent, depth, spans: 0, errors: 0, totalNs: 0, selfNs: 0, valueNs: 0, offsetNs: 0, span });
      longest.push(-1);
    }
    frameOf[span] = at;
    const frame = frames[at] as Frame;
    const duration = spans.duration_ns[span] ?? 0;
    frame.spans += 1;
    frame.errors += spans.status[span] === 2 ? 1 : 0;
    frame.totalNs += duration;
    frame.selfNs += spans.self_ns[span] ?? 0;
    if (duration > (longest[at] ?? -1)) {
      longest[at] = duration;
      frame.span = span;
    }
  }
  for (let index = frames.length - 1; index >= 0; index -= 1) {
    const frame = frames[index] as Frame;
    frame.valueNs += frame.selfNs;
    const parent = frames[frame.parent];
    if (parent) parent.valueNs += frame.valueNs;
  }
  // Where the next child begins, per frame; the last entry is for the roots.
  const next = new Float64Array(frames.length + 1);
  let depth = 0;
  frames.forEach((frame, index) => {
    const slot = frame.parent < 0 ? frames.length : frame.parent;
    frame.offsetNs = next[slot] ?? 0;
    next[slot] = frame.offsetNs + frame.valueNs;
    next[index] = frame.offsetNs;
    depth = Math.max(depth, frame.depth + 1);
  });
  return { frames, totalNs: next[frames.length] ?? 0, depth };
}

/** Return the frame at a depth and a place on the scale of `valueNs`; -1 where there is none. */
export function frameAt({ frames }: FlameGraph, depth: number, atNs: number): number {
  return frames.findIndex((frame) => frame.depth === depth && atNs >= frame.offsetNs && atNs < frame.offsetNs + frame.valueNs);
}

/** Return a frame and its ancestors, the root first. */
export function framePath({ frames }: FlameGraph, index: number): number[] {
  const path: number[] = [];
  for (let at = index; at >= 0; at = frames[at]?.parent ?? -1) path.unshift(at);
  return path;
}
