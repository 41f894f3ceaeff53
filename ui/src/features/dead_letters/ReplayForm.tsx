import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { request } from "../../api/client";
import type { LetterChoice, OpenedLetter, ReplayBatch, ReplayRequest } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../components/Button";
import { ErrorState, PartialNote } from "../../components/states";
import { formatCount } from "../../format/numbers";
import styles from "./DeadLetters.module.css";
import { indentJson, whyNotReplayed } from "./letterContent";

/** Ask anew for everything that an action may have changed. */
function useRefetchLetters(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith("/api/dead-letters") });
}

interface FormProps {
  title: string;
  verb: string;
  onClose: () => void;
  disabled?: boolean;
  act: () => Promise<void>;
  children: ReactNode;
}

function Form({ title, verb, onClose, disabled = false, act, children }: FormProps) {
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  useShortcuts([{ keys: "Escape", does: "Close the form", group: "Dead letters", inFields: true, run: onClose }]);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (failure) {
      setError(failure as Error);
      setBusy(false);
    }
  };
  return (
    <form
      className={styles.form}
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>{title}</h2>
      {children}
      {error && <ErrorState title="That did not work" error={error} />}
      <div className={styles.actions}>
        <Button kind="primary" type="submit" disabled={busy || disabled}>
          {verb}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </form>
  );
}

interface ReplayFormProps {
  choice: LetterChoice;
  /** How many letters that is; null where only the server knows. */
  letters: number | null;
  /** The letter that is replayed, or one like those that are: it knows which brokers can take it. */
  sample: OpenedLetter;
  /** Begin with the message to be edited. */
  edit?: boolean;
  onClose: () => void;
  onSent: (batch: ReplayBatch) => void;
}

/** Send letters anew: where to, how many first, and for a single one with which message. */
export function ReplayForm({ choice, letters, sample, edit = false, onClose, onSent }: ReplayFormProps) {
  const id = useId();
  const refetch = useRefetchLetters();
  const single = letters === 1;
  const original = sample.body ?? "";
  const [broker, setBroker] = useState(sample.brokers[0] ?? "");
  const [topic, setTopic] = useState("");
  const [canary, setCanary] = useState(single ? "0" : "1");
  const [automatic, setAutomatic] = useState(true);
  const [body, setBody] = useState(original);
  const changed = edit && body !== original;
  const wasJson = edit && indentJson(original) !== null;
  const first = /^\d{1,5}$/.test(canary.trim()) ? Number(canary) : null;
  const reason = single ? whyNotReplayed(sample) : null;
  const act = async () => {
    const asked: Partial<ReplayRequest> = { ...choice, broker, topic: topic.trim(), canary: single ? 0 : (first ?? 0), automatic, ...(changed ? { body } : {}) };
    const batch = await request<ReplayBatch>("/api/dead-letters/replay", { method: "POST", body: asked });
    await refetch();
    onSent(batch);
  };
  const words = letters === null ? "all open letters of this failure" : single ? "this letter" : `${formatCount(letters)} letters`;
  return (
    <Form title={edit ? "Edit and replay" : `Replay ${words}`} verb={single ? (changed ? "Replay with this message" : "Replay") : first ? `Send ${formatCount(first)} first` : "Send all"} onClose={onClose} disabled={first === null || reason !== null} act={act}>
      {letters === null && <p className="quiet">Also those outside of the time range. Each goes back in a new trace that is linked to the one that failed; what lies in the dead letter queue stays there.</p>}
      {reason !== null && <PartialNote>{reason}</PartialNote>}
      <div className={styles.fields}>
        <div className={styles.field}>
          <label htmlFor={`${id}-broker`}>Broker</label>
          <select id={`${id}-broker`} value={broker} onChange={(event) => setBroker(event.target.value)}>
            {sample.brokers.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <div className={styles.field}>
          <label htmlFor={`${id}-topic`}>Topic</label>
          <input id={`${id}-topic`} value={topic} placeholder={sample.summary.topic} spellCheck={false} onChange={(event) => setTopic(event.target.value)} />
        </div>
        {!single && (
          <>
            <div className={styles.field}>
              <label htmlFor={`${id}-canary`}>How many first, 0 for all at once</label>
              <input id={`${id}-canary`} inputMode="numeric" value={canary} aria-invalid={first === null || undefined} onChange={(event) => setCanary(event.target.value)} />
            </div>
            <label className={styles.check}>
              <input type="checkbox" checked={automatic} disabled={first === 0} onChange={(event) => setAutomatic(event.target.checked)} />
              Send the rest once those were processed
            </label>
          </>
        )}
      </div>
      {edit && (
        <div className={styles.field}>
          <label htmlFor={`${id}-body`}>Message</label>
          <textarea id={`${id}-body`} rows={8} value={body} spellCheck={false} onChange={(event) => setBody(event.target.value)} />
          {wasJson && indentJson(body) === null && <PartialNote>It was JSON, and is none any more.</PartialNote>}
        </div>
      )}
    </Form>
  );
}

interface DiscardFormProps {
  choice: LetterChoice;
  letters: number | null;
  onClose: () => void;
}

/** Lay letters to rest, with a word on why. */
export function DiscardForm({ choice, letters, onClose }: DiscardFormProps) {
  const id = useId();
  const refetch = useRefetchLetters();
  const [note, setNote] = useState("");
  const act = async () => {
    await request("/api/dead-letters/discard", { method: "POST", body: { ...choice, note } });
    await refetch();
    onClose();
  };
  return (
    <Form title={letters === null ? "Discard all open letters of this failure" : letters === 1 ? "Discard this letter" : `Discard ${formatCount(letters)} letters`} verb="Discard" onClose={onClose} act={act}>
      <p className="quiet">They stay where they are, and can be opened again.</p>
      <div className={styles.field}>
        <label htmlFor={`${id}-note`}>Why, for the audit log</label>
        <input id={`${id}-note`} autoFocus value={note} onChange={(event) => setNote(event.target.value)} />
      </div>
    </Form>
  );
}

/** A button that opens a replayed or discarded letter again. */
export function ReopenButton({ letterId }: { letterId: string }) {
  const refetch = useRefetchLetters();
  const [error, setError] = useState<Error | null>(null);
  const act = async () => {
    setError(null);
    try {
      await request("/api/dead-letters/reopen", { method: "POST", body: { ids: [letterId] } });
      await refetch();
    } catch (failure) {
      setError(failure as Error);
    }
  };
  return (
    <>
      <Button onClick={() => void act()}>Open again</Button>
      {error && <ErrorState title="It could not be opened again" error={error} />}
    </>
  );
}
