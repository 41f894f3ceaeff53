/** How a task's time divides into waiting and work. */

export interface TimePart {
  name: string;
  kind: "wait" | "work";
  ns: number;
  /** Of the task's whole time. */
  share: number;
}

interface Timed {
  duration_ns: number | null;
  queue_wait_ns: number | null;
  busy_ns: number;
}

/** Split a task that ended into the wait before its first attempt, its work, and the waits between attempts; null while it runs. */
export function splitTime({ duration_ns: whole, queue_wait_ns: queued, busy_ns: busy }: Timed): TimePart[] | null {
  if (whole === null || whole <= 0) return null;
  const before = Math.min(queued ?? 0, whole);
  // Attempts of different senders may overlap: together they never are more than the task.
  const work = Math.min(busy, whole - before);
  const between = whole - before - work;
  const parts: TimePart[] = [
    { name: "Waited to begin", kind: "wait", ns: before, share: before / whole },
    { name: "Worked", kind: "work", ns: work, share: work / whole },
    { name: "Waited between and after attempts", kind: "wait", ns: between, share: between / whole },
  ];
  return parts.filter(({ ns }) => ns > 0);
}
