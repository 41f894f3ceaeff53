import { CircleAlert, Search, X } from "lucide-react";
import { useId, useLayoutEffect, useRef, useState } from "react";
import { ApiError } from "../api/client";
import styles from "./QueryLine.module.css";
import { fieldText, type Typing, typingAt, valueText } from "./queryText";

/** What could stand where somebody types. */
export interface Suggestion {
  text: string;
  detail: string;
}

/** A query while it is edited: what stands in the line, what is being typed at the cursor, and whether suggestions are wanted. */
export interface QueryDraft {
  text: string;
  typing: Typing;
  open: boolean;
  setText: (text: string) => void;
  setGiven: (text: string) => void;
  setCursor: (cursor: number) => void;
  setOpen: (open: boolean) => void;
}

/** Hold the draft of `query`; a query that changes elsewhere, by a facet or by the back button, replaces it. */
export function useQueryDraft(query: string): QueryDraft {
  const [text, setText] = useState(query);
  const [given, setGiven] = useState(query);
  const [cursor, setCursor] = useState(query.length);
  const [open, setOpen] = useState(false);
  if (given !== query) {
    setGiven(query);
    setText(query);
  }
  return { text, typing: typingAt(text, cursor), open, setText, setGiven, setCursor, setOpen };
}

interface QueryLineProps {
  draft: QueryDraft;
  query: string;
  onQuery: (query: string) => void;
  /** What the server said of the query, if it could not read it. */
  error: Error | null;
  /** For `draft.typing`, best first. */
  suggestions: readonly Suggestion[];
  label: string;
  placeholder: string;
}

/** The line in which a search is written. Completes what is typed; marks the character that is wrong. */
export function QueryLine({ draft, query, onQuery, error, suggestions, label, placeholder }: QueryLineProps) {
  const { text, typing, open, setText, setGiven, setCursor, setOpen } = draft;
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const cursorDue = useRef<number | null>(null);
  const list = useId();
  // Before the next key can arrive: whoever types on must not be overtaken by the cursor of what was completed.
  useLayoutEffect(() => {
    if (cursorDue.current !== null) input.current?.setSelectionRange(cursorDue.current, cursorDue.current);
    cursorDue.current = null;
  }, [text]);
  const shown = open ? suggestions : [];
  const submit = () => {
    setOpen(false);
    setChosen(-1);
    setGiven(text.trim());
    setText(text.trim());
    onQuery(text.trim());
  };
  const take = (suggestion: Suggestion) => {
    const next = completed(text, typing, suggestion);
    setText(next.text);
    setCursor(next.cursor);
    setChosen(-1);
    cursorDue.current = next.cursor;
  };
  const follow = () => setCursor(input.current?.selectionStart ?? text.length);
  const position = error instanceof ApiError && text === query ? error.position : null;
  return (
    <div className={styles.line}>
      <div className={styles.box} data-invalid={error !== null || undefined}>
        <Search size={14} aria-hidden />
        <div className={styles.field}>
          {position !== null && (
            <div className={styles.mark} aria-hidden>
              <span>{text.slice(0, position)}</span>
              <u>{/^\S+/.exec(text.slice(position))?.[0] ?? " "}</u>
            </div>
          )}
          <input
            ref={input}
            data-page-search
            role="combobox"
            aria-label={label}
            aria-expanded={shown.length > 0}
            aria-controls={list}
            aria-autocomplete="list"
            aria-activedescendant={chosen >= 0 ? `${list}-${chosen}` : undefined}
            aria-invalid={error !== null}
            placeholder={placeholder}
            value={text}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => {
              setText(event.target.value);
              setCursor(event.target.selectionStart ?? event.target.value.length);
              setOpen(true);
              setChosen(-1);
            }}
            onFocus={() => {
              follow();
              setOpen(true);
            }}
            onClick={() => {
              follow();
              setOpen(true);
            }}
            onBlur={() => setOpen(false)}
            onKeyUp={follow}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                event.preventDefault();
                if (!open) setOpen(true);
                const step = event.key === "ArrowDown" ? 1 : -1;
                setChosen(shown.length === 0 ? -1 : ((chosen < 0 && step < 0 ? 0 : chosen) + step + shown.length) % shown.length);
              } else if (event.key === "Enter") {
                event.preventDefault();
                const suggestion = shown[chosen];
                if (suggestion) take(suggestion);
                else submit();
              } else if (event.key === "Tab" && shown.length > 0 && !event.shiftKey && (chosen >= 0 || typing.prefix !== "")) {
                event.preventDefault();
                take(shown[Math.max(chosen, 0)] as Suggestion);
              } else if (event.key === "Escape") {
                event.preventDefault();
                if (shown.length > 0) setOpen(false);
                else input.current?.blur();
              }
            }}
          />
        </div>
        {text !== "" && (
          <button
            type="button"
            aria-label="Clear the query"
            title="Clear"
            onClick={() => {
              setText("");
              setGiven("");
              onQuery("");
            }}
          >
            <X size={14} />
          </button>
        )}
      </div>
      <ul id={list} role="listbox" aria-label="Suggestions" className={styles.suggestions} hidden={shown.length === 0}>
        {shown.map((suggestion, index) => (
          // The keyboard is the input's: options are never focused.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={suggestion.text}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={styles.suggestion}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(suggestion)}
          >
            <span className="truncate">{suggestion.text}</span>
            <span className="quiet number">{suggestion.detail}</span>
          </li>
        ))}
      </ul>
      {error !== null && (
        <p className={styles.error} role="alert">
          <CircleAlert size={13} aria-hidden /> {error.message}
        </p>
      )}
    </div>
  );
}

/** Put a suggestion where it belongs, with what must follow, and the cursor after it. */
function completed(text: string, typing: Typing, { text: suggestion }: Suggestion): { text: string; cursor: number } {
  const before = text.slice(0, typing.start);
  const after = text.slice(typing.end).replace(/^"/, typing.kind === "value" ? "" : '"');
  const word = typing.kind === "field" ? fieldText(suggestion) : typing.kind === "value" ? valueText(suggestion) : suggestion;
  const gap = typing.kind === "value" && /[=<>~:]$/.test(before) ? " " : "";
  const put = `${before}${gap}${word} `;
  return { text: `${put}${after.trimStart()}`, cursor: put.length };
}
