import { ArrowLeft, Plus, Trash2 } from "lucide-react";
import type { Panel } from "../../api/schema";
import { Button } from "../../components/Button";
import { moveQuery } from "../metrics/exploreState";
import { readStep } from "../metrics/steps";
import { DisplayEditor } from "./DisplayEditor";
import { Choice, Field, TextArea } from "./fields";
import { NEW_QUERY, PANEL_KINDS } from "./newPanel";
import { PanelBody } from "./PanelBody";
import { useWords } from "./panelContext";
import styles from "./PanelEditor.module.css";
import { QueryEditor } from "./QueryEditor";

interface PanelEditorProps {
  panel: Panel;
  onChange: (panel: Panel) => void;
  onRemove: () => void;
  onClose: () => void;
}

const KINDS = PANEL_KINDS.filter(({ kind }) => kind !== "row").map(({ kind, label }) => ({ value: kind, label }));

/** A panel, edited beside what it shows: each change is seen at once. */
export function PanelEditor({ panel, onChange, onRemove, onClose }: PanelEditorProps) {
  const words = useWords();
  const set = (changes: Partial<Panel>) => onChange({ ...panel, ...changes });
  const { kind, queries } = panel;
  const asks = kind !== "text" && kind !== "row" && kind !== "logs" && kind !== "traces";
  return (
    <div className={styles.editor}>
      <div className={styles.left}>
        {kind !== "row" && (
          <section className={styles.preview} aria-label="Preview">
            <h2 className="truncate">{words(panel.title)}</h2>
            <PanelBody panel={panel} visible />
          </section>
        )}
        {asks && (
          <div className={styles.queries}>
            {queries.map((query, index) => (
              <QueryEditor
                key={index}
                index={index}
                count={queries.length}
                panel={panel}
                query={query}
                onChange={(next) => set({ queries: queries.map((one, at) => (at === index ? next : one)) })}
                onMove={(by) => set({ queries: moveQuery(queries, index, by) })}
                onRemove={() => set({ queries: queries.filter((_, at) => at !== index) })}
              />
            ))}
            <div>
              <Button onClick={() => set({ queries: [...queries, NEW_QUERY] })}>
                <Plus size={14} aria-hidden /> Add query
              </Button>
            </div>
          </div>
        )}
        {kind === "text" && <TextArea label="Text, in Markdown" value={panel.text} rows={12} onChange={(text) => set({ text })} />}
        {(kind === "logs" || kind === "traces") && (
          <Field
            label={`Search, as on the page of ${kind}`}
            value={panel.search}
            placeholder={kind === "logs" ? 'service:gateway level>=warn "connection reset"' : "service:gateway status:error duration>1s"}
            onChange={(search) => set({ search })}
          />
        )}
      </div>
      <div className={styles.options} role="group" aria-label="Options">
        <div className={styles.ends}>
          <Button onClick={onClose} title="Back to the dashboard (Esc)">
            <ArrowLeft size={14} aria-hidden /> Dashboard
          </Button>
          <Button kind="plain" icon aria-label="Remove the panel" title="Remove the panel" onClick={onRemove}>
            <Trash2 size={14} />
          </Button>
        </div>
        <Field label="Title" value={panel.title} onChange={(title) => set({ title })} />
        {kind !== "row" && (
          <>
            <Choice label="Shows" value={kind} options={KINDS} onChange={(value) => set({ kind: value })} />
            <TextArea label="Description" value={panel.description} rows={2} onChange={(description) => set({ description })} />
          </>
        )}
        {asks && (
          <>
            <Field label="Repeat for each value of" value={panel.repeat} placeholder="a variable, such as instance" onChange={(repeat) => set({ repeat: repeat.replace(/^\$/, "") })} />
            {panel.repeat !== "" && (
              <Choice
                label="Repeat"
                value={panel.repeat_direction}
                options={[
                  { value: "across", label: "Side by side" },
                  { value: "down", label: "One below the other" },
                ]}
                onChange={(value) => set({ repeat_direction: value })}
              />
            )}
            <Field
              label="Least step"
              value={panel.min_step}
              placeholder="15s"
              wrong={panel.min_step !== "" && !panel.min_step.startsWith("$") && readStep(panel.min_step) === null ? "Write 30s or 5m." : null}
              onChange={(value) => set({ min_step: value })}
            />
            <DisplayEditor kind={kind} display={panel.display} onChange={(display) => set({ display })} />
          </>
        )}
      </div>
    </div>
  );
}
