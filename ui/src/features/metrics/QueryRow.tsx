import { useState } from "react";
import { Button } from "../../components/Button";
import { QueryActions } from "../../components/QueryActions";
import { ErrorState, PartialNote } from "../../components/states";
import { formatDuration } from "../../format/durations";
import { formatCount, formatNumber } from "../../format/numbers";
import styles from "./ExplorePage.module.css";
import { type ExploreQuery, letterOf } from "./exploreState";
import { PromInput } from "./PromInput";
import type { Answered } from "./usePromQueries";

interface QueryRowProps {
  index: number;
  count: number;
  query: ExploreQuery;
  answered: Answered | undefined;
  onChange: (query: ExploreQuery) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
  onFocus: () => void;
}

/** One query: its text, what its series are called, and what became of it. */
export function QueryRow({ index, count, query, answered, onChange, onMove, onRemove, onFocus }: QueryRowProps) {
  const [draft, setDraft] = useState(query.expression);
  const [given, setGiven] = useState(query.expression);
  if (given !== query.expression) {
    // Changed elsewhere, as by the browser or the back button.
    setGiven(query.expression);
    setDraft(query.expression);
  }
  const letter = letterOf(index);
  const changed = draft.trim() !== query.expression.trim();
  const run = (text: string) => onChange({ ...query, expression: text.trim() });
  return (
    <div className={styles.query} data-hidden={query.hidden || undefined} role="group" aria-label={`Query ${letter}`} onFocus={onFocus}>
      <div className={styles.queryLine}>
        <b className={styles.letter}>{letter}</b>
        <PromInput
          value={draft}
          label={`Query ${letter}`}
          placeholder="A metric's name, or rate(http_requests_total[5m])"
          onChange={setDraft}
          onRun={run}
          autoFocus={index > 0 && query.expression.trim() === ""}
          error={answered?.error ? { message: answered.error.message, expression: answered.expression } : null}
        />
        <input
          className={styles.legendField}
          defaultValue={query.legend}
          key={query.legend}
          placeholder="Legend, as {{job}}"
          aria-label={`Legend of query ${letter}`}
          onBlur={(event) => {
            if (event.currentTarget.value !== query.legend) onChange({ ...query, legend: event.currentTarget.value });
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") onChange({ ...query, legend: event.currentTarget.value });
          }}
        />
        <Button kind={changed ? "primary" : "normal"} onClick={() => run(draft)} title="Run the query (Enter)">
          Run
        </Button>
        <QueryActions
          letter={letter}
          index={index}
          count={count}
          hidden={query.hidden}
          onHide={(hidden) => onChange({ ...query, hidden })}
          onMove={onMove}
          onRemove={onRemove}
        />
      </div>
      {answered && !query.hidden && query.expression.trim() !== "" && <Outcome answered={answered} />}
    </div>
  );
}

function Outcome({ answered: { result, error, waitedMs } }: { answered: Answered }) {
  if (error) return <ErrorState title="This query was refused" error={error} />;
  if (!result) return null;
  const { stats } = result;
  const server = stats.serverS === null ? null : `${formatDuration(stats.serverS * 1e9)} in the engine`;
  return (
    <div className={styles.outcome}>
      <span className="number">
        {[
          `${formatCount(result.series.length)} series`,
          stats.samples === null ? null : `${formatNumber(stats.samples)} samples read`,
          formatDuration(waitedMs * 1e6),
          server,
          ...stats.notes,
        ]
          .filter((part) => part !== null)
          .join(" · ")}
      </span>
      {[...result.warnings, ...result.infos].map((message) => (
        <PartialNote key={message}>{message}</PartialNote>
      ))}
    </div>
  );
}
