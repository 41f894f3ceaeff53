import { RotateCcw, Search, X } from "lucide-react";
import { useRef } from "react";
import { useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../components/Button";
import { parseDuration } from "../../format/durations";
import styles from "./FilterLine.module.css";
import { LISTED, type Listed, SINGLE, type Single, type TaskFilters, toggled } from "./taskFilters";
import { STATE_LOOKS } from "./TaskStateMark";

const NAMES: Record<Listed | Single, string> = {
  state: "State",
  type: "Type",
  agent: "Agent",
  tenant: "Tenant",
  queue: "Queue",
  priority: "Priority",
  error: "Error",
  session: "Session",
  chain: "Chain",
  parent: "Under",
};

/** Words to search for, how long tasks took, and the filters that hold. */
export function FilterLine({ filters }: { filters: TaskFilters }) {
  const setSearch = useSetSearch();
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([
    { keys: "/", does: "Search tasks", group: "Tasks", run: () => field.current?.focus() },
    { keys: "Escape", does: "Leave the field", group: "Tasks", inFields: true, run: () => (document.activeElement as HTMLElement | null)?.blur() },
  ]);
  return (
    <div className={styles.line} role="search" aria-label="Filters">
      <form
        className={styles.words}
        onSubmit={(event) => {
          event.preventDefault();
          setSearch({ q: field.current?.value.trim() });
        }}
      >
        <Search size={14} aria-hidden />
        <input
          key={filters.text}
          ref={field}
          defaultValue={filters.text}
          placeholder="Words in id, type, agent, tenant or error"
          aria-label="Search tasks"
          spellCheck={false}
          onBlur={(event) => {
            if (event.target.value.trim() !== filters.text) setSearch({ q: event.target.value.trim() });
          }}
        />
        {filters.text !== "" && (
          <button type="button" aria-label="Clear the words" title="Clear" onClick={() => setSearch({ q: undefined })}>
            <X size={14} />
          </button>
        )}
      </form>
      <Limit label="Took at least" value={filters.min} onChange={(min) => setSearch({ min })} />
      <Limit label="at most" value={filters.max} onChange={(max) => setSearch({ max })} />
      <Button aria-pressed={filters.retried} onClick={() => setSearch({ retried: filters.retried ? undefined : "yes" })}>
        <RotateCcw size={13} aria-hidden /> Tried again
      </Button>
      <div className={styles.chips}>
        {LISTED.flatMap((name) =>
          filters.lists[name].map((value) => (
            <Chip key={`${name} ${value}`} name={NAMES[name]} value={name === "state" ? stateWord(value) : value} onDrop={() => setSearch(toggled(filters, name, value))} />
          )),
        )}
        {SINGLE.filter((name) => filters.single[name] !== "").map((name) => (
          <Chip key={name} name={NAMES[name]} value={filters.single[name]} onDrop={() => setSearch({ [name]: undefined })} />
        ))}
      </div>
    </div>
  );
}

const stateWord = (state: string) => (STATE_LOOKS as Record<string, { word: string } | undefined>)[state]?.word ?? state;

function Limit({ label, value, onChange }: { label: string; value: string; onChange: (text: string | undefined) => void }) {
  const commit = (input: HTMLInputElement) => {
    const text = input.value.trim().replace(/\s+/g, "");
    const isReadable = text === "" || parseDuration(text) !== null;
    input.setCustomValidity(isReadable ? "" : "Not a duration: write 250ms, 2s or 1m30s.");
    input.reportValidity();
    if (isReadable && text !== value) onChange(text || undefined);
  };
  return (
    <label className={styles.limit}>
      <span className="quiet">{label}</span>
      <input
        key={value}
        defaultValue={value}
        placeholder="2s"
        spellCheck={false}
        onBlur={(event) => commit(event.target)}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit(event.currentTarget);
        }}
      />
    </label>
  );
}

function Chip({ name, value, onDrop }: { name: string; value: string; onDrop: () => void }) {
  return (
    <span className={styles.chip} title={`${name}: ${value}`}>
      <span className="quiet">{name}</span>
      <span className="truncate">{value}</span>
      <button type="button" aria-label={`Drop the filter ${name}: ${value}`} onClick={onDrop}>
        <X size={12} />
      </button>
    </span>
  );
}
