import { CircleAlert } from "lucide-react";
import { useApi } from "../../api/queries";
import type { CardinalityResponse, CountedName, RefusedSeriesResponse } from "../../api/schema";
import { usePageTitle } from "../../app/title";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatBytes, formatCount, formatShare } from "../../format/numbers";
import styles from "./CardinalityPage.module.css";
import { selectorOf } from "./exploreState";
import { seriesText } from "./legend";

const LISTED = 100;

/** Which metric and which label make the series many, and which new series were refused. */
export default function CardinalityPage() {
  usePageTitle("Cardinality", [{ label: "Metrics", to: "/explore" }]);
  const query = useApi<CardinalityResponse>("/api/cardinality", { limit: LISTED }, { refresh: true });
  return (
    <QueryView query={query} failed="The store could not be asked for its series" skeleton={<Skeleton rows={12} />}>
      {(data) =>
        data.series === 0 && data.refused.length === 0 ? (
          <EmptyState title="No series yet">
            <p>As soon as metrics come in, this page tells which of them, and which of their labels, take the most room.</p>
          </EmptyState>
        ) : (
          <Tables data={data} />
        )
      }
    </QueryView>
  );
}

/** As high as its rows, up to ten of them. */
const heightFor = (rows: number) => `${Math.min(rows + 1, 11) * 29}px`;

const rowKey = ({ name }: CountedName) => name;

function Tables({ data }: { data: CardinalityResponse }) {
  const share = (value: number) => <Share value={value} whole={data.series} />;
  const bytes = new Map(data.bytes_by_label.map(({ name, count }) => [name, count]));
  const metricColumns: Column<CountedName>[] = [
    {
      key: "name",
      title: "Metric",
      sortBy: ({ name }) => name,
      cell: ({ name }) => (
        <PageLink to="/explore" search={{ q: selectorOf(name), view: "table" }} title={name}>
          <code>{name}</code>
        </PageLink>
      ),
    },
    { key: "series", title: "Series", numeric: true, width: "96px", sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
    { key: "share", title: "Of all series", width: "168px", sortBy: ({ count }) => count, cell: ({ count }) => share(count) },
    {
      key: "limit",
      title: "Of its limit",
      width: "168px",
      hint: `A metric may have ${formatCount(data.metric_limit)} active series`,
      sortBy: ({ count }) => count,
      cell: ({ count }) => <Share value={count} whole={data.metric_limit} warn />,
    },
  ];
  const labelColumns: Column<CountedName>[] = [
    {
      key: "name",
      title: "Label",
      sortBy: ({ name }) => name,
      cell: ({ name }) => (
        <PageLink
          to="/explore"
          search={{ q: `topk(20, count by (__name__) ({${labelName(name)}!=""}))`, view: "table" }}
          title={`The metrics that bear ${name}`}
        >
          <code>{name}</code>
        </PageLink>
      ),
    },
    { key: "values", title: "Values", numeric: true, width: "96px", sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
    {
      key: "bytes",
      title: "In memory",
      numeric: true,
      width: "96px",
      hint: "What its values take in the index",
      sortBy: ({ name }) => bytes.get(name) ?? null,
      cell: ({ name }) => formatBytes(bytes.get(name)),
    },
  ];
  const pairColumns: Column<CountedName>[] = [
    { key: "name", title: "Label and value", sortBy: ({ name }) => name, cell: ({ name }) => <code title={name}>{name}</code> },
    { key: "series", title: "Series", numeric: true, width: "96px", sortBy: ({ count }) => count, cell: ({ count }) => formatCount(count) },
    { key: "share", title: "Of all series", width: "168px", sortBy: ({ count }) => count, cell: ({ count }) => share(count) },
  ];
  const metrics = data.values_by_label.find(({ name }) => name === "__name__")?.count;
  return (
    <div className={styles.page}>
      <dl className={styles.figures}>
        <Figure name="Series" value={formatCount(data.series)} note="within retention" />
        <Figure
          name="Active"
          value={formatCount(data.active_series)}
          note={`today or yesterday; ${formatShare(data.series_limit > 0 ? data.active_series / data.series_limit : null)} of the limit of ${formatCount(data.series_limit)}`}
        />
        <Figure name="Metrics" value={formatCount(metrics)} note={`each may have ${formatCount(data.metric_limit)} active series`} />
        <Figure name="Label values" value={formatCount(data.label_pairs)} note="in the index" />
      </dl>
      {data.refused.length > 0 && (
        <Section title="New series refused" aside="since the server started">
          <Refused refused={data.refused} />
        </Section>
      )}
      <Section title="Metrics with the most series" aside={`the first ${LISTED}`}>
        <Table label="Metrics with the most series" rows={data.series_by_metric} columns={metricColumns} rowKey={rowKey} height={heightFor(data.series_by_metric.length)} keyboard />
      </Section>
      <div className={styles.split}>
        <Section title="Labels with the most values" aside={`the first ${LISTED}`}>
          <Table label="Labels with the most values" rows={data.values_by_label} columns={labelColumns} rowKey={rowKey} height={heightFor(data.values_by_label.length)} />
        </Section>
        <Section title="Label values in the most series" aside={`the first ${LISTED}`}>
          <Table label="Label values in the most series" rows={data.series_by_pair} columns={pairColumns} rowKey={rowKey} height={heightFor(data.series_by_pair.length)} />
        </Section>
      </div>
    </div>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{value}</dd>
      <dd className="quiet">{note}</dd>
    </div>
  );
}

function Share({ value, whole, warn = false }: { value: number; whole: number; warn?: boolean }) {
  const part = whole > 0 ? Math.min(1, value / whole) : 0;
  return (
    <span className={styles.share}>
      <span className={styles.track} data-full={(warn && part >= 0.8) || undefined} aria-hidden>
        <span style={{ width: `${part * 100}%` }} />
      </span>
      <span className="number">{formatShare(whole > 0 ? value / whole : null)}</span>
    </span>
  );
}

/** What a limit kept out, and the label that most likely makes the series so many. */
function Refused({ refused }: { refused: readonly RefusedSeriesResponse[] }) {
  return (
    <ul className={styles.refused} aria-label="New series refused">
      {refused.map(({ metric, samples, last_ms: lastMs, limit, label, label_values: values, example }) => (
        <li key={metric}>
          <CircleAlert size={16} aria-hidden />
          <div>
            <p>
              {metric === "" ? <b>All metrics together</b> : <code>{metric}</code>} reached its limit of {formatCount(limit)} active series:{" "}
              {formatCount(samples)} samples of new series were not stored, the last <Time ms={lastMs} style="age" />.
            </p>
            {label !== "" && (
              <p>
                Most likely because of the label <code>{label}</code>, which has {formatCount(values)} values
                {example[label] !== undefined && (
                  <>
                    , such as <code>{example[label]}</code>
                  </>
                )}
                . Drop it with <code>metric_relabel_configs</code> or at the sender, or raise <code>{metric === "" ? "metrics.max_series" : "metrics.max_series_per_metric"}</code>.
              </p>
            )}
            <p className="quiet truncate" title={seriesText(example)}>
              For example <code>{seriesText(example)}</code>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

const labelName = (name: string) => (/^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name));
