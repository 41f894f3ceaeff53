import type { OperationHealth, Overview } from "../../api/schema";
import { serviceTracesLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { Segmented } from "../../components/Segmented";
import { ServiceName } from "../../components/ServiceName";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatRate, formatShare } from "../../format/numbers";
import styles from "./OverviewPage.module.css";

const VIEWS = [
  { value: "busiest", label: "Busiest" },
  { value: "failing", label: "Failing" },
  { value: "slowest", label: "Slowest" },
] as const;
type View = (typeof VIEWS)[number]["value"];

const COLUMNS: readonly Column<OperationHealth>[] = [
  {
    key: "name",
    title: "Operation",
    cell: ({ service, name }) => (
      <div className={styles.operation}>
        <PageLink {...serviceTracesLink(service, { operation: name })} className="truncate" title={name}>
          {name}
        </PageLink>
      </div>
    ),
  },
  { key: "service", title: "Service", width: "26%", cell: ({ service }) => <ServiceName name={service} /> },
  { key: "rate", title: "Rate", numeric: true, width: "84px", cell: ({ totals }) => formatRate(totals.rate_per_s) },
  {
    key: "errors",
    title: "Errors",
    hint: "Share of its spans that failed",
    numeric: true,
    width: "72px",
    cell: ({ service, name, totals }) =>
      totals.errors > 0 ? (
        <PageLink {...serviceTracesLink(service, { operation: name, errors: true })}>{formatShare(totals.error_share)}</PageLink>
      ) : (
        <span className="quiet">0 %</span>
      ),
  },
  { key: "p95", title: "p95", numeric: true, width: "76px", cell: ({ totals }) => formatDuration(totals.p95_ns) },
];

/** The operations that stand out: busiest, failing, slowest. */
export function Operations({ overview }: { overview: Overview }) {
  const setSearch = useSetSearch();
  const open = useOpen();
  const chosen = useParam("operations");
  const fallback: View = overview.failing.length > 0 ? "failing" : "busiest";
  const view = VIEWS.find(({ value }) => value === chosen)?.value ?? fallback;
  const rows = overview[view];
  return (
    <div className={styles.part}>
      <Section
        title="Operations"
        fill
        aside={
          <Segmented label="Operations" value={view} options={VIEWS} onChange={(value) => setSearch({ operations: value }, { replace: true })} />
        }
      >
        {rows.length === 0 ? (
          <p className={styles.none}>No operation failed in this range.</p>
        ) : (
          <Table
            label="Operations"
            columns={COLUMNS}
            rows={rows}
            rowKey={({ service, name, kind }) => `${service}\n${name}\n${kind}`}
            onOpen={({ service, name }) => open(serviceTracesLink(service, { operation: name }))}
            height="100%"
            rowHeight={29}
          />
        )}
      </Section>
    </div>
  );
}
