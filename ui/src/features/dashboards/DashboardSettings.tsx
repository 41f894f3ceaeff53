import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import type { Dashboard, DashboardSummary, Variable } from "../../api/schema";
import { Button } from "../../components/Button";
import { Section } from "../../components/Section";
import { moveQuery } from "../metrics/exploreState";
import styles from "./DashboardSettings.module.css";
import { CheckField, Choice, Field, TextArea } from "./fields";
import { readVariableQuery } from "./variableQueries";
import { referencedNames } from "./interpolation";

interface DashboardSettingsProps {
  dashboard: Dashboard;
  summary: DashboardSummary | null;
  onChange: (dashboard: Dashboard) => void;
}

const KINDS = [
  { value: "query", label: "Asked from the metrics" },
  { value: "custom", label: "Listed here" },
  { value: "interval", label: "Intervals" },
  { value: "text", label: "Typed" },
  { value: "constant", label: "Constant" },
] as const;

const SORTS = [
  { value: "ascending", label: "A to Z" },
  { value: "descending", label: "Z to A" },
  { value: "none", label: "As they come" },
] as const;

const REFRESHES = ["", "5s", "10s", "30s", "1m", "5m"];

const NEW_VARIABLE: Variable = {
  name: "",
  kind: "query",
  label: "",
  query: "label_values(up, job)",
  regex: "",
  options: [],
  default: [],
  multi: false,
  include_all: false,
  all_value: "",
  sort: "ascending",
  hidden: false,
};

const words = (text: string) =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);

/** What a dashboard is called, where it stands, what it begins with, and its variables. */
export function DashboardSettings({ dashboard, summary, onChange }: DashboardSettingsProps) {
  const set = (changes: Partial<Dashboard>) => onChange({ ...dashboard, ...changes });
  const { variables } = dashboard;
  const setVariables = (next: readonly Variable[]) => set({ variables: [...next] });
  const freeName = () => {
    const taken = new Set(variables.map(({ name }) => name));
    return ["job", "instance", ...Array.from({ length: 100 }, (_, index) => `variable_${index + 1}`)].find((name) => !taken.has(name)) ?? "variable";
  };
  return (
    <div className={styles.settings}>
      <Section title="Dashboard" aside={summary ? `version ${summary.version}` : undefined}>
        <div className={styles.form}>
          <Field label="Title" value={dashboard.title} wrong={dashboard.title.trim() === "" ? "Give it a title." : null} onChange={(title) => set({ title })} />
          <TextArea label="Description" value={dashboard.description} rows={2} onChange={(description) => set({ description })} />
          <div className={styles.pair}>
            <Field label="Folder" value={dashboard.folder} onChange={(folder) => set({ folder })} />
            <Field label="Tags, with commas between" value={dashboard.tags.join(", ")} onChange={(text) => set({ tags: words(text) })} />
          </div>
          <div className={styles.pair}>
            <Field label="Begins with the range from" value={dashboard.time_from} placeholder="now-1h" onChange={(from) => set({ time_from: from })} />
            <Field label="to" value={dashboard.time_to} placeholder="now" onChange={(to) => set({ time_to: to })} />
            <Choice label="Refreshes" value={dashboard.refresh} options={REFRESHES.map((value) => ({ value, label: value === "" ? "As the range needs" : `Every ${value}` }))} onChange={(refresh) => set({ refresh })} />
          </div>
        </div>
      </Section>
      <Section title="Variables" aside="queries and titles hold them as $name">
        <div className={styles.variables}>
          {variables.map((variable, index) => (
            <VariableEditor
              key={index}
              variable={variable}
              taken={variables.some((other, at) => at !== index && other.name === variable.name)}
              later={new Set(variables.slice(index).map(({ name }) => name))}
              onChange={(next) => setVariables(variables.map((one, at) => (at === index ? next : one)))}
              onMove={(by) => setVariables(moveQuery(variables, index, by))}
              onRemove={() => setVariables(variables.filter((_, at) => at !== index))}
            />
          ))}
          <div>
            <Button onClick={() => setVariables([...variables, { ...NEW_VARIABLE, name: freeName() }])}>
              <Plus size={14} aria-hidden /> Add variable
            </Button>
          </div>
        </div>
      </Section>
    </div>
  );
}

interface VariableEditorProps {
  variable: Variable;
  taken: boolean;
  /** Names that have no value yet when this one is asked for. */
  later: ReadonlySet<string>;
  onChange: (variable: Variable) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}

function VariableEditor({ variable, taken, later, onChange, onMove, onRemove }: VariableEditorProps) {
  const set = (changes: Partial<Variable>) => onChange({ ...variable, ...changes });
  const { kind, name } = variable;
  const early = referencedNames(variable.query).find((one) => later.has(one));
  const wrongQuery =
    readVariableQuery(variable.query) === null
      ? "Write label_values(metric, label), label_values(label), label_names(), metrics(regex) or query_result(expression)."
      : early !== undefined
        ? `$${early} has no value yet when this is asked: move it above.`
        : null;
  return (
    <div className={styles.variable} role="group" aria-label={`Variable ${name}`}>
      <div className={styles.pair}>
        <Field
          label="Name"
          value={name}
          wrong={!/^[A-Za-z_]\w*$/.test(name) ? "Letters, digits and _ only." : taken ? "There is another of this name." : null}
          onChange={(value) => set({ name: value.replace(/^\$/, "") })}
        />
        <Field label="Shown as" value={variable.label} placeholder={name} onChange={(label) => set({ label })} />
        <Choice label="Its values are" value={kind} options={KINDS} onChange={(value) => set({ kind: value })} />
        <span className={styles.tools}>
          <Button kind="plain" icon aria-label={`Move ${name} up`} title="Up" onClick={() => onMove(-1)}>
            <ArrowUp size={14} />
          </Button>
          <Button kind="plain" icon aria-label={`Move ${name} down`} title="Down" onClick={() => onMove(1)}>
            <ArrowDown size={14} />
          </Button>
          <Button kind="plain" icon aria-label={`Remove ${name}`} title="Remove" onClick={onRemove}>
            <Trash2 size={14} />
          </Button>
        </span>
      </div>
      {kind === "query" && (
        <div className={styles.pair}>
          <Field label="Query" value={variable.query} wrong={wrongQuery} onChange={(query) => set({ query })} />
          <Field label="Only what matches" value={variable.regex} placeholder="/(.*):.*/" onChange={(regex) => set({ regex })} />
          <Choice label="Order" value={variable.sort} options={SORTS} onChange={(sort) => set({ sort })} />
        </div>
      )}
      {(kind === "custom" || kind === "interval") && (
        <Field label="Values, with commas between; name : value shows the name" value={variable.options.join(", ")} placeholder={kind === "interval" ? "1m, 5m, 1h" : "0.5, p99 : 0.99"} onChange={(text) => set({ options: words(text) })} />
      )}
      {(kind === "text" || kind === "constant") && <Field label="Value" value={variable.default[0] ?? ""} onChange={(value) => set({ default: value === "" ? [] : [value] })} />}
      {(kind === "query" || kind === "custom") && (
        <div className={styles.checks}>
          <CheckField label="Several at once" checked={variable.multi} onChange={(multi) => set({ multi })} />
          <CheckField label="Offer All" checked={variable.include_all} onChange={(all) => set({ include_all: all })} />
          {variable.include_all && <Field label="All stands for" value={variable.all_value} placeholder="every value, or .*" onChange={(value) => set({ all_value: value })} />}
          <CheckField label="Hidden" checked={variable.hidden} onChange={(hidden) => set({ hidden })} />
        </div>
      )}
    </div>
  );
}
