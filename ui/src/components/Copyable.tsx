import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { shortId } from "../format/ids";
import styles from "./Copyable.module.css";

/** Put a text on the clipboard, also on plain HTTP, where browsers have no clipboard API. */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  document.body.append(field);
  field.select();
  // Deprecated, and the only way on an insecure origin.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  document.execCommand("copy");
  field.remove();
}

/** A button that copies `text`, and says so. */
export function CopyButton({ text, label = "Copy", words = true }: { text: string; label?: string; words?: boolean }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  return (
    <button
      type="button"
      className={styles.button}
      aria-label={label}
      title={label}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(text).then(() => setCopied(true));
      }}
    >
      {copied ? <Check size={12} /> : <Copy size={12} />}
      {words && <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>}
    </button>
  );
}

/** Text to be copied into a terminal or a file. */
export function Snippet({ text }: { text: string }) {
  return (
    <div className={styles.snippet}>
      {/* Scrolls sideways, so the keyboard must reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}

/** An id, shortened in the middle, whole on copy. */
export function Id({ id, length }: { id: string; length?: number }) {
  return (
    <span className={styles.id}>
      <span className="mono" title={id}>
        {shortId(id, length)}
      </span>
      <CopyButton text={id} label="Copy the whole id" words={false} />
    </span>
  );
}
