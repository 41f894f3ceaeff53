import { lazy, Suspense } from "react";
import styles from "./PromInput.module.css";

export interface PromInputProps {
  value: string;
  label: string;
  /** Each change of the text. */
  onChange: (text: string) => void;
  /** Enter. */
  onRun?: (text: string) => void;
  /** The editor has lost the focus. */
  onLeave?: (text: string) => void;
  placeholder?: string;
  /** What the server said of an expression, shown where it says it is wrong. */
  error?: { message: string; expression: string } | null;
  /** Holds variables, `$job`, of which the language knows nothing. */
  templated?: boolean;
  autoFocus?: boolean;
}

const PromEditor = lazy(() => import("./PromEditor"));

/** A field for PromQL: completes names and labels, explains words on hover, marks mistakes where they are. */
export function PromInput(props: PromInputProps) {
  return (
    <div className={styles.input} data-wrong={props.error ? true : undefined}>
      <Suspense fallback={<pre className={styles.waiting}>{props.value || " "}</pre>}>
        <PromEditor {...props} />
      </Suspense>
    </div>
  );
}
