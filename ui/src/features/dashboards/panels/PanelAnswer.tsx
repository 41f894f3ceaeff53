import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useContext } from "react";
import type { Ranged } from "../../../api/queries";
import { ErrorState, PartialNote, QueryView, Skeleton } from "../../../components/states";
import type { PromResult } from "../../metrics/promql";
import type { Answered, Answers } from "../../metrics/usePromQueries";
import { type PanelProps, PanelsContext } from "../panelContext";
import styles from "./panels.module.css";

export interface Good extends Answered {
  result: PromResult;
}

interface PanelAnswerProps {
  /** The panel's own. */
  props: PanelProps;
  query: UseQueryResult<Ranged<Answers>>;
  children: (good: readonly Good[], ranged: Ranged<Answers>) => ReactNode;
}

/** What a panel shows in whatever state its queries are: waiting, refused, empty, or what `children` make of the answers. */
export function PanelAnswer({ props: { panel, visible, width }, query, children }: PanelAnswerProps) {
  const { ready } = useContext(PanelsContext);
  if (panel.queries.every(({ expression, hidden }) => hidden || expression.trim() === "")) {
    return <p className={styles.note}>No query yet. Edit the panel to write one.</p>;
  }
  // Not asked yet: it is not on the screen, or a variable has no value.
  if (query.data === undefined && !(visible && ready && width > 0)) return null;
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
