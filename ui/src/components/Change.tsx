import { formatChange } from "../format/numbers";
import styles from "./Change.module.css";

interface ChangeProps {
  now: number | null | undefined;
  /** In the time before; missing where nothing is known of it, and nothing is said then. */
  before: number | null | undefined;
  /** What of a change is bad news; a drop or rise by a tenth or more is marked then. */
  bad?: "rise" | "fall" | undefined;
}

const NOTABLE = 0.1;

/** How much a figure changed; bad news has an arrow and a colour. */
export function Change({ now, before, bad }: ChangeProps) {
  if (now === null || now === undefined || before === null || before === undefined) return <span className={styles.change} />;
  // What is new has no base to have risen from.
  const rose = before > 0 && now > before * (1 + NOTABLE);
  const fell = now < before * (1 - NOTABLE);
  const isBad = (bad === "rise" && rose) || (bad === "fall" && fell);
  return (
    <span className={styles.change} data-bad={isBad || undefined}>
      {isBad && (rose ? "▲ " : "▼ ")}
      {before === 0 ? (now === 0 ? "±0 %" : "new") : formatChange(now, before)}
    </span>
  );
}
