import type { ReactNode } from "react";
import styles from "./Section.module.css";

interface SectionProps {
  title: ReactNode;
  aside?: ReactNode;
  fill?: boolean;
  children: ReactNode;
}

/**
 * A part of a page under a heading; `aside` stands at the right end of the heading's line; `fill` lets it take the height
 * that there is, for content that scrolls itself.
 */
export function Section({ title, aside, fill = false, children }: SectionProps) {
  return (
    <section className={`${styles.section ?? ""} ${fill ? (styles.fill ?? "") : ""}`}>
      <header className={styles.header}>
        <h2>{title}</h2>
        {aside !== undefined && <div className={styles.aside}>{aside}</div>}
      </header>
      {children}
    </section>
  );
}
