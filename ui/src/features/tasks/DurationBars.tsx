import type { DurationBucket } from "../../api/schema";
import { useSetSearch } from "../../app/location";
import { formatDuration } from "../../format/durations";
import { formatCount } from "../../format/numbers";
import styles from "./DurationBars.module.css";
import { filterDuration, type TaskFilters } from "./taskFilters";

/** Buckets a decade. */
const PER_DECADE = 4;
const indexOf = (ns: number) => Math.round(Math.log10(ns) * PER_DECADE);
const boundOf = (index: number) => 10 ** (index / PER_DECADE);

/** How long tasks took, on a logarithmic axis; a bar limits the list to those. */
export function DurationBars({ buckets, filters }: { buckets: readonly DurationBucket[]; filters: TaskFilters }) {
  const setSearch = useSetSearch();
  const known = new Map(buckets.map(({ up_to_ns: ns, tasks }) => [indexOf(ns), tasks]));
  const indexes = [...known.keys()];
  const least = Math.min(...indexes) - 1;
  const bars = indexes.length === 0 ? [] : Array.from({ length: Math.max(...indexes) - least + 2 }, (_, at) => least + at);
  const most = Math.max(...known.values(), 1);
  return (
    <section className={styles.durations} aria-label="How long tasks took">
      <h2>
        How long they took {filters.min !== "" || filters.max !== "" ? null : <span className="quiet">Click to narrow.</span>}
      </h2>
      {bars.length === 0 ? (
        <p className="quiet">None has ended.</p>
      ) : (
        <div className={styles.bars} style={{ gridTemplateColumns: `repeat(${bars.length}, minmax(0, 1fr))` }}>
          {bars.map((index) => {
            const tasks = known.get(index) ?? 0;
            const [from, to] = [boundOf(index - 1), boundOf(index)];
            const words = `${formatDuration(from)} to ${formatDuration(to)}: ${formatCount(tasks)} ${tasks === 1 ? "task" : "tasks"}`;
            return (
              <button
                key={index}
                type="button"
                disabled={tasks === 0}
                aria-label={words}
                title={words}
                onClick={() => setSearch({ min: filterDuration(from), max: filterDuration(to) })}
              >
                <span className={styles.bar} style={{ height: tasks === 0 ? 0 : `max(2px, ${(tasks / most) * 100}%)` }} />
                {index % PER_DECADE === 1 && <span className={styles.tick}>{formatDuration(boundOf(index - 1))}</span>}
              </button>
            );
          })}
        </div>
      )}
    </section>
  );
}
