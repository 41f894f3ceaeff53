import { useRangeQuery } from "../../api/queries";
import type { Differences, DifferingField } from "../../api/schema";
import type { Brush } from "../../charts/ScatterPlot";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { formatCount, formatShare } from "../../format/numbers";
import { brushParams } from "./brush";
import styles from "./DifferenceList.module.css";
import { withCondition } from "../../components/queryText";

interface DifferenceListProps {
  query: string;
  brush: Brush;
  onQuery: (query: string) => void;
}

const FIELDS = 12;

/** What the brushed traces have that the others have not, the most telling field first. */
export function DifferenceList({ query, brush, onQuery }: DifferenceListProps) {
  const differences = useRangeQuery<Differences>("/api/tracing/differences", { q: query, ...brushParams(brush) });
  return (
    <section className={styles.differences} aria-label="What differs?">
      <QueryView query={differences} failed="The selection could not be compared with the rest" skeleton={<Skeleton rows={5} />}>
        {({ data }) => (
          <>
            <header className={styles.header}>
              <h2>What differs?</h2>
              <span className={styles.key}>
                <i data-side="selected" /> {formatCount(data.selected_spans)} spans selected
              </span>
              <span className={styles.key}>
                <i data-side="rest" /> {formatCount(data.rest_spans)} others
              </span>
              {data.sampled && <PartialNote>Counted from a sample.</PartialNote>}
            </header>
            {data.fields.length === 0 ? (
              <p className="quiet">
                {data.selected_spans === 0
                  ? "No trace starts within the selection."
                  : data.rest_spans === 0
                    ? "Everything is selected: there is no rest to compare with."
                    : "No attribute tells the selected traces from the others."}
              </p>
            ) : (
              <div className={styles.fields}>
                {data.fields.slice(0, FIELDS).map((field) => (
                  <FieldView key={field.field} field={field} onOnly={(value) => onQuery(withCondition(query, field.field, value, "="))} />
                ))}
              </div>
            )}
          </>
        )}
      </QueryView>
    </section>
  );
}

function FieldView({ field: { field, score, values }, onOnly }: { field: DifferingField; onOnly: (value: string) => void }) {
  const shown = [...values].sort((a, b) => Math.abs(b.selected_share - b.rest_share) - Math.abs(a.selected_share - a.rest_share)).slice(0, 4);
  return (
    <div className={styles.field}>
      <h3>
        <span className="truncate" title={field}>
          {field}
        </span>
        <span className="quiet number" title="0 is alike, 100 % has nothing in common">
          {formatShare(score)} apart
        </span>
      </h3>
      <ul>
        {shown.map(({ value, selected, rest, selected_share: ofSelected, rest_share: ofRest }) => (
          <li key={value}>
            <button
              type="button"
              onClick={() => onOnly(value)}
              title={`${value}: ${formatCount(selected)} of the selected spans (${formatShare(ofSelected)}), ${formatCount(rest)} of the others (${formatShare(ofRest)}). Click for only this.`}
            >
              <span className="truncate">{value === "" ? <i>empty</i> : value}</span>
              <span className={styles.bars} aria-hidden>
                <i data-side="selected" style={{ width: `${ofSelected * 100}%` }} />
                <i data-side="rest" style={{ width: `${ofRest * 100}%` }} />
              </span>
              <span className="number quiet">
                {formatShare(ofSelected)} / {formatShare(ofRest)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
