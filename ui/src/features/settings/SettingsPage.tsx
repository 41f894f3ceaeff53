import { useApi } from "../../api/queries";
import type { SettingResponse, SettingsResponse, StatusResponse, StorageResponse } from "../../api/schema";
import { Connect } from "../../components/Connect";
import { reachable } from "../../components/connectSnippets";
import { CopyButton } from "../../components/Copyable";
import { Section } from "../../components/Section";
import { QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatDuration, SECOND_NS } from "../../format/durations";
import { formatBytes, formatNumber } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { Facts } from "./Facts";
import styles from "./SettingsPage.module.css";
import { Storage } from "./Storage";

/** Where data comes in, what is kept, what is limited, and what this Gnomon is. */
export default function SettingsPage() {
  const status = useApi<StatusResponse>("/api/status", {}, { refresh: true });
  const storage = useApi<StorageResponse>("/api/storage", {}, { refresh: true });
  const settings = useApi<SettingsResponse>("/api/settings");
  return (
    <div className={styles.page}>
      <Section title="Send data here">
        <div className={styles.split}>
          <QueryView query={status} failed="The addresses could not be read">
            {({ endpoints }) => <Endpoints endpoints={endpoints} />}
          </QueryView>
          <Connect />
        </div>
      </Section>
      <Section title="Storage">
        <QueryView query={storage} failed="Storage could not be measured" skeleton={<Skeleton rows={6} />}>
          {(data) => <Storage storage={data} />}
        </QueryView>
      </Section>
      <Section title="Limits of one request">
        <QueryView query={status} failed="The limits could not be read">
          {({ limits }) => (
            <Facts
              facts={[
                { name: "Body", value: formatBytes(limits.body_bytes), note: "larger ones are refused before they are read" },
                { name: "Query time", value: formatDuration(limits.query_time_s * SECOND_NS), note: "then the query ends with an error" },
                { name: "Query memory", value: formatBytes(limits.query_memory_bytes), note: "the engine's, for one query" },
                { name: "Result", value: `${formatNumber(limits.result_rows)} rows`, note: "pages are smaller" },
              ]}
            />
          )}
        </QueryView>
      </Section>
      <Section title="Effective settings" aside="from files, the environment and the command line">
        <QueryView query={settings} failed="The settings could not be read" skeleton={<Skeleton rows={8} />}>
          {({ settings: rows }) => (
            <Table label="Effective settings" rows={rows} rowKey={({ key }) => key} columns={SETTINGS} rowHeight={28} />
          )}
        </QueryView>
      </Section>
      <Section title="About">
        <QueryView query={status} failed="The state could not be read">
          {(data) => (
            <Facts
              facts={[
                { name: "Version", value: data.version },
                { name: "Running for", value: formatDuration(data.uptime_s * SECOND_NS), note: <>since <Time ms={nsToMs(data.started_at_ns)} style="date" /></> },
                { name: "Access", value: data.keys_required ? "API keys" : "Open", note: data.keys_required ? "gnomon keys create makes one" : "to this machine alone: the server listens on loopback" },
                { name: "API", value: <a href="/api/docs">/api/docs</a>, note: "every route, and OpenAPI" },
              ]}
            />
          )}
        </QueryView>
      </Section>
    </div>
  );
}

const SETTINGS: readonly Column<SettingResponse>[] = [
  {
    key: "key",
    title: "Setting",
    width: "24%",
    sortBy: ({ key }) => key,
    cell: ({ key }) => (
      <code className="truncate" title={key}>
        {key}
      </code>
    ),
  },
  { key: "value", title: "Value", width: "24%", cell: ({ value }) => <code title={value}>{value || "–"}</code> },
  { key: "source", title: "From", width: "16%", sortBy: ({ source }) => source, cell: ({ source }) => <span title={source}>{source}</span> },
  {
    key: "description",
    title: "Meaning",
    cell: ({ description, reloadable }) => (
      <span className="quiet" title={description}>
        {description}
        {reloadable && " Applies on reload."}
      </span>
    ),
  },
];

function Endpoints({ endpoints }: { endpoints: StatusResponse["endpoints"] }) {
  const rows: [string, string][] = [
    ["OTLP over HTTP", endpoints.otlp_http],
    ["OTLP over gRPC", endpoints.otlp_grpc],
    ["Prometheus remote write", endpoints.remote_write],
    ["Loki push", endpoints.loki_push],
    ["JSON Lines", endpoints.jsonl],
    ["Jaeger query, for Grafana", endpoints.jaeger_query],
  ];
  return (
    <dl className={styles.endpoints}>
      {rows.map(([name, address]) => {
        const here = reachable(address, window.location.hostname);
        return (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code className="truncate" title={here}>
                {here}
              </code>
              <CopyButton text={here} label={`Copy the address for ${name}`} words={false} />
            </dd>
          </div>
        );
      })}
      <p className="quiet">OTLP over HTTP is taken on the main port, too, at /v1/traces, /v1/logs and /v1/metrics.</p>
    </dl>
  );
}
