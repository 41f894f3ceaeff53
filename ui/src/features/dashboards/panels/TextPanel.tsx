import { lazy, Suspense } from "react";
import { type PanelProps, useWords } from "../panelContext";
import styles from "./panels.module.css";

const Markdown = lazy(() => import("./Markdown"));

/** Words, in Markdown. */
export function TextPanel({ panel }: PanelProps) {
  const words = useWords();
  return (
    <div className={styles.text}>
      <Suspense fallback={null}>
        <Markdown text={words(panel.text)} />
      </Suspense>
    </div>
  );
}
