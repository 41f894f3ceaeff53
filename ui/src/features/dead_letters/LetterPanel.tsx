import { Ban, CircleCheck, CircleDot, Lock, X } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useApi } from "../../api/queries";
import type { LetterAction, OpenedLetter } from "../../api/schema";
import { logsLink, quoteValue, taskLink, traceLink } from "../../app/links";
import { Button } from "../../components/Button";
import { CopyButton, Id } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { Segmented } from "../../components/Segmented";
import { ServiceName } from "../../components/ServiceName";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatBytes, formatCount, MISSING } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { ActionWords } from "./ActionWords";
import styles from "./DeadLetters.module.css";
import { type ContentView, decodeBase64, hexDump, indentJson, whyNotReplayed } from "./letterContent";
import { DiscardForm, ReopenButton, ReplayForm } from "./ReplayForm";

interface LetterPanelProps {
  letterId: string;
  onClose: () => void;
  onReplayed: (batchId: string) => void;
}

/** One dead letter: where it failed and why, what is in it, and what can be done. */
export function LetterPanel({ letterId, onClose, onReplayed }: LetterPanelProps) {
  const letter = useApi<OpenedLetter>(`/api/dead-letters/letters/${encodeURIComponent(letterId)}`);
  return (
    <aside className={styles.panel} aria-label="Dead letter">
      <QueryView query={letter} failed="The letter could not be opened" skeleton={<Skeleton rows={10} />}>
        {(data) => <Letter key={data.summary.id} letter={data} onClose={onClose} onReplayed={onReplayed} />}
      </QueryView>
    </aside>
  );
}

function Letter({ letter, onClose, onReplayed }: { letter: OpenedLetter; onClose: () => void; onReplayed: (batchId: string) => void }) {
  const { summary } = letter;
  const [form, setForm] = useState<"" | "replay" | "edit" | "discard">("");
  const reason = whyNotReplayed(letter);
  const close = () => setForm("");
  const choice = { ids: [summary.id], fingerprint: "" };
  return (
    <>
      <div className={styles.panelHead}>
        <h2>
          <StatusMark status={summary.status} /> <Id id={summary.id} length={32} />
        </h2>
        <Button kind="plain" icon aria-label="Close the letter" title="Close (Esc)" onClick={onClose}>
          <X size={16} />
        </Button>
      </div>
      <p className={styles.message}>
        <strong>{summary.error_type || "Unknown error"}</strong> {summary.error_message}
      </p>
      {form === "" ? (
        <div className={styles.actions}>
          <Button kind="primary" disabled={reason !== null} onClick={() => setForm("replay")}>
            Replay
          </Button>
          <Button disabled={reason !== null || letter.body === null} title={letter.body === null ? "Its message is no text that you may read" : undefined} onClick={() => setForm("edit")}>
            Edit and replay
          </Button>
          {summary.status === "open" ? <Button onClick={() => setForm("discard")}>Discard</Button> : <ReopenButton letterId={summary.id} />}
        </div>
      ) : form === "discard" ? (
        <DiscardForm choice={choice} letters={1} onClose={close} />
      ) : (
        <ReplayForm choice={choice} letters={1} sample={letter} edit={form === "edit"} onClose={close} onSent={({ id }) => onReplayed(id)} />
      )}
      {reason !== null && <PartialNote>It cannot be replayed now. {reason}</PartialNote>}
      <dl className={styles.facts}>
        <Fact name="Trace">{summary.trace_id === "" ? MISSING : <PageLink {...traceLink(summary.trace_id, summary.span_id)}>the one that failed</PageLink>}</Fact>
        <Fact name="Task">{summary.task_id === "" ? MISSING : <PageLink {...taskLink(summary.task_id)}>{summary.task_id}</PageLink>}</Fact>
        {summary.trace_id !== "" && (
          <Fact name="Logs">
            <PageLink {...logsLink(`trace_id:${quoteValue(summary.trace_id)}`)}>of the trace</PageLink>
          </Fact>
        )}
        <Fact name="Service">
          <ServiceName name={summary.service} />
        </Fact>
        <Fact name="From">
          {summary.topic} <span className="quiet">{summary.system}</span>
        </Fact>
        <Fact name="Lies in">{summary.destination || MISSING}</Fact>
        <Fact name="Attempts">{formatCount(summary.attempts)}</Fact>
        <Fact name="First failed">{summary.first_failed_ns === null ? MISSING : <Time ms={nsToMs(summary.first_failed_ns)} style="date" />}</Fact>
        <Fact name="Dead-lettered">
          <Time ms={nsToMs(summary.time_ns)} style="date" />
        </Fact>
      </dl>
      <Content letter={letter} />
      {letter.stack !== "" && (
        <Section title="Stack" aside={<CopyButton text={letter.stack} />}>
          {/* Scrolls, so the keyboard must reach it. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre className={styles.content} tabIndex={0}>
            {letter.stack}
          </pre>
        </Section>
      )}
      {letter.history.length > 0 && (
        <Section title="What was done with it">
          <Table label="What was done with it" columns={HISTORY} rows={letter.history} rowKey={({ at_ns: at, action }) => `${at} ${action}`} />
        </Section>
      )}
    </>
  );
}

const HISTORY: readonly Column<LetterAction>[] = [
  { key: "at", title: "When", width: "152px", cell: ({ at_ns: at }) => <Time ms={nsToMs(at)} style="date" /> },
  { key: "actor", title: "Who", width: "28%", cell: ({ actor }) => <span title={actor}>{actor}</span> },
  { key: "action", title: "What", width: "80px", cell: ({ action }) => action },
  { key: "details", title: "", cell: (action) => <ActionWords action={action} /> },
];

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Where a letter stands, as icon and word. */
export function StatusMark({ status }: { status: string }) {
  const [Icon, tone] = status === "open" ? [CircleDot, styles.warn] : status === "replayed" ? [CircleCheck, styles.good] : [Ban, "quiet"];
  return (
    <span className={styles.state}>
      <Icon size={14} className={tone} aria-hidden /> {status}
    </span>
  );
}

function Content({ letter }: { letter: OpenedLetter }) {
  const bytes = useMemo(() => (letter.body_base64 === "" ? new Uint8Array() : decodeBase64(letter.body_base64)), [letter.body_base64]);
  const json = useMemo(() => (letter.body === null ? null : indentJson(letter.body)), [letter.body]);
  const views: readonly ContentView[] = [...(json === null ? [] : (["json"] as const)), ...(letter.body === null ? [] : (["text"] as const)), "hex"];
  const [chosen, setChosen] = useState<ContentView | null>(null);
  const view = chosen !== null && views.includes(chosen) ? chosen : (views[0] ?? "hex");
  if (letter.content === "forbidden") {
    return (
      <Section title="Message">
        <p className={styles.state}>
          <Lock size={14} aria-hidden /> Key, headers and message are shown to keys with the scope <code>content</code> alone.
        </p>
      </Section>
    );
  }
  return (
    <>
      <Section title="Headers" aside={letter.key === null ? "without a key" : <>key {letter.key}</>}>
        {letter.headers.length === 0 ? (
          <p className="quiet">None.</p>
        ) : (
          <dl className={styles.headers} aria-label="Headers">
            {letter.headers.map(([name, value], index) => (
              <Header key={index} name={name} value={value} />
            ))}
          </dl>
        )}
      </Section>
      {letter.content === "shown" && (
        <Section
          title="Message"
          aside={
            <>
              {formatBytes(bytes.length)}
              <Segmented<ContentView> label="Show as" value={view} options={views.map((value) => ({ value, label: value === "json" ? "JSON" : value === "hex" ? "Hex" : "Text" }))} onChange={setChosen} />
              <CopyButton text={letter.body ?? letter.body_base64} />
            </>
          }
        >
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre className={`${styles.content ?? ""} ${view === "hex" ? (styles.hex ?? "") : ""}`} tabIndex={0} aria-label="Message">
            {view === "json" ? json : view === "text" ? letter.body : hexDump(bytes)}
          </pre>
        </Section>
      )}
    </>
  );
}

function Header({ name, value }: { name: string; value: string }) {
  const trace = name.toLowerCase() === "traceparent" ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(value)?.[1] : undefined;
  return (
    <>
      <dt>{name}</dt>
      <dd>{trace === undefined ? name === "task.id" ? <PageLink {...taskLink(value)}>{value}</PageLink> : value : <PageLink {...traceLink(trace)}>{value}</PageLink>}</dd>
    </>
  );
}
