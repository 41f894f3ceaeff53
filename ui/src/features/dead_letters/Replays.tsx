import { CircleAlert, CircleCheck, CircleDashed, CirclePause, Send } from "lucide-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { request } from "../../api/client";
import { useApi } from "../../api/queries";
import type { BatchesResponse, ReplayBatch, ReplayOutcome } from "../../api/schema";
import { traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../components/Button";
import { Id } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { EmptyState, ErrorState, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatCount } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./DeadLetters.module.css";

const WATCH_MS = 2_000;

const count = (batch: ReplayBatch, ...outcomes: ReplayOutcome["outcome"][]) => batch.letters.filter(({ outcome }) => outcomes.includes(outcome)).length;

const COLUMNS: readonly Column<ReplayBatch>[] = [
  { key: "at", title: "Begun", width: "160px", cell: ({ created_ns: at }) => <Time ms={nsToMs(at)} style="date" />, sortBy: ({ created_ns: at }) => nsToMs(at) },
  { key: "status", title: "State", width: "120px", cell: (batch) => <Status batch={batch} />, sortBy: ({ status }) => status },
  { key: "letters", title: "Letters", numeric: true, width: "72px", cell: ({ letters }) => formatCount(letters.length), sortBy: ({ letters }) => letters.length },
  { key: "canary", title: "First", numeric: true, width: "64px", hint: "How many went first", cell: ({ canary }) => (canary === 0 ? "all" : formatCount(canary)), sortBy: ({ canary }) => canary },
  { key: "processed", title: "Processed", numeric: true, width: "80px", cell: (batch) => formatCount(count(batch, "processed")), sortBy: (batch) => count(batch, "processed") },
  { key: "again", title: "Failed again", numeric: true, width: "88px", cell: (batch) => formatCount(count(batch, "dead_lettered", "failed")), sortBy: (batch) => count(batch, "dead_lettered", "failed") },
  { key: "waiting", title: "Held back", numeric: true, width: "80px", cell: (batch) => formatCount(count(batch, "waiting")), sortBy: (batch) => count(batch, "waiting") },
  { key: "actor", title: "Who", width: "18%", cell: ({ actor }) => actor, sortBy: ({ actor }) => actor },
  { key: "reason", title: "Why it stands", cell: ({ reason }) => <span title={reason}>{reason}</span> },
];

/** All replays, and one of them to watch. */
export function Replays() {
  const chosen = useParam("replay");
  const setSearch = useSetSearch();
  const batches = useApi<BatchesResponse>("/api/dead-letters/replays", {}, { refresh: true });
  useShortcuts([{ keys: "Escape", does: "Close the replay", group: "Dead letters", run: () => setSearch({ replay: undefined }, { replace: true }) }], chosen !== "");
  return (
    <div className={styles.replays} data-split={chosen !== "" || undefined}>
      {chosen !== "" && <WatchedReplay id={chosen} onClose={() => setSearch({ replay: undefined }, { replace: true })} />}
      <QueryView query={batches} failed="The replays could not be listed" skeleton={<Skeleton rows={6} />}>
        {({ batches: rows }) =>
          rows.length === 0 ? (
            <EmptyState title="Nothing was replayed yet">
              <p>Open a failure and choose Replay: its letters go back to where they came from, each in a new trace that is linked to the one that failed.</p>
            </EmptyState>
          ) : (
            <Table label="Replays" columns={COLUMNS} rows={rows} rowKey={({ id }) => id} onOpen={({ id }) => setSearch({ replay: id }, { replace: true })} height="100%" keyboard />
          )
        }
      </QueryView>
    </div>
  );
}

function Status({ batch }: { batch: ReplayBatch }) {
  const failed = count(batch, "dead_lettered", "failed") > 0;
  const [Icon, tone, words] =
    batch.status === "stopped"
      ? [CirclePause, styles.bad, "stopped"]
      : failed
        ? [CircleAlert, styles.bad, batch.status === "done" ? "sent, some failed" : "watching"]
        : batch.status === "watching"
          ? [CircleDashed, styles.warn, "watching"]
          : count(batch, "sent") > 0
            ? [Send, "quiet", "sent"]
            : [CircleCheck, styles.good, "processed"];
  return (
    <span className={styles.state}>
      <Icon size={14} className={tone} aria-hidden /> {words}
    </span>
  );
}

const OUTCOMES: Readonly<Record<ReplayOutcome["outcome"], string>> = {
  waiting: "held back",
  sent: "sent, not yet seen processed",
  processed: "processed",
  dead_lettered: "dead-lettered again",
  failed: "not taken by the broker",
};

/** One replay as it goes on: what became of each letter, and the way to send the rest or to stop. */
export function WatchedReplay({ id, onClose }: { id: string; onClose: () => void }) {
  const path = `/api/dead-letters/replays/${encodeURIComponent(id)}`;
  const batch = useApi<ReplayBatch>(path);
  const client = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const isOpen = batch.data === undefined || batch.data.status === "watching" || count(batch.data, "sent") > 0;
  const { refetch } = batch;
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void refetch();
    }, WATCH_MS);
    return () => {
      clearInterval(timer);
    };
  }, [isOpen, refetch]);
  const act = async (action: "continue" | "stop") => {
    setBusy(true);
    setError(null);
    try {
      client.setQueryData([path, {}], await request<ReplayBatch>(`${path}/${action}`, { method: "POST" }));
      await client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith("/api/dead-letters") });
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className={styles.panel} aria-label="Replay">
      <QueryView query={batch} failed="The replay could not be read" skeleton={<Skeleton rows={4} />}>
        {(data) => (
          <>
            <div className={styles.panelHead}>
              <h2>
                Replay of {formatCount(data.letters.length)} {data.letters.length === 1 ? "letter" : "letters"} <Status batch={data} />
              </h2>
              <Button kind="plain" onClick={onClose}>
                Close
              </Button>
            </div>
            <p role="status">
              {formatCount(count(data, "processed"))} processed, {formatCount(count(data, "dead_lettered", "failed"))} failed again, {formatCount(count(data, "sent"))} under way,{" "}
              {formatCount(count(data, "waiting"))} held back. <span className="quiet">{nextWords(data)}</span>
            </p>
            {data.status !== "done" && (
              <div className={styles.actions}>
                {count(data, "waiting") > 0 && (
                  <Button kind="primary" disabled={busy} onClick={() => void act("continue")}>
                    Send the other {formatCount(count(data, "waiting"))} now
                  </Button>
                )}
                {data.status === "watching" && (
                  <Button disabled={busy} onClick={() => void act("stop")}>
                    Stop here
                  </Button>
                )}
              </div>
            )}
            {error && <ErrorState title="That did not work" error={error} />}
            <div className={styles.outcomes}>
              <Table label="Letters of the replay" columns={OUTCOME_COLUMNS} rows={data.letters} rowKey={({ letter_id: letter }) => letter} />
            </div>
          </>
        )}
      </QueryView>
    </section>
  );
}

function nextWords(batch: ReplayBatch): string {
  if (batch.status === "stopped") return `Stopped: ${batch.reason}.`;
  if (batch.status === "done") return count(batch, "sent") > 0 ? "All are sent; this watches until a consumer has taken them." : "";
  return batch.automatic ? "The rest follows by itself once these are processed, and stays if one fails." : "The rest waits for you.";
}

const OUTCOME_COLUMNS: readonly Column<ReplayOutcome>[] = [
  { key: "letter", title: "Letter", cell: ({ letter_id: letter }) => <Id id={letter} length={28} /> },
  {
    key: "outcome",
    title: "What became of it",
    cell: ({ outcome, error }) => (
      <span className={outcome === "failed" || outcome === "dead_lettered" ? styles.bad : outcome === "processed" ? styles.good : undefined} title={error}>
        {OUTCOMES[outcome]}
        {error && `: ${error}`}
      </span>
    ),
  },
  { key: "trace", title: "", width: "88px", numeric: true, cell: ({ trace_id: trace }) => (trace === "" ? null : <PageLink {...traceLink(trace)}>New trace</PageLink>) },
];
