import { useMemo } from "react";
import { useRangeQuery } from "../../api/queries";
import type { ServiceList, ServiceSummary } from "../../api/schema";
import { serviceLink, serviceTracesLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { ServiceName } from "../../components/ServiceName";
import { QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, formatRate } from "../../format/numbers";
import { Failed } from "./Failed";
import { NoSpans } from "./NoSpans";
import styles from "./Services.module.css";
import { ServiceViews } from "./ServiceViews";

const COLUMNS: Column<ServiceSummary>[] = [
  {
    key: "service",
    title: "Service",
    cell: ({ service }) => (
      <PageLink {...serviceLink(service)} className={styles.name}>
        <ServiceName name={service} link={false} />
      </PageLink>
    ),
    sortBy: ({ service }) => service,
  },
  { key: "rate", title: "Rate", cell: ({ totals }) => formatRate(totals.rate_per_s), sortBy: ({ totals }) => totals.rate_per_s, numeric: true, width: "96px" },
  {
    key: "errors",
    title: "Failed",
    hint: "Share of the service's spans that failed",
    cell: ({ service, totals }) =>
      totals.errors > 0 ? (
        <PageLink {...serviceTracesLink(service, { errors: true })}>
          <Failed share={totals.error_share} />
        </PageLink>
      ) : (
        <Failed share={totals.error_share} />
      ),
    sortBy: ({ totals }) => totals.error_share,
    numeric: true,
    width: "88px",
  },
  { key: "p50", title: "p50", cell: ({ totals }) => formatDuration(totals.p50_ns), sortBy: ({ totals }) => totals.p50_ns, numeric: true, width: "88px" },
  { key: "p95", title: "p95", cell: ({ totals }) => formatDuration(totals.p95_ns), sortBy: ({ totals }) => totals.p95_ns, numeric: true, width: "88px" },
  { key: "p99", title: "p99", cell: ({ totals }) => formatDuration(totals.p99_ns), sortBy: ({ totals }) => totals.p99_ns, numeric: true, width: "88px" },
  { key: "spans", title: "Spans", cell: ({ totals }) => formatCount(totals.spans), sortBy: ({ totals }) => totals.spans, numeric: true, width: "104px" },
  { key: "operations", title: "Operations", cell: ({ operations }) => formatCount(operations), sortBy: ({ operations }) => operations, numeric: true, width: "96px" },
  { key: "versions", title: "Versions", cell: ({ versions }) => <span title={versions.join(", ")}>{versions.join(", ") || "–"}</span>, width: "16%" },
];

/** Every service that sent spans in the range. */
export default function ServicesPage() {
  const query = useRangeQuery<ServiceList>("/api/tracing/services");
  const open = useOpen();
  const services = query.data?.data.services;
  const sum = useMemo(() => services?.reduce((total, { totals }) => total + totals.spans, 0) ?? 0, [services]);
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <ServiceViews />
        {services && services.length > 0 && (
          <span className="quiet number">
            {formatCount(services.length)} {services.length === 1 ? "service" : "services"}, {formatCount(sum)} spans
          </span>
        )}
      </div>
      <div className={styles.fill}>
        <QueryView query={query} failed="The services could not be listed" skeleton={<Skeleton rows={10} />}>
          {({ data }) =>
            data.services.length === 0 ? (
              <NoSpans title="No service sent spans in this time range" />
            ) : (
              <Table
                label="Services"
                columns={COLUMNS}
                rows={data.services}
                rowKey={({ service }) => service}
                onOpen={({ service }) => open(serviceLink(service))}
                initialSort={{ key: "rate", descending: true }}
                height="100%"
                keyboard
              />
            )
          }
        </QueryView>
      </div>
    </div>
  );
}
