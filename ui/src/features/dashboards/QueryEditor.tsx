import { useState } from "react";
import type { Panel, PanelQuery } from "../../api/schema";
import { QueryActions } from "../../components/QueryActions";
import { letterOf } from "../metrics/exploreState";
import { PromInput } from "../metrics/PromInput";
import { CheckField, Field } from "./fields";
import styles from "./PanelEditor.module.css";

interface QueryEditorProps {
  index: number;
  count: number;
  panel: Panel;
  query: PanelQuery;
  onChange: (query: PanelQuery) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}

/** One query of a panel; it is asked when Enter is pressed or the field is left. */
export function QueryEditor({ index, count, panel, query, onChange, onMove, onRemove }: QueryEditorProps) {
  const [draft, setDraft] = useState(query.expression);
  const [given, setGiven] = useState(query.expression);
  if (given !== query.expression) {
    setGiven(query.expression);
    setDraft(query.expression);
  }
  const letter = letterOf(index);
  const commit = (expression: string) => {
    if (expression !== query.expression) onChange({ ...query, expression });
  };
  return (
    <div className={styles.query} role="group" aria-label={`Query ${letter}`}>
      <div className={styles.queryLine}>
        <b>{letter}</b>
        <PromInput value={draft} label={`Query ${letter}`} placeholder="rate(http_requests_total[$__rate_interval])" templated onChange={setDraft} onRun={commit} onLeave={commit} autoFocus={query.expression === ""} />
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
      <div className={styles.queryOptions}>
        <Field label="Legend" value={query.legend} placeholder="{{job}} on {{instance}}" onChange={(legend) => onChange({ ...query, legend })} />
        {panel.kind === "timeseries" && <CheckField label="Exemplars" checked={query.exemplars} onChange={(exemplars) => onChange({ ...query, exemplars })} />}
        {(panel.kind === "stat" || panel.kind === "gauge" || panel.kind === "bar") && (
          <CheckField label="Only the last moment" checked={query.instant} onChange={(instant) => onChange({ ...query, instant })} />
        )}
      </div>
    </div>
  );
}
