import { Check, EqualNot, X } from "lucide-react";
import type { ReactNode } from "react";
import { formatCount, formatNumber, formatShare } from "../format/numbers";
import styles from "./Facet.module.css";
import { standOf, withCondition, withoutCondition } from "./queryText";

export interface FacetValue {
  value: string;
  count: number;
}

interface FacetViewProps {
  field: string;
  values: readonly FacetValue[];
  /** How many have a value that is not listed. */
  others: number;
  /** How many there are in all. */
  total: number;
  /** What is counted: "spans". */
  noun: string;
  query: string;
  onQuery: (query: string) => void;
  /** Stands before a value: the colour of a service or level. */
  mark?: (value: string) => ReactNode;
  /** Set for the field that somebody asked for: takes it away. */
  onClose?: () => void;
}

/** How matches break down by a field; a value narrows the search to it, or shuts it out. */
export function FacetView({ field, values, others, total, noun, query, onQuery, mark, onClose }: FacetViewProps) {
  const most = Math.max(...values.map(({ count }) => count), 1);
  return (
    <section className={styles.facet} aria-label={field}>
      <h3>
        <span className="truncate" title={field}>
          {field}
        </span>
        {onClose && (
          <button type="button" aria-label={`Stop grouping by ${field}`} title="Stop grouping" onClick={onClose}>
            <X size={12} />
          </button>
        )}
      </h3>
      {values.length === 0 && <p className="quiet">None of the matching {noun} has it.</p>}
      <ul>
        {values.map(({ value, count }) => {
          const stand = standOf(query, field, value);
          return (
            <li key={value} className={styles.value} data-stand={stand ?? undefined}>
              <button
                type="button"
                className={styles.only}
                aria-pressed={stand === "only"}
                title={`${value === "" ? "(empty)" : value}: ${formatCount(count)} ${noun}, ${formatShare(total > 0 ? count / total : null)} of those that match`}
                onClick={() => onQuery(stand ? withoutCondition(query, field, value) : withCondition(query, field, value, "="))}
              >
                <span className={styles.bar} style={{ width: `${(count / most) * 100}%` }} aria-hidden />
                {stand === "only" && <Check size={12} aria-hidden />}
                {mark?.(value)}
                <span className="truncate">{value === "" ? <i>empty</i> : value}</span>
                <span className="number quiet">{formatNumber(count)}</span>
              </button>
              <button
                type="button"
                className={styles.not}
                aria-label={`Not ${value}`}
                title="Not this"
                onClick={() => onQuery(withCondition(query, field, value, "!="))}
              >
                <EqualNot size={12} />
              </button>
            </li>
          );
        })}
        {others > 0 && (
          <li className={styles.others}>
            {formatNumber(others)} {noun} with other values
          </li>
        )}
      </ul>
    </section>
  );
}
