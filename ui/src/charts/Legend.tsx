import { useMemo, useState } from "react";
import { nextSort, type Sort, sortRows } from "../components/sort";
import type { Unit } from "../format/numbers";
import { toFormat, type ValueFormat } from "../format/metricUnits";
import styles from "./charts.module.css";
import { seriesColor } from "./palette";
import type { Series } from "./TimeSeriesChart";
import { summarize, type Summary } from "./summary";

interface LegendProps {
  series: readonly Series[];
  unit: Unit | ValueFormat;
  /** `list` shows names only, one after the other. */
  style?: "table" | "list";
  /** Names that are shown; empty means all. */
  shown: ReadonlySet<string>;
  onClick: (name: string, shift: boolean) => void;
}

const FIGURES: readonly (keyof Summary)[] = ["last", "mean", "max"];

/** The legend: a small table that sorts; a click isolates a series, shift-click adds one. */
export function Legend({ series, unit, style = "table", shown, onClick }: LegendProps) {
  const { write } = toFormat(unit);
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
  if (style === "list") {
    return (
      <ul className={styles.legendList} aria-label="Legend">
        {series.map((one) => (
          <li key={one.name} data-hidden={shown.size > 0 && !shown.has(one.name) ? true : undefined}>
            <NameButton series={one} pressed={shown.has(one.name)} onClick={onClick} />
          </li>
        ))}
      </ul>
    );
  }
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
                <NameButton series={row} pressed={shown.has(row.name)} onClick={onClick} />
              </td>
              {FIGURES.map((key) => (
                <td key={key} className={styles.figure}>
                  {write(row[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NameButton({ series: { name, color }, pressed, onClick }: { series: Series; pressed: boolean; onClick: LegendProps["onClick"] }) {
  return (
    <button
      type="button"
      title={`${name}\nClick shows it alone, shift-click adds it`}
      aria-pressed={pressed}
      onClick={(event) => onClick(name, event.shiftKey)}
    >
      <span className={styles.swatch} style={{ background: color ?? seriesColor(name) }} aria-hidden />
      <span className="truncate">{name}</span>
    </button>
  );
}
