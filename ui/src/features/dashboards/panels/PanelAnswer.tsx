import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Ranged } from "../../../api/queries";
import type { Panel } from "../../../api/schema";
import { ErrorState, PartialNote, QueryView, Skeleton } from "../../../components/states";
import type { PromResult } from "../../metrics/promql";
import type { Answered, Answers } from "../../metrics/usePromQueries";
import styles from "./panels.module.css";

export interface Good extends Answered {
  result: PromResult;
}

interface PanelAnswerProps {
  panel: Panel;
  query: UseQueryResult<Ranged<Answers>>;
  children: (good: readonly Good[], ranged: Ranged<Answers>) => ReactNode;
}

/** What a panel shows in whatever state its queries are: waiting, refused, empty, or what `children` make of the answers. */
export function PanelAnswer({ panel, query, children }: PanelAnswerProps) {
  if (panel.queries.every(({ expression, hidden }) => hidden || expression.trim() === "")) {
    return <p className={styles.note}>No query yet. Edit the panel to write one.</p>;
  }
  return (
    <QueryView query={query} failed="This panel could not be read" skeleton={<Skeleton rows={1} height={24} />}>
      {(ranged) => {
        const good = ranged.data.answered.filter((one): one is Good => one.result !== null);
        const refused = ranged.data.answered.filter(({ error }) => error !== null);
        const warnings = [...new Set(good.flatMap(({ result }) => result.warnings))];
        return (
          <div className={styles.answer}>
            {refused.map(({ error, expression }) => error && <ErrorState key={expression} title="A query was refused" error={error} />)}
            {warnings.map((message) => (
              <PartialNote key={message}>{message}</PartialNote>
            ))}
            {good.length > 0 && children(good, ranged)}
          </div>
        );
      }}
    </QueryView>
  );
}
