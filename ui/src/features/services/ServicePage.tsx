import { useParams } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { useRangeQuery } from "../../api/queries";
import type { OperationList, OperationSummary } from "../../api/schema";
import { serviceLogsLink, serviceTracesLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { momentText, type MomentRange } from "../../app/timeRange";
import { usePageTitle } from "../../app/title";
import { TimeSeriesChart } from "../../charts/TimeSeriesChart";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { Sparkline } from "../../components/Sparkline";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, formatRate, formatShare } from "../../format/numbers";
import { Failed } from "./Failed";
import { NoSpans } from "./NoSpans";
import styles from "./Services.module.css";

/** One service: rate, errors and duration over time, in all and by operation. */
export default function ServicePage() {
  const { service = "" }: { service?: string } = useParams({ strict: false });
  const operation = useParam("operation");
  const setSearch = useSetSearch();
  usePageTitle(service, [{ label: "Services", to: "/services" }]);
  const all = useRangeQuery<OperationList>("/api/tracing/operations", { service, limit: 500 });
  const one = useRangeQuery<OperationList>("/api/tracing/operations", { service, name: operation, limit: 1 }, { enabled: operation !== "" });
  useShortcuts(
    [{ keys: "Escape", does: "Show all operations", group: "Service", run: () => setSearch({ operation: undefined }, { replace: true }) }],
    operation !== "",
  );
  return (
    <div className={styles.service}>
      <QueryView query={operation === "" ? all : one} failed="The service could not be read" skeleton={<Skeleton rows={12} />}>
        {({ data, range }) =>
          data.totals.spans === 0 && operation === "" ? (
            <NoSpans title={`${service} sent no spans in this time range`} />
          ) : (
            <Red
              list={data}
              range={range}
              service={service}
              operation={operation}
              onAll={() => setSearch({ operation: undefined }, { replace: true })}
            />
          )
        }
      </QueryView>
      <QueryView query={all} failed="The operations could not be listed" skeleton={<Skeleton rows={8} />}>
        {({ data }) =>
          data.operations.length === 0 ? null : (
            <Operations list={data} current={operation} onOpen={(name) => setSearch({ operation: name === operation ? undefined : name }, { replace: true })} />
          )
        }
      </QueryView>
    </div>
  );
}

interface RedProps {
  list: OperationList;
  range: MomentRange;
  service: string;
  operation: string;
  onAll: () => void;
}

function Red({ list, range, service, operation, onAll }: RedProps) {
  const { totals, series, steps_ms: times, step_s: step } = list;
  const open = useOpen();
  const traces = (errors: boolean) => serviceTracesLink(service, { ...(operation === "" ? {} : { operation }), errors });
  const openAt = (errors: boolean) => (timeMs: number) => {
    const target = traces(errors);
    open({ ...target, search: { ...target.search, from: momentText(timeMs), to: momentText(timeMs + step * 1000) } });
  };
  const rate = useMemo(() => [{ name: "Rate", values: series.rate_per_s, color: "var(--series-1)" }], [series]);
  const errors = useMemo(() => [{ name: "Failed", values: series.errors_per_s, color: "var(--mark-bad)" }], [series]);
  const durations = useMemo(
    () => [
      { name: "p50", values: series.p50_ns, color: "var(--series-3)" },
      { name: "p95", values: series.p95_ns, color: "var(--series-1)" },
      { name: "p99", values: series.p99_ns, color: "var(--series-8)" },
    ],
    [series],
  );
  return (
    <>
      <dl className={styles.facts}>
        <Fact name="Rate">{formatRate(totals.rate_per_s)}</Fact>
        <Fact name="Failed">
          <Failed share={totals.error_share} />
        </Fact>
        <Fact name="p50">{formatDuration(totals.p50_ns)}</Fact>
        <Fact name="p95">{formatDuration(totals.p95_ns)}</Fact>
        <Fact name="p99">{formatDuration(totals.p99_ns)}</Fact>
        <Fact name="Spans">{formatCount(totals.spans)}</Fact>
        {operation !== "" && (
          <Fact name="Operation">
            {operation} <Button onClick={onAll}>Show all</Button>
          </Fact>
        )}
        <div className={styles.links}>
          <PageLink {...traces(false)}>Traces</PageLink>
          {totals.errors > 0 && <PageLink {...traces(true)}>Errors</PageLink>}
          <PageLink {...serviceLogsLink(service)}>Logs</PageLink>
          <PageLink to="/services/map" search={{ service }}>
            On the map
          </PageLink>
        </div>
      </dl>
      <div className={styles.charts}>
        <TimeSeriesChart title="Rate" timesMs={times} series={rate} range={range} unit="rate" legend={false} onOpen={openAt(false)} />
        <TimeSeriesChart title="Errors" timesMs={times} series={errors} range={range} unit="rate" legend={false} onOpen={openAt(true)} />
        <TimeSeriesChart title="Duration" timesMs={times} series={durations} range={range} unit="duration" legend={false} logSwitch onOpen={openAt(false)} />
      </div>
    </>
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

function Operations({ list, current, onOpen }: { list: OperationList; current: string; onOpen: (name: string) => void }) {
  const all = list.operations.reduce((sum, { total_ns: ns }) => sum + ns, 0);
  const columns = useMemo(
    (): Column<OperationSummary>[] => [
      {
        key: "name",
        title: "Operation",
        cell: ({ name }) => (
          <span title={name} style={name === current ? { fontWeight: 600 } : undefined}>
            {name}
          </span>
        ),
        sortBy: ({ name }) => name,
      },
      { key: "kind", title: "Kind", cell: ({ kind }) => <span className="quiet">{kind}</span>, sortBy: ({ kind }) => kind, width: "92px" },
      {
        key: "trend",
        title: "Rate over the range",
        cell: ({ name, series }) => <Sparkline values={series.rate_per_s} label={`Rate of ${name}`} />,
        width: "128px",
      },
      { key: "rate", title: "Rate", cell: ({ totals }) => formatRate(totals.rate_per_s), sortBy: ({ totals }) => totals.rate_per_s, numeric: true, width: "88px" },
      {
        key: "failed",
        title: "Failed",
        cell: ({ service, name, totals }) =>
          totals.errors > 0 ? (
            <PageLink {...serviceTracesLink(service, { operation: name, errors: true })}>
              <Failed share={totals.error_share} />
            </PageLink>
          ) : (
            <Failed share={totals.error_share} />
          ),
        sortBy: ({ totals }) => totals.error_share,
        numeric: true,
        width: "80px",
      },
      {
        key: "p95trend",
        title: "p95 over the range",
        cell: ({ name, series }) => <Sparkline values={series.p95_ns} label={`p95 of ${name}`} />,
        width: "128px",
      },
      { key: "p50", title: "p50", cell: ({ totals }) => formatDuration(totals.p50_ns), sortBy: ({ totals }) => totals.p50_ns, numeric: true, width: "80px" },
      { key: "p95", title: "p95", cell: ({ totals }) => formatDuration(totals.p95_ns), sortBy: ({ totals }) => totals.p95_ns, numeric: true, width: "80px" },
      { key: "max", title: "Longest", cell: ({ max_ns: ns }) => formatDuration(ns), sortBy: ({ max_ns: ns }) => ns, numeric: true, width: "80px" },
      {
        key: "share",
        title: "Of all time",
        hint: "Share of the time spent in all operations of the service",
        cell: ({ total_ns: ns }) => formatShare(all > 0 ? ns / all : null),
        sortBy: ({ total_ns: ns }) => ns,
        numeric: true,
        width: "88px",
      },
      {
        key: "traces",
        title: "",
        cell: ({ service, name }) => <PageLink {...serviceTracesLink(service, { operation: name })}>Traces</PageLink>,
        width: "56px",
      },
    ],
    [current, all],
  );
  return (
    <>
      <Table
        label="Operations"
        columns={columns}
        rows={list.operations}
        rowKey={({ name, kind }) => `${kind} ${name}`}
        onOpen={({ name }) => onOpen(name)}
        initialSort={{ key: "share", descending: true }}
        keyboard
      />
      {list.others > 0 && <PartialNote>{formatCount(list.others)} more operations are left out, those with the least time.</PartialNote>}
    </>
  );
}
