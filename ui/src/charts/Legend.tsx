import { useMemo, useState } from "react";
import { nextSort, type Sort, sortRows } from "../components/sort";
import type { Unit } from "../format/numbers";
import { formatValue } from "../format/values";
import styles from "./charts.module.css";
import { seriesColor } from "./palette";
import type { Series } from "./TimeSeriesChart";
import { summarize, type Summary } from "./summary";

interface LegendProps {
  series: readonly Series[];
  unit: Unit;
  /** Names that are shown; empty means all. */
  shown: ReadonlySet<string>;
  onClick: (name: string, shift: boolean) => void;
}

const FIGURES: readonly (keyof Summary)[] = ["last", "mean", "max"];

/** The legend: a small table that sorts; a click isolates a series, shift-click adds one. */
export function Legend({ series, unit, shown, onClick }: LegendProps) {
  const [sort, setSort] = useState<Sort>({ key: "max", descending: true });
  const rows = useMemo(() => {
    const summed = series.map((one) => ({ ...one, ...summarize(one.values) }));
    return sortRows(summed, (row) => (sort.key === "name" ? row.name : row[sort.key as keyof Summary]), sort.descending);
  }, [series, sort]);
  const heading = (key: string, title: string, numeric: boolean) => (
    <th
      key={key}
      scope="col"
      className={numeric ? styles.figure : undefined}
      aria-sort={sort.key === key ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" onClick={() => setSort(nextSort(sort, key, numeric))}>
        {sort.key === key ? (sort.descending ? "↓ " : "↑ ") : ""}
        {title}
      </button>
    </th>
  );
  return (
    <div className={styles.legendScroll}>
      <table className={styles.legend} aria-label="Legend">
        <thead>
          <tr>
            {heading("name", "Series", false)}
            {FIGURES.map((key) => heading(key, key, true))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} data-hidden={shown.size > 0 && !shown.has(row.name) ? true : undefined}>
              <td>
                <button
                  type="button"
                  title={`${row.name}\nClick shows it alone, shift-click adds it`}
                  aria-pressed={shown.has(row.name)}
                  onClick={(event) => onClick(row.name, event.shiftKey)}
                >
                  <span className={styles.swatch} style={{ background: row.color ?? seriesColor(row.name) }} aria-hidden />
                  <span className="truncate">{row.name}</span>
                </button>
              </td>
              {FIGURES.map((key) => (
                <td key={key} className={styles.figure}>
                  {formatValue(row[key], unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
