import { ChartBarBig, Columns3, Equal, EqualNot, ListTree, Waypoints } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { serviceTracesLink, taskLink, traceLink } from "../../app/links";
import { CopyButton } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { ServiceName } from "../../components/ServiceName";
import { Time } from "../../components/Time";
import { formatCount } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./LineDetails.module.css";
import { attributeField, isSearchable, type Line, lineJson, longValue, type Resource } from "./lineFields";

/** What the page around a line can do with one of its values. */
export interface LineActions {
  columns: readonly string[];
  onCondition: (field: string, value: string, operator: "=" | "!=") => void;
  onColumn: (field: string) => void;
  onDistribution: (field: string) => void;
  onAround: (id: string) => void;
}

interface LineDetailsProps {
  line: Line;
  resource: Resource | undefined;
  /** Without, values can only be read and copied. */
  actions?: LineActions;
}

/** All that is known of a line. */
export function LineDetails({ line, resource, actions }: LineDetailsProps) {
  const json = useMemo(() => lineJson(line, resource), [line, resource]);
  const stack = line.attributes[STACK];
  const hasStack = typeof stack === "string" && stack !== "";
  const attributes = Object.entries(line.attributes).filter(([key]) => key !== STACK || !hasStack);
  const sender = Object.entries(resource?.attributes ?? {});
  const body = line.structured_body ?? line.body;
  return (
    <div className={styles.details}>
      <div className={styles.tools}>
        {line.trace_id && (
          <PageLink {...traceLink(line.trace_id, line.span_id ?? undefined)} className={styles.door}>
            <Waypoints size={14} aria-hidden /> {line.span_id ? "Open the trace at this span" : "Open the trace"}
          </PageLink>
        )}
        {actions && (
          <button type="button" className={styles.door} onClick={() => actions.onAround(line.id)}>
            <ListTree size={14} aria-hidden /> Surrounding lines
          </button>
        )}
        <PageLink {...serviceTracesLink(line.service)} className={styles.door}>
          Traces of <ServiceName name={line.service} link={false} />
        </PageLink>
        <span className={styles.copy}>
          <LabelledCopy text={line.body} label="Message" />
          <LabelledCopy text={json} label="JSON" />
        </span>
      </div>
      <pre className={styles.body}>{longValue(body)}</pre>
      {hasStack && (
        <details className={styles.stack}>
          <summary>Stack trace</summary>
          <pre className={styles.body}>{stack}</pre>
        </details>
      )}
      <Notes line={line} />
      <div className={styles.parts}>
        <Part title="Attributes" none="The line carries none.">
          {attributes.map(([key, value]) => (
            <FieldRow key={key} name={key} field={attributeField(key, "line")} value={value} actions={actions} />
          ))}
        </Part>
        <Part title="Line">
          <FieldRow name="level" field="level" value={line.level} actions={actions} />
          {line.severity_text !== "" && <FieldRow name="severity_text" field="severity_text" value={line.severity_text} actions={actions} />}
          {line.event_name && <FieldRow name="event_name" field="event_name" value={line.event_name} actions={actions} />}
          {resource?.scope_name && <FieldRow name="scope" field="scope" value={resource.scope_name} actions={actions} />}
          {line.trace_id && <FieldRow name="trace_id" field="trace_id" value={line.trace_id} actions={actions} countable={false} />}
          {line.span_id && <FieldRow name="span_id" field="span_id" value={line.span_id} actions={actions} countable={false} />}
          <div className={styles.field}>
            <dt>observed</dt>
            <dd>
              <span className={styles.value}>
                <Time ms={nsToMs(line.observed_ts_ns)} style="date" millis />
              </span>
            </dd>
          </div>
        </Part>
        <Part title="Resource" none="The sender did not say what it is.">
          {sender.map(([key, value]) => (
            <FieldRow key={key} name={key} field={attributeField(key, "resource")} value={value} actions={actions} />
          ))}
        </Part>
      </div>
    </div>
  );
}

/** OpenTelemetry's semantic conventions for exceptions. */
const STACK = "exception.stacktrace";

function LabelledCopy({ text, label }: { text: string; label: string }) {
  return (
    <span className={styles.copyOne}>
      <span className="quiet">{label}</span>
      <CopyButton text={text} label={`Copy the ${label === "JSON" ? "line as JSON" : "message"}`} words={false} />
    </span>
  );
}

function Notes({ line }: { line: Line }) {
  const notes: string[] = [];
  if (line.sent_ts_ns !== null && line.sent_ts_ns !== undefined) notes.push(`The sender's time, ${line.sent_ts_ns} ns, is none: the time of receipt stands in.`);
  if (line.dropped_attributes > 0) notes.push(`The sender dropped ${formatCount(line.dropped_attributes)} attributes over its limits.`);
  if (line.redacted > 0) notes.push(`${formatCount(line.redacted)} ${line.redacted === 1 ? "secret was" : "secrets were"} masked.`);
  return notes.length === 0 ? null : <p className={styles.notes}>{notes.join(" ")}</p>;
}

function Part({ title, none = "", children }: { title: string; none?: string; children: ReactNode }) {
  const isEmpty = Array.isArray(children) && children.length === 0;
  return (
    <section className={styles.part}>
      <h3>{title}</h3>
      {isEmpty ? <p className="quiet">{none}</p> : <dl>{children}</dl>}
    </section>
  );
}

interface FieldRowProps {
  name: string;
  field: string;
  value: unknown;
  actions: LineActions | undefined;
  /** False for ids: how often each occurs tells nothing. */
  countable?: boolean;
}

/** Attributes that name a task. */
const IS_TASK = /^task\.(parent_)?id$/;
const LONG = 400;
/** More characters than this need the whole width. */
const WIDE = 64;

function FieldRow({ name, field, value, actions, countable = true }: FieldRowProps) {
  const [whole, setWhole] = useState(false);
  const text = longValue(value);
  const cut = !whole && text.length > LONG;
  const isColumn = actions?.columns.includes(field) ?? false;
  return (
    <div className={styles.field} data-long={text.length > WIDE || text.includes("\n") || undefined}>
      <dt title={field}>{name}</dt>
      <dd>
        <span className={styles.value}>
          {text === "" ? (
            <span className="quiet">empty</span>
          ) : IS_TASK.test(name) ? (
            <PageLink {...taskLink(text)}>{text}</PageLink>
          ) : cut ? (
            `${text.slice(0, LONG)}…`
          ) : (
            text
          )}
          {cut && (
            <button type="button" className={styles.more} onClick={() => setWhole(true)}>
              Show all {formatCount(text.length)} characters
            </button>
          )}
        </span>
        <span className={styles.doors}>
          {actions && isSearchable(value) && (
            <>
              <button type="button" title="Only this" aria-label={`Only lines with this ${field}`} onClick={() => actions.onCondition(field, String(value), "=")}>
                <Equal size={13} />
              </button>
              <button type="button" title="Not this" aria-label={`Only lines without this ${field}`} onClick={() => actions.onCondition(field, String(value), "!=")}>
                <EqualNot size={13} />
              </button>
            </>
          )}
          {actions && (
            <button
              type="button"
              title={isColumn ? "Remove the column" : "Add as column"}
              aria-label={`${isColumn ? "Remove" : "Add"} the column ${field}`}
              aria-pressed={isColumn}
              onClick={() => actions.onColumn(field)}
            >
              <Columns3 size={13} />
            </button>
          )}
          {actions && countable && isSearchable(value) && (
            <button type="button" title="Show distribution" aria-label={`Show the distribution of ${field}`} onClick={() => actions.onDistribution(field)}>
              <ChartBarBig size={13} />
            </button>
          )}
          <CopyButton text={text} label="Copy the value" words={false} />
        </span>
      </dd>
    </div>
  );
}
