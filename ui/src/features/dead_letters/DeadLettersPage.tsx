import { useMemo } from "react";
import { useApi, useRangeQuery } from "../../api/queries";
import type { ActionsResponse, ClustersResponse, DeadLetterCluster, LetterAction } from "../../api/schema";
import { deadLettersLink, traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { Segmented } from "../../components/Segmented";
import { ServerSnippet } from "../../components/ServerSnippet";
import { Sparkline } from "../../components/Sparkline";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { useOpen } from "../../components/useOpen";
import { formatCount, MISSING } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { ActionWords } from "./ActionWords";
import styles from "./DeadLetters.module.css";
import { Replays } from "./Replays";

const VIEWS = ["failures", "replays", "audit"] as const;
type View = (typeof VIEWS)[number];

/** Messages that no consumer could process: by what failed alike, what was replayed, and who did what. */
export default function DeadLettersPage() {
  const shown = useParam("view");
  const view = VIEWS.find((name) => name === shown) ?? "failures";
  const setSearch = useSetSearch();
  const clusters = useRangeQuery<ClustersResponse>("/api/dead-letters", {}, { enabled: view === "failures" });
  const list = clusters.data?.data.clusters;
  const open = useMemo(() => list?.reduce((sum, cluster) => sum + cluster.open, 0) ?? 0, [list]);
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <Segmented<View>
          label="View"
          value={view}
          options={[
            { value: "failures", label: "Failures" },
            { value: "replays", label: "Replays" },
            { value: "audit", label: "Audit log" },
          ]}
          onChange={(next) => setSearch({ view: next === "failures" ? undefined : next, replay: undefined })}
        />
        {view === "failures" && list && list.length > 0 && (
          <span className="quiet number">
            {formatCount(list.length)} {list.length === 1 ? "kind of failure" : "kinds of failure"}, {formatCount(open)} letters open
          </span>
        )}
      </div>
      <div className={styles.fill}>
        {view === "replays" && <Replays />}
        {view === "audit" && <Audit />}
        {view === "failures" && (
          <QueryView query={clusters} failed="The dead letters could not be listed" skeleton={<Skeleton rows={10} />}>
            {({ data }) => (data.clusters.length === 0 ? <NoLetters /> : <Clusters clusters={data.clusters} />)}
          </QueryView>
        )}
      </div>
    </div>
  );
}

const COLUMNS: readonly Column<DeadLetterCluster>[] = [
  {
    key: "failure",
    title: "Failure",
    cell: (cluster) => (
      <PageLink {...deadLettersLink(cluster.fingerprint)} className={styles.failure} title={`${cluster.error_type}\n${cluster.sample_message}`}>
        <strong>{cluster.error_type || "Unknown error"}</strong> {cluster.error_shape}
      </PageLink>
    ),
    sortBy: ({ error_type: type, error_shape: shape }) => `${type} ${shape}`,
  },
  {
    key: "topic",
    title: "Topic",
    width: "15%",
    cell: ({ topic, system }) => (
      <span title={`${topic} (${system})`}>
        {topic || MISSING} <span className="quiet">{system}</span>
      </span>
    ),
    sortBy: ({ topic }) => topic,
  },
  {
    key: "services",
    title: "Service",
    width: "12%",
    cell: ({ services }) => <span title={services.join(", ")}>{services.join(", ") || MISSING}</span>,
    sortBy: ({ services }) => services.join(", "),
  },
  { key: "trend", title: "Over the range", width: "120px", cell: ({ counts }) => <Sparkline values={counts} tone="bad" label="Letters over the range" /> },
  { key: "letters", title: "Letters", numeric: true, width: "72px", cell: ({ letters }) => formatCount(letters), sortBy: ({ letters }) => letters },
  { key: "open", title: "Open", numeric: true, width: "64px", cell: ({ open }) => (open === 0 ? <span className="quiet">0</span> : formatCount(open)), sortBy: ({ open }) => open },
  { key: "tasks", title: "Tasks", numeric: true, width: "64px", cell: ({ tasks }) => formatCount(tasks), sortBy: ({ tasks }) => tasks },
  { key: "first", title: "First seen", numeric: true, width: "96px", cell: ({ first_ns: first }) => <Time ms={nsToMs(first)} style="age" />, sortBy: ({ first_ns: first }) => nsToMs(first) },
  { key: "last", title: "Last seen", numeric: true, width: "96px", cell: ({ last_ns: last }) => <Time ms={nsToMs(last)} style="age" />, sortBy: ({ last_ns: last }) => nsToMs(last) },
  {
    key: "sample",
    title: "Sample",
    numeric: true,
    width: "88px",
    cell: ({ fingerprint, sample_id: sample, sample_trace_id: trace }) => (
      <span className={styles.links}>
        <PageLink {...deadLettersLink(fingerprint, sample)}>Letter</PageLink>
        {trace !== "" && <PageLink {...traceLink(trace)}>Trace</PageLink>}
      </span>
    ),
  },
];

function Clusters({ clusters }: { clusters: readonly DeadLetterCluster[] }) {
  const open = useOpen();
  return (
    <Table
      label="Failures"
      columns={COLUMNS}
      rows={clusters}
      rowKey={({ fingerprint }) => fingerprint}
      onOpen={({ fingerprint }) => open(deadLettersLink(fingerprint))}
      initialSort={{ key: "last", descending: true }}
      height="100%"
      rowHeight={30}
      keyboard
    />
  );
}

const AUDIT_COLUMNS: readonly Column<LetterAction>[] = [
  { key: "at", title: "When", width: "160px", cell: ({ at_ns: at }) => <Time ms={nsToMs(at)} style="date" />, sortBy: ({ at_ns: at }) => nsToMs(at) },
  { key: "actor", title: "Who", width: "200px", cell: ({ actor }) => <span title={actor}>{actor}</span>, sortBy: ({ actor }) => actor },
  { key: "action", title: "What", width: "96px", cell: ({ action }) => action, sortBy: ({ action }) => action },
  { key: "letter", title: "Letter", width: "22%", cell: ({ letter_id: letter }) => <span className="mono" title={letter}>{letter || MISSING}</span>, sortBy: ({ letter_id: letter }) => letter },
  { key: "details", title: "Details", cell: (action) => <ActionWords action={action} /> },
];

function Audit() {
  const actions = useApi<ActionsResponse>("/api/dead-letters/audit", { limit: 1000 }, { refresh: true });
  return (
    <QueryView query={actions} failed="The audit log could not be read" skeleton={<Skeleton rows={8} />}>
      {({ actions: rows }) =>
        rows.length === 0 ? (
          <EmptyState title="Nobody did anything with a dead letter yet">
            <p>Replaying, discarding and opening again are written down here, with who did it and when.</p>
          </EmptyState>
        ) : (
          <Table label="Audit log" columns={AUDIT_COLUMNS} rows={rows} rowKey={({ at_ns: at, letter_id: letter, action }) => `${at} ${letter} ${action}`} height="100%" keyboard />
        )
      }
    </QueryView>
  );
}

const snippet = (endpoint: string) => `import gnomon
from gnomon.messaging import Consumer, RetryPolicy

gnomon.setup(service="billing", endpoint="${endpoint}")

consumer = Consumer("kafka://localhost:9092", "orders", charge, group="billing", retry=RetryPolicy(max_attempts=5))
await consumer.run()  # what fails five times moves to orders.dlq, and stands here
`;

function NoLetters() {
  const { text, set } = useTimeRange();
  return (
    <EmptyState title="No message was dead-lettered in this time range">
      {text.from !== "now-7d" && (
        <p>
          <Button onClick={() => set({ from: "now-7d", to: "now" })}>Look at the last 7 days</Button>
        </p>
      )}
      <p>
        Messages that a consumer gave up on stand here, those that failed alike together: look into them, send them anew, as they were or edited, a few
        first and the rest when those went well. The SDK’s consumer tells of them on Kafka, Redis Streams, RabbitMQ, NATS and SQLite:
      </p>
      <ServerSnippet text={snippet} />
    </EmptyState>
  );
}
