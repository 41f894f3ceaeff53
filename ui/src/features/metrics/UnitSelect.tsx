import { METRIC_UNITS } from "../../format/metricUnits";
import styles from "./UnitSelect.module.css";

const GROUPS = [...new Set(METRIC_UNITS.map(({ group }) => group))];

/** Choose what values measure. */
export function UnitSelect({ value, onChange, label = "Unit" }: { value: string; onChange: (unit: string) => void; label?: string }) {
  const isKnown = METRIC_UNITS.some(({ id }) => id === value);
  return (
    <label className={styles.field}>
      {label}
      <select value={value} aria-label={label} onChange={(event) => onChange(event.target.value)}>
        {!isKnown && <option value={value}>{value}</option>}
        {GROUPS.map((group) => (
          <optgroup key={group} label={group}>
            {METRIC_UNITS.filter((unit) => unit.group === group).map((unit) => (
              <option key={unit.id} value={unit.id}>
                {unit.label}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}
