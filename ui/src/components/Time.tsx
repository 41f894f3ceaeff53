import { useNow } from "../app/clock";
import { usePreference } from "../app/preferences";
import { formatAge, formatClock, formatDateTime } from "../format/times";

/** A moment; on hover the whole of it, in the browser's time and in UTC. `style` says what is shown. */
export function Time({ ms, style = "clock", millis = false }: { ms: number; style?: "clock" | "date" | "age"; millis?: boolean }) {
  const zone = usePreference("zone");
  const now = useNow();
  const shown =
    style === "age" ? formatAge(ms, now) : style === "date" ? formatDateTime(ms, zone, { millis }) : formatClock(ms, zone, { millis });
  return (
    <time className="number" title={momentTitle(ms, now)}>
      {shown}
    </time>
  );
}

/** Write a moment in both zones, and how long ago it is. */
export function momentTitle(ms: number, nowMs: number): string {
  const local = formatDateTime(ms, "browser", { millis: true });
  return `${local} (browser)\n${formatDateTime(ms, "utc", { millis: true })} (UTC)\n${formatAge(ms, nowMs)}`;
}
