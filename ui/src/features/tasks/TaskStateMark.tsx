import { Ban, CircleAlert, CircleCheck, CircleDashed, CirclePlay, Clock, Inbox, type LucideIcon, RotateCcw, Route, Skull, UserRoundCheck } from "lucide-react";
import type { TaskState } from "../../api/schema";
import styles from "./TaskStateMark.module.css";

interface StateLook {
  word: string;
  icon: LucideIcon;
  tone: "good" | "bad" | "going" | "quiet";
}

export const STATE_LOOKS: Readonly<Record<TaskState, StateLook>> = {
  submitted: { word: "Submitted", icon: CircleDashed, tone: "going" },
  queued: { word: "Queued", icon: Inbox, tone: "going" },
  routed: { word: "Routed", icon: Route, tone: "going" },
  assigned: { word: "Assigned", icon: UserRoundCheck, tone: "going" },
  executing: { word: "Executing", icon: CirclePlay, tone: "going" },
  retried: { word: "Waits to retry", icon: RotateCcw, tone: "going" },
  completed: { word: "Completed", icon: CircleCheck, tone: "good" },
  cancelled: { word: "Cancelled", icon: Ban, tone: "quiet" },
  failed: { word: "Failed", icon: CircleAlert, tone: "bad" },
  timed_out: { word: "Timed out", icon: Clock, tone: "bad" },
  dead_lettered: { word: "Dead letter", icon: Skull, tone: "bad" },
};

/** Where a task stands: an icon and a word, in the colour of the state. */
export function TaskStateMark({ state, words = true }: { state: TaskState; words?: boolean }) {
  const { word, icon: Icon, tone } = STATE_LOOKS[state];
  return (
    <span className={styles.state} data-tone={tone}>
      <Icon size={13} {...(words ? { "aria-hidden": true } : { "aria-label": word })} />
      {words && <span className="truncate">{word}</span>}
    </span>
  );
}
