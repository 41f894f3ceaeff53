/** Fields of forms: a name above, the value below, kept when the field is left or Enter is pressed. */

import { type ReactNode, useId, useState } from "react";
import styles from "./fields.module.css";

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  /** What is wrong with it, and what to write. */
  wrong?: string | null;
}

/** A line of text. */
export function Field({ label, value, onChange, placeholder, wrong = null }: FieldProps) {
  const [draft, setDraft] = useState(value);
  const [given, setGiven] = useState(value);
  const id = useId();
  if (given !== value) {
    setGiven(value);
    setDraft(value);
  }
  const keep = () => {
    if (draft !== value) onChange(draft);
  };
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        value={draft}
        placeholder={placeholder}
        aria-invalid={wrong !== null || undefined}
        aria-describedby={wrong === null ? undefined : `${id}-wrong`}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === "Enter") keep();
        }}
      />
      {wrong !== null && (
        <span id={`${id}-wrong`} className={styles.wrong}>
          {wrong}
        </span>
      )}
    </div>
  );
}

/** Several lines of text. */
export function TextArea({ label, value, onChange, rows }: Omit<FieldProps, "placeholder" | "wrong"> & { rows: number }) {
  const [draft, setDraft] = useState(value);
  const [given, setGiven] = useState(value);
  const id = useId();
  if (given !== value) {
    setGiven(value);
    setDraft(value);
  }
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={() => {
          if (draft !== value) onChange(draft);
        }}
      />
    </div>
  );
}

/** A number, or nothing. */
export function NumberField({ label, value, onChange, placeholder }: { label: string; value: number | null | undefined; onChange: (value: number | null) => void; placeholder?: string }) {
  const [typed, setTyped] = useState("");
  const written = value === null || value === undefined ? "" : String(value);
  const isWrong = typed !== "" && !Number.isFinite(Number(typed));
  return (
    <Field
      label={label}
      value={isWrong ? typed : written}
      {...(placeholder === undefined ? {} : { placeholder })}
      wrong={isWrong ? "Write a number, or nothing." : null}
      onChange={(text) => {
        const wanted = text.trim();
        setTyped(wanted);
        if (wanted === "") onChange(null);
        else if (Number.isFinite(Number(wanted))) onChange(Number(wanted));
      }}
    />
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of several. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Yes or no. */
export function CheckField({ label, checked, onChange }: { label: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label className={styles.check}>
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

/** Fields beside each other. */
export function Beside({ children }: { children: ReactNode }) {
  return <div className={styles.beside}>{children}</div>;
}
