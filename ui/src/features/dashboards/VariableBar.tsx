import { Popover } from "@mantine/core";
import { Check, ChevronDown, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { matchScore } from "../../app/match";
import { Button } from "../../components/Button";
import { formatCount } from "../../format/numbers";
import { ALL } from "./interpolation";
import type { VariableState } from "./useVariables";
import styles from "./VariableBar.module.css";

/** The variables of a dashboard, each with what is chosen. */
export function VariableBar({ states }: { states: readonly VariableState[] }) {
  const shown = states.filter(({ variable }) => !variable.hidden && variable.kind !== "constant");
  if (shown.length === 0) return null;
  return (
    <div className={styles.bar} role="group" aria-label="Variables">
      {shown.map((state) => (
        <div key={state.variable.name} className={styles.variable}>
          <span className={styles.name}>{state.variable.label || state.variable.name}</span>
          {state.variable.kind === "text" ? <TextField state={state} /> : <Chooser state={state} />}
          {state.error && (
            <span className={styles.error} title={state.error.message} role="alert">
              <TriangleAlert size={14} aria-label={state.error.message} />
            </span>
          )}
        </div>
      ))}
    </div>
  );
}

function TextField({ state: { variable, values, set } }: { state: VariableState }) {
  const value = values[0] ?? "";
  return (
    <input
      key={value}
      className={styles.field}
      defaultValue={value}
      aria-label={variable.label || variable.name}
      onBlur={(event) => {
        if (event.currentTarget.value !== value) set([event.currentTarget.value]);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") set([event.currentTarget.value]);
      }}
    />
  );
}

const MOST_SHOWN = 300;

function Chooser({ state: { variable, choices, values, set } }: { state: VariableState }) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const all = variable.include_all ? [{ value: ALL, label: "All" }] : [];
  const found = [...all, ...choices].filter(({ label }) => matchScore(typed, label) > 0);
  // What is typed may be meant although it is not offered.
  if (typed !== "" && !found.some(({ label }) => label === typed)) found.push({ value: typed, label: typed });
  const labelOf = (value: string) => (value === ALL ? "All" : (choices.find((choice) => choice.value === value)?.label ?? value));
  const words = values.length === 0 ? "–" : values.length <= 2 ? values.map(labelOf).join(", ") : `${formatCount(values.length)} chosen`;
  const close = () => {
    setOpen(false);
    setTyped("");
    setAt(0);
  };
  const choose = (value: string) => {
    if (!variable.multi) {
      set([value]);
      close();
      return;
    }
    if (value === ALL) set([ALL]);
    else {
      const before = values.filter((one) => one !== ALL);
      const next = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
      set(next.length === 0 && variable.include_all ? [ALL] : next);
    }
  };
  const name = variable.label || variable.name;
  return (
    <Popover opened={open} onChange={(opened) => (opened ? setOpen(true) : close())} position="bottom-start" width={280} trapFocus returnFocus>
      <Popover.Target>
        <Button aria-label={`${name}: ${words}`} aria-expanded={open} onClick={() => (open ? close() : setOpen(true))}>
          <span className={`${styles.words ?? ""} truncate`} title={values.map(labelOf).join(", ")}>
            {words}
          </span>
          <ChevronDown size={14} aria-hidden />
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={styles.chooser}>
          <input
            className={styles.search}
            value={typed}
            data-autofocus
            placeholder={`Search ${formatCount(choices.length)} ${choices.length === 1 ? "value" : "values"}`}
            aria-label={`Search values of ${name}`}
            onChange={(event) => {
              setTyped(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
              if (move !== 0) {
                event.preventDefault();
                setAt((at + move + found.length) % Math.max(found.length, 1));
              } else if (event.key === "Enter") {
                event.preventDefault();
                const one = found[at];
                if (one) choose(one.value);
              }
            }}
          />
          <ul role="listbox" aria-label={name} aria-multiselectable={variable.multi}>
            {found.slice(0, MOST_SHOWN).map(({ value, label }, index) => {
              const isChosen = values.includes(value);
              return (
                <li key={value} role="option" aria-selected={isChosen} data-at={index === at || undefined}>
                  <button type="button" tabIndex={-1} onClick={() => choose(value)} onPointerMove={() => setAt(index)}>
                    {isChosen ? <Check size={14} aria-hidden /> : <span className={styles.blank} />}
                    <span className="truncate" title={label}>
                      {label}
                    </span>
                  </button>
                </li>
              );
            })}
            {found.length > MOST_SHOWN && <li className={styles.more}>and {formatCount(found.length - MOST_SHOWN)} more: type to find them</li>}
            {found.length === 0 && <li className={styles.more}>No value in this time range</li>}
          </ul>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
