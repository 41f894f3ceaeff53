import type { ReactNode } from "react";
import styles from "./SettingsPage.module.css";

interface Fact {
  name: string;
  value: ReactNode;
  note?: ReactNode;
}

/** Names and values in two columns, with a word on each. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">{value}</dd>
          <dd className="quiet">{note}</dd>
        </div>
      ))}
    </dl>
  );
}
