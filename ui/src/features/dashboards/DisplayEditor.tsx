import { Plus, X } from "lucide-react";
import type { Display, Panel, SeriesRule, Threshold, ValueName } from "../../api/schema";
import { Button } from "../../components/Button";
import { UnitSelect } from "../metrics/UnitSelect";
import { Beside, CheckField, Choice, Field, NumberField } from "./fields";
import styles from "./PanelEditor.module.css";

interface DisplayEditorProps {
  kind: Panel["kind"];
  display: Display;
  onChange: (display: Display) => void;
}

const TONES = [
  { value: "good", label: "good" },
  { value: "warn", label: "warning" },
  { value: "bad", label: "bad" },
  { value: "neutral", label: "neutral" },
] as const;

const CALCULATIONS = [
  { value: "last", label: "Last" },
  { value: "mean", label: "Mean" },
  { value: "max", label: "Maximum" },
  { value: "min", label: "Minimum" },
  { value: "sum", label: "Sum" },
  { value: "first", label: "First" },
  { value: "count", label: "Count" },
  { value: "range", label: "Maximum − minimum" },
] as const;

/** How values are shown: unit, scale, legend, what they mean and what they are called. */
export function DisplayEditor({ kind, display, onChange }: DisplayEditorProps) {
  const set = (changes: Partial<Display>) => onChange({ ...display, ...changes });
  const isFigure = kind === "stat" || kind === "gauge" || kind === "bar";
  return (
    <>
      <div className={styles.unit}>
        <UnitSelect value={display.unit} onChange={(unit) => set({ unit })} />
      </div>
      <Beside>
        <NumberField label="Decimals" value={display.decimals} placeholder="fit" onChange={(value) => set({ decimals: value === null ? null : Math.min(12, Math.max(0, Math.round(value))) })} />
        {kind !== "table" && kind !== "heatmap" && (
          <>
            <NumberField label="Minimum" value={display.min} placeholder="fits" onChange={(min) => set({ min })} />
            <NumberField label="Maximum" value={display.max} placeholder="fits" onChange={(max) => set({ max })} />
          </>
        )}
      </Beside>
      {kind === "timeseries" && (
        <>
          <Beside>
            <Choice
              label="Draw"
              value={display.draw}
              options={[
                { value: "lines", label: "Lines" },
                { value: "bars", label: "Bars" },
                { value: "points", label: "Points" },
              ]}
              onChange={(draw) => set({ draw })}
            />
            <Choice
              label="Stack"
              value={display.stack}
              options={[
                { value: "none", label: "No" },
                { value: "normal", label: "Yes" },
                { value: "percent", label: "Percent" },
              ]}
              onChange={(stack) => set({ stack })}
            />
            <Choice
              label="Legend"
              value={display.legend}
              options={[
                { value: "list", label: "List" },
                { value: "table", label: "Table" },
                { value: "hidden", label: "None" },
              ]}
              onChange={(legend) => set({ legend })}
            />
          </Beside>
          <CheckField label="Logarithmic" checked={display.logarithmic} onChange={(logarithmic) => set({ logarithmic })} />
        </>
      )}
      {isFigure && <Choice label="Figure of a series" value={display.calculation} options={CALCULATIONS} onChange={(calculation) => set({ calculation })} />}
      {kind === "stat" && <CheckField label="Course below" checked={display.sparkline} onChange={(sparkline) => set({ sparkline })} />}
      {kind !== "heatmap" && <Thresholds thresholds={display.thresholds} onChange={(thresholds) => set({ thresholds })} />}
      {(isFigure || kind === "table") && <Names names={display.names} onChange={(names) => set({ names })} />}
      {kind !== "heatmap" && <Rules kind={kind} rules={display.series} onChange={(series) => set({ series })} />}
    </>
  );
}

const order = (steps: readonly Threshold[]) => [...steps].sort((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity));

function Thresholds({ thresholds, onChange }: { thresholds: readonly Threshold[]; onChange: (thresholds: Threshold[]) => void }) {
  const change = (index: number, step: Threshold) => onChange(order(thresholds.map((one, at) => (at === index ? step : one))));
  return (
    <div className={styles.list} role="group" aria-label="Thresholds">
      <h3>Thresholds: from this value on</h3>
      {thresholds.map((step, index) => (
        <div key={index} className={styles.item}>
          <NumberField label="From" value={step.value} placeholder="the bottom" onChange={(value) => change(index, { ...step, value })} />
          <Choice label="it is" value={step.tone} options={TONES} onChange={(tone) => change(index, { ...step, tone })} />
          <Drop label={`Remove threshold ${index + 1}`} onClick={() => onChange(thresholds.filter((_, at) => at !== index))} />
        </div>
      ))}
      <div>
        <Button onClick={() => onChange(order([...thresholds, ...(thresholds.length === 0 ? [{ value: null, tone: "good" as const }] : []), { value: 80, tone: "bad" }]))}>
          <Plus size={14} aria-hidden /> Add threshold
        </Button>
      </div>
    </div>
  );
}

function Names({ names, onChange }: { names: readonly ValueName[]; onChange: (names: ValueName[]) => void }) {
  const change = (index: number, name: ValueName) => onChange(names.map((one, at) => (at === index ? name : one)));
  return (
    <div className={styles.list} role="group" aria-label="Names of values">
      <h3>Names of values</h3>
      {names.map((entry, index) => (
        <div key={index} className={styles.item} data-wide>
          <NumberField label="From" value={entry.low} onChange={(low) => change(index, { ...entry, low })} />
          <NumberField label="To" value={entry.high} onChange={(high) => change(index, { ...entry, high })} />
          <Field label="Name" value={entry.name} onChange={(name) => change(index, { ...entry, name })} />
          <Choice label="it is" value={entry.tone} options={TONES} onChange={(tone) => change(index, { ...entry, tone })} />
          <Drop label={`Remove name ${index + 1}`} onClick={() => onChange(names.filter((_, at) => at !== index))} />
        </div>
      ))}
      <div>
        <Button onClick={() => onChange([...names, { low: 1, high: 1, name: "Up", tone: "good" }])}>
          <Plus size={14} aria-hidden /> Add name
        </Button>
      </div>
    </div>
  );
}

function Rules({ kind, rules, onChange }: { kind: Panel["kind"]; rules: readonly SeriesRule[]; onChange: (rules: SeriesRule[]) => void }) {
  const change = (index: number, changes: Partial<SeriesRule>) => onChange(rules.map((one, at) => (at === index ? { ...one, ...changes } : one)));
  const noun = kind === "table" ? "columns" : "series";
  return (
    <div className={styles.list} role="group" aria-label={`Rules for single ${noun}`}>
      <h3>Rules for single {noun}</h3>
      {rules.map((rule, index) => (
        <div key={index} className={styles.rule}>
          <Beside>
            <Field label="Name matches" value={rule.pattern} placeholder=".*out.*" wrong={isPattern(rule.pattern) ? null : "No regular expression."} onChange={(pattern) => change(index, { pattern })} />
            <Field label="Call it" value={rule.title} onChange={(title) => change(index, { title })} />
          </Beside>
          <div className={styles.checks}>
            {kind !== "table" && <CheckField label="Negative" checked={rule.negative} onChange={(negative) => change(index, { negative })} />}
            <CheckField label="Hidden" checked={rule.hidden} onChange={(hidden) => change(index, { hidden })} />
            <Drop label={`Remove rule ${index + 1}`} onClick={() => onChange(rules.filter((_, at) => at !== index))} />
          </div>
          {kind !== "timeseries" && <UnitSelect label="Unit of its own" value={rule.unit || "number"} onChange={(unit) => change(index, { unit })} />}
        </div>
      ))}
      <div>
        <Button onClick={() => onChange([...rules, { pattern: "", title: "", unit: "", negative: false, hidden: false }])}>
          <Plus size={14} aria-hidden /> Add rule
        </Button>
      </div>
    </div>
  );
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function Drop({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" className={styles.drop} aria-label={label} title="Remove" onClick={onClick}>
      <X size={14} />
    </button>
  );
}
