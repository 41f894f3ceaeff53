import { useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useApi, useRangeQuery } from "../../api/queries";
import type { ClustersResponse, DeadLetterCluster, LettersResponse, LetterSummary, OpenedLetter } from "../../api/schema";
import { taskLink, traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { usePageTitle } from "../../app/title";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { Segmented } from "../../components/Segmented";
import { Sparkline } from "../../components/Sparkline";
import { EmptyState, PartialNote, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatCount, MISSING } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./DeadLetters.module.css";
import { LetterPanel, StatusMark } from "./LetterPanel";
import { DiscardForm, ReplayForm } from "./ReplayForm";
import { WatchedReplay } from "./Replays";

const MOST = 500;
const STATUSES = ["", "open", "replayed", "discarded"] as const;
type Status = (typeof STATUSES)[number];

/** Letters that failed alike: one by one, and what can be done with all of them. */
export default function FailurePage() {
  const { fingerprint = "" }: { fingerprint?: string } = useParams({ strict: false });
  const { text, set } = useTimeRange();
  const clusters = useRangeQuery<ClustersResponse>("/api/dead-letters");
  const cluster = clusters.data?.data.clusters.find((candidate) => candidate.fingerprint === fingerprint);
  usePageTitle(cluster ? `${cluster.error_type || "Failure"} on ${cluster.topic || "a topic"}` : "Failure", [{ label: "Dead letters", to: "/dead-letters" }]);
  return (
    <QueryView query={clusters} failed="The failure could not be read" skeleton={<Skeleton rows={12} />}>
      {() =>
        cluster ? (
          <Failure cluster={cluster} />
        ) : (
          <EmptyState title="Nothing failed like this in this time range">
            <p>
              {text.from !== "now-7d" && <Button onClick={() => set({ from: "now-7d", to: "now" })}>Look at the last 7 days</Button>}{" "}
              <PageLink to="/dead-letters">All dead letters</PageLink>
            </p>
          </EmptyState>
        )
      }
    </QueryView>
  );
}

function Failure({ cluster }: { cluster: DeadLetterCluster }) {
  const { fingerprint } = cluster;
  const letterId = useParam("letter");
  const replayId = useParam("replay");
  const shown = useParam("status");
  const status = STATUSES.find((name) => name === shown) ?? "";
  const setSearch = useSetSearch();
  const [form, setForm] = useState<"" | "replay" | "discard">("");
  const letters = useRangeQuery<LettersResponse>("/api/dead-letters/letters", { fingerprint, status, limit: MOST });
  const sample = useApi<OpenedLetter>(`/api/dead-letters/letters/${encodeURIComponent(cluster.sample_id)}`);
  const close = () => setSearch({ letter: undefined, replay: undefined }, { replace: true });
  const noBroker = sample.data?.brokers.length === 0;
  useShortcuts([{ keys: "Escape", does: "Close what is open", group: "Dead letters", run: close }], letterId !== "" || replayId !== "");
  useShortcuts([{ keys: "r", does: "Replay all open letters of the failure", group: "Dead letters", run: () => setForm("replay") }], cluster.open > 0 && !noBroker && form === "");
  const side = letterId !== "" || replayId !== "";
  return (
    <div className={styles.failurePage}>
      <div>
        <p className={styles.message}>
          <strong>{cluster.error_type || "Unknown error"}</strong> {cluster.error_shape}
        </p>
        <dl className={styles.facts}>
          <Fact name="Topic">
            {cluster.topic || MISSING} <span className="quiet">{cluster.system}</span>
          </Fact>
          <Fact name="Service">{cluster.services.join(", ") || MISSING}</Fact>
          <Fact name="Letters">
            {formatCount(cluster.letters)}, {formatCount(cluster.open)} open
          </Fact>
          <Fact name="Tasks">{formatCount(cluster.tasks)}</Fact>
          <Fact name="First seen">
            <Time ms={nsToMs(cluster.first_ns)} style="age" />
          </Fact>
          <Fact name="Last seen">
            <Time ms={nsToMs(cluster.last_ns)} style="age" />
          </Fact>
          <Fact name="Over the range">
            <Sparkline values={cluster.counts} tone="bad" width={160} label="Letters over the range" />
          </Fact>
          {cluster.sample_trace_id !== "" && (
            <Fact name="Latest">
              <PageLink {...traceLink(cluster.sample_trace_id)}>Failing trace</PageLink>
            </Fact>
          )}
        </dl>
      </div>
      {form === "" ? (
        <div className={styles.actions}>
          <Segmented<Status>
            label="Letters"
            value={status}
            options={[
              { value: "", label: "All" },
              { value: "open", label: "Open" },
              { value: "replayed", label: "Replayed" },
              { value: "discarded", label: "Discarded" },
            ]}
            onChange={(next) => setSearch({ status: next }, { replace: true })}
          />
          <Button kind="primary" title="Replay all open letters of this failure (r)" disabled={cluster.open === 0 || sample.data === undefined || noBroker} onClick={() => setForm("replay")}>
            Replay open letters
          </Button>
          <Button disabled={cluster.open === 0} onClick={() => setForm("discard")}>
            Discard open letters
          </Button>
          {noBroker && (
            <PartialNote>
              No broker of the kind {cluster.system || "that they came from"} is configured, so none can be replayed. Open a letter to see what to add to gnomon.yml.
            </PartialNote>
          )}
        </div>
      ) : form === "discard" ? (
        <DiscardForm choice={{ ids: [], fingerprint }} letters={null} onClose={() => setForm("")} />
      ) : (
        sample.data && (
          <ReplayForm
            choice={{ ids: [], fingerprint }}
            letters={null}
            sample={sample.data}
            onClose={() => setForm("")}
            onSent={({ id }) => {
              setForm("");
              setSearch({ replay: id, letter: undefined });
            }}
          />
        )
      )}
      <div className={styles.split} data-split={side || undefined}>
        <QueryView query={letters} failed="The letters could not be listed" skeleton={<Skeleton rows={8} />}>
          {({ data }) =>
            data.letters.length === 0 ? (
              <EmptyState title={`No letter of this failure is ${status || "here"}`} />
            ) : (
              <Letters letters={data.letters} narrow={side} onOpen={(id) => setSearch({ letter: id, replay: undefined }, { replace: side })} />
            )
          }
        </QueryView>
        {replayId !== "" ? (
          <WatchedReplay id={replayId} onClose={close} />
        ) : (
          letterId !== "" && <LetterPanel letterId={letterId} onClose={close} onReplayed={(id) => setSearch({ replay: id, letter: undefined })} />
        )}
      </div>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const COLUMNS: readonly Column<LetterSummary>[] = [
  { key: "time", title: "Dead-lettered", width: "96px", cell: ({ time_ns: time }) => <Time ms={nsToMs(time)} style="age" />, sortBy: ({ time_ns: time }) => nsToMs(time) },
  { key: "status", title: "State", width: "104px", cell: ({ status }) => <StatusMark status={status} />, sortBy: ({ status }) => status },
  { key: "message", title: "Error", cell: ({ error_message: message }) => <span title={message}>{message || MISSING}</span>, sortBy: ({ error_message: message }) => message },
];

const MORE: readonly Column<LetterSummary>[] = [
  { key: "attempts", title: "Attempts", numeric: true, width: "72px", cell: ({ attempts }) => formatCount(attempts), sortBy: ({ attempts }) => attempts },
  { key: "task", title: "Task", width: "16%", cell: ({ task_id: task }) => (task === "" ? MISSING : <PageLink {...taskLink(task)} title={task}>{task}</PageLink>), sortBy: ({ task_id: task }) => task },
  { key: "trace", title: "Trace", width: "64px", cell: ({ trace_id: trace, span_id: span }) => (trace === "" ? MISSING : <PageLink {...traceLink(trace, span)}>Trace</PageLink>) },
];

function Letters({ letters, narrow, onOpen }: { letters: readonly LetterSummary[]; narrow: boolean; onOpen: (id: string) => void }) {
  return (
    <>
      <Table
        label="Letters"
        columns={narrow ? COLUMNS : [...COLUMNS, ...MORE]}
        rows={letters}
        rowKey={({ id }) => id}
        onOpen={({ id }) => onOpen(id)}
        initialSort={{ key: "time", descending: true }}
        height={letters.length === MOST ? "calc(100% - 20px)" : "100%"}
        keyboard
      />
      {letters.length === MOST && <PartialNote>These are the latest {formatCount(MOST)} letters of the range.</PartialNote>}
    </>
  );
}
