import { Popover } from "@mantine/core";
import { Check, Columns3 } from "lucide-react";
import { useState } from "react";
import { useRangeQuery } from "../../api/queries";
import type { LogFieldsResponse } from "../../api/schema";
import { Button } from "../../components/Button";
import { QueryView, Skeleton } from "../../components/states";
import { formatNumber } from "../../format/numbers";
import styles from "./ColumnsMenu.module.css";
import { fieldsLike } from "./fieldsLike";

/** Always shown, or shown by something else. */
const NO_COLUMNS = new Set(["level", "body"]);

/** Choose which fields stand beside the message. */
export function ColumnsMenu({ columns, onToggle }: { columns: readonly string[]; onToggle: (field: string) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus width={320}>
      <Popover.Target>
        <Button kind="plain" title="Choose columns" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Columns3 size={15} aria-hidden /> Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Choices columns={columns} onToggle={onToggle} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Choices({ columns, onToggle }: { columns: readonly string[]; onToggle: (field: string) => void }) {
  const [part, setPart] = useState("");
  const fields = useRangeQuery<LogFieldsResponse>("/api/logs/fields");
  return (
    <div className={styles.menu}>
      <input
        className={styles.find}
        aria-label="Find a field"
        placeholder="Find a field"
        value={part}
        spellCheck={false}
        onChange={(event) => setPart(event.target.value)}
      />
      <QueryView query={fields} failed="The fields could not be read" skeleton={<Skeleton rows={6} />}>
        {({ data }) => {
          const known = data.fields.filter(({ name }) => !NO_COLUMNS.has(name));
          const gone = columns.filter((name) => known.every((field) => field.name !== name));
          const found = [...known.filter(({ name }) => name === part), ...fieldsLike(known, part)];
          return (
            <ul className={styles.fields} aria-label="Fields">
              {[...gone.map((name) => ({ name, count: 0 })), ...found].map(({ name, count }) => (
                <li key={name}>
                  <button type="button" role="checkbox" aria-checked={columns.includes(name)} onClick={() => onToggle(name)}>
                    <span className={styles.check}>{columns.includes(name) && <Check size={14} aria-hidden />}</span>
                    <span className="truncate" title={name}>
                      {name}
                    </span>
                    <span className="number quiet">{count === null ? "" : formatNumber(count)}</span>
                  </button>
                </li>
              ))}
              {found.length === 0 && <li className={styles.none}>No field is called so.</li>}
            </ul>
          );
        }}
      </QueryView>
    </div>
  );
}
