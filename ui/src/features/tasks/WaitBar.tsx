import type { Task } from "../../api/schema";
import { formatDuration } from "../../format/durations";
import { formatShare } from "../../format/numbers";
import { splitTime } from "./splitTime";
import styles from "./WaitBar.module.css";

/** How much of a task's time was waiting (hatched) and how much was work. */
export function WaitBar({ task }: { task: Task }) {
  const parts = splitTime(task);
  if (parts === null) return null;
  const words = parts.map(({ name, ns, share }) => `${name}: ${formatDuration(ns)}, ${formatShare(share)}`).join("\n");
  return (
    <div className={styles.bar} role="img" aria-label={words} title={words}>
      {parts.map(({ name, kind, share }) => (
        <span key={name} data-kind={kind} style={{ flexGrow: share }} />
      ))}
    </div>
  );
}
