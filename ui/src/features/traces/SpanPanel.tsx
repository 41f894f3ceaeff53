import { ArrowDownToLine, ChartBarBig, CircleAlert, Equal, EqualNot, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApi } from "../../api/queries";
import type { Attribute, SpanDetails, SpanEvent, Waterfall } from "../../api/schema";
import { momentText } from "../../app/timeRange";
import { taskLink, traceLink, traceLogsLink, tracesLink } from "../../app/links";
import { Button } from "../../components/Button";
import { CopyButton, Id } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { QueryView, Skeleton } from "../../components/states";
import { Time } from "../../components/Time";
import { ServiceName } from "../../components/ServiceName";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { Conversation } from "../tasks/Conversation";
import { SpanLogs } from "./SpanLogs";
import styles from "./SpanPanel.module.css";
import { conditionText } from "../../components/queryText";
import { attributeField, isSearchable } from "./spanQueries";

interface SpanPanelProps {
  waterfall: Waterfall;
  span: number;
  onClose: () => void;
  /** Show only the time of this span. */
  onZoom: () => void;
}

/** All that is known of one span. */
export function SpanPanel({ waterfall, span, onClose, onZoom }: SpanPanelProps) {
  const { spans, services, names } = waterfall;
  const spanId = spans.span_id[span] ?? "";
  const query = useApi<SpanDetails>(`/api/tracing/trace/${waterfall.trace_id}/spans/${spanId}`);
  const duration = spans.duration_ns[span] ?? 0;
  const criticalNs = waterfall.critical_path.span.reduce(
    (sum, at, index) => (at === span ? sum + (waterfall.critical_path.end_ns[index] ?? 0) - (waterfall.critical_path.start_ns[index] ?? 0) : sum),
    0,
  );
  return (
    <aside className={styles.panel} aria-label="Span">
      <header className={styles.header}>
        <div className={styles.title}>
          <h2 title={names[spans.name[span] ?? 0]}>{names[spans.name[span] ?? 0]}</h2>
          <ServiceName name={services[spans.service[span] ?? 0] ?? ""} />
        </div>
        <Button kind="plain" icon aria-label="Close the span" title="Close (Esc)" onClick={onClose}>
          <X size={16} />
        </Button>
      </header>
      <div className={styles.body}>
        <dl className={styles.facts}>
          <Fact name="Duration">{formatDuration(duration)}</Fact>
          <Fact name="Own time">{formatDuration(spans.self_ns[span])}</Fact>
          <Fact name="On the critical path">{formatDuration(criticalNs)}</Fact>
          <Fact name="Starts after">{formatDuration(spans.start_ns[span])}</Fact>
        </dl>
        <p className={styles.share}>
          {formatShare(waterfall.duration_ns > 0 ? duration / waterfall.duration_ns : null)} of the trace
          {(spans.descendants[span] ?? 0) > 0 && `, ${formatCount(spans.descendants[span])} ${spans.descendants[span] === 1 ? "span" : "spans"} below`}
          {(spans.failed_descendants[span] ?? 0) > 0 && `, ${formatCount(spans.failed_descendants[span])} of them failed`}
        </p>
        <div className={styles.actions}>
          <Button onClick={onZoom}>Zoom to it</Button>
          <PageLink {...traceLogsLink(waterfall.trace_id, spanId)} className={styles.linkButton}>
            Open its logs
          </PageLink>
          <PageLink
            {...tracesLink(`${conditionText("service", services[spans.service[span] ?? 0] ?? "")} ${conditionText("name", names[spans.name[span] ?? 0] ?? "")}`)}
            className={styles.linkButton}
          >
            Find others
          </PageLink>
        </div>
        <QueryView query={query} failed="The span could not be read" skeleton={<Skeleton rows={8} />}>
          {(details) => <Details details={details} waterfall={waterfall} />}
        </QueryView>
      </div>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{children}</dd>
    </div>
  );
}

function Details({ details, waterfall }: { details: SpanDetails; waterfall: Waterfall }) {
  const isException = (event: SpanEvent) => event.attributes.some(({ key }) => key.startsWith("exception."));
  const exceptions = details.events.filter(isException);
  const others = details.events.filter((event) => !isException(event));
  const startMs = Number(BigInt(details.start_ns) / 1_000n) / 1_000;
  return (
    <>
      {details.status === "error" && (
        <div className={styles.failure}>
          <CircleAlert size={14} aria-hidden />
          <span>{details.status_message || "The span failed, and does not say why."}</span>
        </div>
      )}
      {exceptions.map((event, index) => (
        <Exception key={index} event={event} />
      ))}
      <dl className={styles.pairs}>
        <Pair name="Span id">
          <Id id={details.span_id} length={16} />
        </Pair>
        <Pair name="Kind">{details.kind}</Pair>
        <Pair name="Status">
          {details.status}
          {details.status !== "error" && details.status_message && `: ${details.status_message}`}
        </Pair>
        <Pair name="Start">
          <Time ms={startMs} style="date" millis />
        </Pair>
        {details.reported_start_ns !== null && (
          <Pair name="Start as sent">{`${details.reported_start_ns} ns, not a time: the time of receipt stands in`}</Pair>
        )}
        {details.trace_state !== "" && <Pair name="Trace state">{details.trace_state}</Pair>}
      </dl>
      {tellsOfModel(details) && (
        <Part title="Model and conversation">
          <Conversation traceId={details.trace_id} spanId={details.span_id} />
        </Part>
      )}
      <AttributeList title="Attributes" attributes={details.attributes} place="span" none="The span carries none." />
      {others.length > 0 && (
        <Part title="Events" count={others.length}>
          {others.map((event, index) => (
            <EventView key={index} event={event} />
          ))}
        </Part>
      )}
      {details.links.length > 0 && (
        <Part title="Links" count={details.links.length}>
          {details.links.map((link, index) => (
            <div key={index} className={styles.event}>
              <PageLink {...traceLink(link.trace_id, link.span_id)} className="mono">
                {link.trace_id === details.trace_id ? `Span ${link.span_id} of this trace` : `Trace ${link.trace_id}`}
              </PageLink>
              <AttributeRows attributes={link.attributes} />
            </div>
          ))}
        </Part>
      )}
      <Part title="Logs">
        <SpanLogs traceId={waterfall.trace_id} spanId={details.span_id} startMs={startMs} endMs={startMs + details.duration_ns / 1e6} />
      </Part>
      <AttributeList title="Resource" attributes={details.resource} place="resource" none="The sender did not say what it is." />
      {details.scope_name !== "" && (
        <Part title="Scope">
          <dl className={styles.pairs}>
            <Pair name="Name">{details.scope_name}</Pair>
            {details.scope_version !== "" && <Pair name="Version">{details.scope_version}</Pair>}
          </dl>
          <AttributeRows attributes={details.scope_attributes} />
        </Part>
      )}
      <Notes details={details} />
    </>
  );
}

/** Whether a span is one of a model, an agent or a tool, by whichever conventions. */
const tellsOfModel = ({ attributes }: SpanDetails) =>
  attributes.some(({ key }) => /^(gen_ai\.(operation\.name|request\.model)|openinference\.span\.kind|traceloop\.span\.kind|llm\.request\.type)$/.test(key));

function Notes({ details }: { details: SpanDetails }) {
  const notes: string[] = [];
  const dropped = [
    [details.dropped_attributes, "attributes"],
    [details.dropped_events, "events"],
    [details.dropped_links, "links"],
  ] as const;
  for (const [count, what] of dropped) if (count > 0) notes.push(`The sender dropped ${formatCount(count)} ${what} over its limits.`);
  if (details.masked_secrets > 0) notes.push(`${formatCount(details.masked_secrets)} secrets were masked.`);
  const receivedMs = Number(BigInt(details.received_ns) / 1_000_000n);
  return (
    <div className={styles.notes}>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <p>
        Received <Time ms={receivedMs} style="date" />
      </p>
    </div>
  );
}

function Part({ title, count, children }: { title: string; count?: number; children: ReactNode }) {
  return (
    <section className={styles.part}>
      <h3>
        {title}
        {count !== undefined && <span className="quiet number">{count}</span>}
      </h3>
      {children}
    </section>
  );
}

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.pair}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function AttributeList(props: { title: string; attributes: readonly Attribute[]; place: "span" | "resource"; none: string }) {
  const { title, attributes, place, none } = props;
  return (
    <Part title={title} count={attributes.length}>
      {attributes.length === 0 ? <p className="quiet">{none}</p> : <AttributeRows attributes={attributes} place={place} />}
    </Part>
  );
}

function AttributeRows({ attributes, place }: { attributes: readonly Attribute[]; place?: "span" | "resource" }) {
  return (
    <dl className={styles.attributes}>
      {attributes.map((attribute) => (
        <div key={attribute.key} className={styles.attribute}>
          <dt title={attribute.key}>{attribute.key}</dt>
          <dd>
            {IS_TASK.test(attribute.key) ? (
              <PageLink {...taskLink(attribute.value)} className={styles.value}>
                {attribute.value}
              </PageLink>
            ) : (
              <AttributeValue attribute={attribute} />
            )}
            <span className={styles.doors}>
              {place && isSearchable(attribute) && <Doors field={attributeField(attribute, place)} value={attribute.value} />}
              <CopyButton text={attribute.value} label="Copy the value" words={false} />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What can be done with an attribute: only this, not this, group by. */
function Doors({ field, value }: { field: string; value: string }) {
  return (
    <>
      <PageLink {...tracesLink(conditionText(field, value))} title="Only this: traces with this value" aria-label={`Only traces with this ${field}`}>
        <Equal size={13} />
      </PageLink>
      <PageLink {...tracesLink(conditionText(field, value, "!="))} title="Not this: traces without this value" aria-label={`Only traces without this ${field}`}>
        <EqualNot size={13} />
      </PageLink>
      <PageLink {...tracesLink("", { group: field })} title="Group by: how often each value occurs" aria-label={`Group traces by ${field}`}>
        <ChartBarBig size={13} />
      </PageLink>
    </>
  );
}

/** Attributes that name a task. */
const IS_TASK = /^task\.(parent_)?id$/;
const LONG = 300;

function AttributeValue({ attribute }: { attribute: Attribute }) {
  const [whole, setWhole] = useState(false);
  const text = attribute.type === "array" || attribute.type === "map" ? indent(attribute.value) : attribute.value;
  const cut = !whole && text.length > LONG;
  return (
    <span className={styles.value} data-type={attribute.type}>
      {text === "" ? <span className="quiet">empty</span> : cut ? `${text.slice(0, LONG)}…` : text}
      {cut && (
        <button type="button" className={styles.more} onClick={() => setWhole(true)}>
          Show all {formatCount(text.length)} characters
        </button>
      )}
    </span>
  );
}

function indent(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function EventView({ event }: { event: SpanEvent }) {
  return (
    <div className={styles.event}>
      <div className={styles.eventHead}>
        <span>{event.name || "(no name)"}</span>
        <span className="number quiet" title={momentText(Number(BigInt(event.time_ns) / 1_000_000n))}>
          {event.offset_ns < 0 ? "−" : "+"}
          {formatDuration(Math.abs(event.offset_ns))}
        </span>
      </div>
      <AttributeRows attributes={event.attributes} />
    </div>
  );
}

function Exception({ event }: { event: SpanEvent }) {
  const get = (key: string) => event.attributes.find((attribute) => attribute.key === `exception.${key}`)?.value ?? "";
  const stack = get("stacktrace");
  return (
    <div className={styles.exception}>
      <p>
        <strong>{get("type") || event.name}</strong> {get("message")}
      </p>
      {stack !== "" && (
        <details>
          <summary>
            <ArrowDownToLine size={12} aria-hidden /> Stack trace
          </summary>
          <div className={styles.stack}>
            <CopyButton text={stack} label="Copy the stack trace" />
            {/* Scrolls sideways, so the keyboard must reach it. */}
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <pre tabIndex={0}>{stack}</pre>
          </div>
        </details>
      )}
    </div>
  );
}
