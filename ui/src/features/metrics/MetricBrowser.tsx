import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownWideNarrow, ArrowDownAZ, Plus } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useApi } from "../../api/queries";
import type { CardinalityResponse } from "../../api/schema";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { ErrorState, PartialNote, Skeleton } from "../../components/states";
import { formatCount, formatNumber } from "../../format/numbers";
import { selectorOf, starterQuery } from "./exploreState";
import styles from "./MetricBrowser.module.css";
import { labelCounts, type Metric, type Order, searchMetrics } from "./metricCatalog";
import { useMetricCatalog } from "./useMetricCatalog";

interface MetricBrowserProps {
  /** Show a query: in place of the one that is being edited, or beside it. */
  onShow: (expression: string, add: boolean) => void;
  /** The query that is being edited. */
  current: string;
}

const TYPES = ["counter", "gauge", "histogram", "summary", "info"];
const ROW_PX = 28;

/** Which metrics there are, what they are and how many series each has; a click shows one. */
export function MetricBrowser({ onShow, current }: MetricBrowserProps) {
  const { metrics, error, retry } = useMetricCatalog();
  const [typed, setTyped] = useState("");
  const [type, setType] = useState("");
  const [order, setOrder] = useState<Order>("name");
  const [chosen, setChosen] = useState("");
  const scroller = useRef<HTMLDivElement>(null);
  const found = useMemo(() => searchMetrics(metrics ?? [], typed, type, order), [metrics, typed, type, order]);
  const most = useMemo(() => Math.max(1, ...(metrics ?? []).map(({ series }) => series ?? 0)), [metrics]);
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({ count: found.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 10 });
  const choose = (metric: Metric, add: boolean) => {
    setChosen(metric.name);
    onShow(starterQuery(metric.name, metric.type, selectorOf(metric.name)), add);
  };
  const detail = metrics?.find(({ name }) => name === chosen);
  return (
    <aside className={styles.browser} aria-label="Metric browser">
      <div className={styles.head}>
        <input
          data-page-search
          className={styles.search}
          value={typed}
          placeholder={metrics ? `Search ${formatCount(metrics.length)} metrics` : "Search metrics"}
          aria-label="Search metrics"
          spellCheck={false}
          onChange={(event) => {
            setTyped(event.target.value);
            virtual.scrollToOffset(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found[0]) choose(found[0], false);
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <Button
          kind="plain"
          icon
          aria-label={order === "name" ? "Sort by number of series" : "Sort by name"}
          title={order === "name" ? "Sorted by name; sort by number of series" : "Sorted by number of series; sort by name"}
          onClick={() => setOrder(order === "name" ? "series" : "name")}
        >
          {order === "name" ? <ArrowDownAZ size={15} /> : <ArrowDownWideNarrow size={15} />}
        </Button>
      </div>
      <div className={styles.types} role="group" aria-label="Types">
        {TYPES.filter((one) => metrics?.some((metric) => metric.type === one)).map((one) => (
          <button key={one} type="button" aria-pressed={type === one} onClick={() => setType(type === one ? "" : one)}>
            {one}
          </button>
        ))}
      </div>
      <Refused />
      <div ref={scroller} className={styles.list}>
        {error && !metrics && <ErrorState title="The metrics could not be listed" error={error} onRetry={retry} />}
        {!error && !metrics && <Skeleton rows={12} height={16} />}
        {metrics && found.length === 0 && <p className={styles.none}>{metrics.length === 0 ? "No metric has come in yet." : "No metric has this in its name or help."}</p>}
        <ul style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const metric = found[item.index] as Metric;
            return (
              <li
                key={metric.name}
                className={styles.metric}
                data-current={current.includes(metric.name) || undefined}
                style={{ transform: `translateY(${item.start}px)`, height: ROW_PX }}
              >
                <button
                  type="button"
                  className={styles.show}
                  title={`${metric.name}${metric.help ? `\n${metric.help}` : ""}${metric.type ? `\n${metric.type}` : ""}`}
                  onClick={() => choose(metric, false)}
                >
                  <span className={styles.share} style={{ width: `${((metric.series ?? 0) / most) * 100}%` }} aria-hidden />
                  <MetricName name={metric.name} />
                  <span className="number quiet">{metric.series === null ? "" : formatNumber(metric.series)}</span>
                </button>
                <button type="button" className={styles.add} aria-label={`Add ${metric.name}`} title="Add as a query of its own" onClick={() => choose(metric, true)}>
                  <Plus size={12} />
                </button>
              </li>
            );
          })}
        </ul>
      </div>
      {detail && <MetricDetail key={detail.name} metric={detail} onShow={onShow} />}
    </aside>
  );
}

/** One line where a limit keeps new series out; Cardinality tells the rest. */
function Refused() {
  const cardinality = useApi<CardinalityResponse>("/api/cardinality", { limit: 5 }, { refresh: true });
  const [first, ...others] = cardinality.data?.refused ?? [];
  if (!first) return null;
  return (
    <PartialNote>
      New series of {first.metric === "" ? "all metrics" : <code>{first.metric}</code>} are refused
      {first.label !== "" && (
        <>
          , most likely because of <code>{first.label}</code>
        </>
      )}
      {others.length > 0 && `, and of ${formatCount(others.length)} more`}. <PageLink to="/explore/cardinality">See which</PageLink>
    </PartialNote>
  );
}

const TAIL = 12;

/** A name that, where there is no room for it, lacks its middle: the end tells buckets from sums. */
function MetricName({ name }: { name: string }) {
  const at = Math.max(name.length - TAIL, 0);
  return (
    <span className={styles.name}>
      <span className="truncate">{name.slice(0, at)}</span>
      <span>{name.slice(at)}</span>
    </span>
  );
}

const MOST_SERIES = 2_000;

/** What a metric is, and which of its labels make its series many. */
function MetricDetail({ metric, onShow }: { metric: Metric; onShow: MetricBrowserProps["onShow"] }) {
  const [opened, setOpened] = useState("");
  const series = useApi<{ data: readonly Record<string, string>[] }>("/api/v1/series", {
    "match[]": `{__name__=${JSON.stringify(metric.name)}}`,
    limit: MOST_SERIES,
  });
  const labels = useMemo(() => labelCounts(series.data?.data ?? []), [series.data]);
  const isPart = (series.data?.data.length ?? 0) >= MOST_SERIES;
  return (
    <section className={styles.detail} aria-label={metric.name}>
      <h3 className="truncate" title={metric.name}>
        {metric.name}
      </h3>
      <p className="quiet">
        {[metric.type, metric.unit && `in ${metric.unit}`, metric.series !== null && `${formatCount(metric.series)} series`].filter(Boolean).join(", ")}
      </p>
      {metric.help && <p>{metric.help}</p>}
      <ul>
        {labels.map(({ label, values, examples }) => (
          <li key={label}>
            <button type="button" aria-expanded={opened === label} className={styles.label} onClick={() => setOpened(opened === label ? "" : label)}>
              <span className="truncate">{label}</span>
              <span className="number quiet">
                {formatCount(values)}
                {isPart && "+"} {values === 1 ? "value" : "values"}
              </span>
            </button>
            {opened === label && (
              <ul className={styles.values}>
                {examples.map((value) => (
                  <li key={value}>
                    <button
                      type="button"
                      title={`Only ${label}="${value}"`}
                      onClick={() => onShow(starterQuery(metric.name, metric.type, selectorWith(metric.name, label, value)), false)}
                    >
                      <span className="truncate">{value || "(empty)"}</span>
                    </button>
                  </li>
                ))}
                {values > examples.length && <li className="quiet">and {formatCount(values - examples.length)} more</li>}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function selectorWith(metric: string, label: string, value: string): string {
  const name = /^[a-zA-Z_]\w*$/.test(label) ? label : JSON.stringify(label);
  const matcher = `${name}=${JSON.stringify(value)}`;
  const bare = selectorOf(metric);
  return bare.endsWith("}") ? `${bare.slice(0, -1)}, ${matcher}}` : `${bare}{${matcher}}`;
}
