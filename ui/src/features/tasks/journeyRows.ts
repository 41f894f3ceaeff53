/** The story of a task as rows on one time axis: stages, what ran in them, hand-offs, and the tasks below. */

import type { HandOff, Stage, Task, TaskJourney, WorkSpan } from "../../api/schema";

interface RowBase {
  key: string;
  depth: number;
  /** In nanoseconds after the task's start. */
  offsetNs: number;
  /** Null for a moment, and for what still lasts. */
  durationNs: number | null;
}

export type JourneyRow = RowBase &
  (
    | { kind: "stage"; stage: Stage }
    | { kind: "step"; step: WorkSpan; hasChildren: boolean }
    | { kind: "hand_off"; handOff: HandOff }
    | { kind: "child"; child: Task }
    | { kind: "more"; hidden: number; within: string }
  );

/** Steps that are shown within a stage before somebody asks for the rest. */
export const STEPS_AT_FIRST = 24;

/** Lay the story out from top to bottom; `unfolded` names the stages whose steps are all wanted. */
export function layOutJourney(journey: TaskJourney, unfolded: ReadonlySet<string> = new Set()): JourneyRow[] {
  const { task, timeline, steps, hand_offs: handOffs, children } = journey;
  const offsetOf = (ns: string) => Number(BigInt(ns) - BigInt(task.start_ns));
  const placed: { at: number; order: number; rows: JourneyRow[] }[] = [];
  const left = new Set(steps.filter(({ kind }) => kind !== "task" && kind !== "").map(({ span_id: id }) => id));
  const depths = depthsOf(steps);
  timeline.forEach((stage, index) => {
    const key = `stage ${index}`;
    const rows: JourneyRow[] = [{ kind: "stage", key, depth: 0, offsetNs: stage.offset_ns, durationNs: stage.duration_ns, stage }];
    if (stage.kind === "work") {
      const end = stage.duration_ns === null ? Infinity : stage.offset_ns + stage.duration_ns;
      const own = steps.filter((step) => {
        const at = offsetOf(step.start_ns);
        // Clocks of senders differ a little; the attempt decides where it is told.
        return left.has(step.span_id) && (step.attempt === stage.attempt || stage.attempt === 0) && (at < end || index === timeline.length - 1);
      });
      own.forEach(({ span_id: id }) => left.delete(id));
      rows.push(...stepRows(own, key, depths, offsetOf, unfolded));
    }
    placed.push({ at: stage.offset_ns, order: 0, rows });
  });
  const others = steps.filter(({ span_id: id }) => left.has(id));
  if (others.length > 0) placed.push({ at: offsetOf(others[0]?.start_ns ?? task.start_ns), order: 1, rows: stepRows(others, "others", depths, offsetOf, unfolded) });
  handOffs.forEach((handOff, index) => {
    const at = offsetOf(handOff.time_ns);
    placed.push({ at, order: 2, rows: [{ kind: "hand_off", key: `hand-off ${index}`, depth: 0, offsetNs: at, durationNs: null, handOff }] });
  });
  children.forEach((child) => {
    const at = offsetOf(child.start_ns);
    placed.push({ at, order: 3, rows: [{ kind: "child", key: `child ${child.task_id}`, depth: 0, offsetNs: at, durationNs: child.duration_ns, child }] });
  });
  return placed.sort((a, b) => a.at - b.at || a.order - b.order).flatMap(({ rows }) => rows);
}

function stepRows(
  steps: readonly WorkSpan[],
  within: string,
  depths: ReadonlyMap<string, number>,
  offsetOf: (ns: string) => number,
  unfolded: ReadonlySet<string>,
): JourneyRow[] {
  const parents = new Set(steps.map(({ parent_span_id: id }) => id));
  const ordered = inTreeOrder(steps);
  const shown = unfolded.has(within) || ordered.length <= STEPS_AT_FIRST ? ordered : ordered.slice(0, STEPS_AT_FIRST);
  const least = Math.min(...shown.map(({ span_id: id }) => depths.get(id) ?? 0));
  const rows: JourneyRow[] = shown.map((step) => ({
    kind: "step",
    key: `step ${step.trace_id} ${step.span_id}`,
    depth: (depths.get(step.span_id) ?? 0) - least + 1,
    offsetNs: offsetOf(step.start_ns),
    durationNs: step.duration_ns,
    step,
    hasChildren: parents.has(step.span_id),
  }));
  if (shown.length < ordered.length) {
    rows.push({ kind: "more", key: `more ${within}`, depth: 1, offsetNs: 0, durationNs: null, hidden: ordered.length - shown.length, within });
  }
  return rows;
}

/** Order steps by start, each after its parent and before what comes after that. */
function inTreeOrder(steps: readonly WorkSpan[]): WorkSpan[] {
  const ids = new Set(steps.map(({ span_id: id }) => id));
  const below = new Map<string, WorkSpan[]>();
  for (const step of [...steps].sort((a, b) => (BigInt(a.start_ns) < BigInt(b.start_ns) ? -1 : 1))) {
    const parent = ids.has(step.parent_span_id) && step.parent_span_id !== step.span_id ? step.parent_span_id : "";
    const list = below.get(parent);
    if (list) list.push(step);
    else below.set(parent, [step]);
  }
  const ordered: WorkSpan[] = [];
  const stack = [...(below.get("") ?? [])].reverse();
  const seen = new Set<string>();
  while (stack.length > 0) {
    const step = stack.pop();
    if (!step || seen.has(step.span_id)) continue;
    seen.add(step.span_id);
    ordered.push(step);
    stack.push(...[...(below.get(step.span_id) ?? [])].reverse());
  }
  return ordered.concat(steps.filter(({ span_id: id }) => !seen.has(id)));
}

function depthsOf(steps: readonly WorkSpan[]): Map<string, number> {
  const byId = new Map(steps.map((step) => [step.span_id, step]));
  const depths = new Map<string, number>();
  for (const step of steps) {
    let depth = 0;
    let at = byId.get(step.parent_span_id);
    while (at && depth < steps.length) {
      depth += 1;
      at = byId.get(at.parent_span_id);
    }
    depths.set(step.span_id, depth);
  }
  return depths;
}
