import { ChevronDown, ChevronUp, Search, X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "../../components/Button";
import { formatCount } from "../../format/numbers";
import styles from "./FindField.module.css";
import type { FoundSpans } from "./useFoundSpans";

interface FindFieldProps {
  text: string;
  onText: (text: string) => void;
  found: FoundSpans;
  selected: number;
  onMove: (direction: -1 | 1) => void;
}

const PAUSE_MS = 200;

/** Search within the trace: names and services as one types, attributes by conditions. */
export function FindField({ text, onText, found, selected, onMove }: FindFieldProps) {
  const [typed, setTyped] = useState(text);
  const [given, setGiven] = useState(text);
  if (given !== text) {
    // Changed from elsewhere, as by the back button.
    setGiven(text);
    setTyped(text);
  }
  useEffect(() => {
    if (typed === given) return undefined;
    const timer = setTimeout(() => {
      setGiven(typed);
      onText(typed);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, given, onText]);
  const count = found.spans?.length ?? 0;
  const at = found.spans?.indexOf(selected) ?? -1;
  return (
    <div className={styles.find}>
      <div className={styles.field}>
        <Search size={14} aria-hidden />
        <input
          data-page-search
          value={typed}
          placeholder="Find spans by name, service or attribute = value"
          aria-label="Find spans"
          aria-invalid={found.error !== null}
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              onMove(event.shiftKey ? -1 : 1);
            } else if (event.key === "Escape") {
              event.preventDefault();
              if (typed === "") event.currentTarget.blur();
              else setTyped("");
            }
          }}
        />
        {typed !== "" && (
          <button type="button" aria-label="Clear" onClick={() => setTyped("")}>
            <X size={14} />
          </button>
        )}
      </div>
      {found.error !== null ? (
        <span className={styles.error} role="alert">
          {found.error.message}
        </span>
      ) : (
        found.spans !== null && (
          <>
            <span className="number quiet" role="status">
              {count === 0 ? "No span matches" : `${at >= 0 ? `${formatCount(at + 1)} of ` : ""}${formatCount(count)} ${count === 1 ? "span" : "spans"}`}
            </span>
            <Button kind="plain" icon aria-label="Previous match" title="Previous match (N)" disabled={count === 0} onClick={() => onMove(-1)}>
              <ChevronUp size={14} />
            </Button>
            <Button kind="plain" icon aria-label="Next match" title="Next match (n)" disabled={count === 0} onClick={() => onMove(1)}>
              <ChevronDown size={14} />
            </Button>
          </>
        )
      )}
    </div>
  );
}
