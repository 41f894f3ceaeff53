import type { ServiceHealth } from "../../api/schema";
import { serviceLink, serviceLogsLink, serviceTracesLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { ServiceName } from "../../components/ServiceName";
import { Sparkline } from "../../components/Sparkline";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatChange, formatRate, formatShare } from "../../format/numbers";
import styles from "./OverviewPage.module.css";

/** From this share on a line of errors is drawn in the colour of trouble. */
const NOTABLE_SHARE = 0.01;

/** Services as rows: rate, errors and latency over the range, and the change against the range before. */
export function Services({ services, stepS }: { services: readonly ServiceHealth[]; stepS: number }) {
  const open = useOpen();
  const every = `every ${formatDuration(stepS * 1e9)}`;
  const columns: readonly Column<ServiceHealth>[] = [
    { key: "service", title: "Service", cell: ({ service }) => <ServiceName name={service} />, sortBy: ({ service }) => service, width: "24%" },
    {
      key: "rate",
      title: "Rate",
      numeric: true,
      hint: "Spans in which it served, per second; change against the range before",
      sortBy: ({ totals }) => totals.rate_per_s,
      cell: ({ rate_per_s: rates, totals, before }) => (
        <div className={styles.metric}>
          <Sparkline values={rates} label={`Rate ${every}`} />
          <Change now={totals.rate_per_s} before={before?.rate_per_s} />
          <span>{formatRate(totals.rate_per_s)}</span>
        </div>
      ),
    },
    {
      key: "errors",
      title: "Errors",
      numeric: true,
      hint: "Share of its spans that failed; change against the range before",
      sortBy: ({ totals }) => totals.error_share,
      cell: ({ service, error_share: shares, totals, before }) => (
        <div className={styles.metric}>
          <Sparkline values={shares} max={0.05} tone={totals.error_share >= NOTABLE_SHARE ? "bad" : "neutral"} label={`Share of errors ${every}`} />
          <Change now={totals.error_share} before={before?.error_share} worse={{ factor: 1.5, tone: "bad" }} />
          {totals.errors > 0 ? (
            <PageLink {...serviceTracesLink(service, { errors: true })} title={`${totals.errors.toLocaleString("en-US")} of ${totals.spans.toLocaleString("en-US")} spans`}>
              {formatShare(totals.error_share)}
            </PageLink>
          ) : (
            <span className="quiet">0 %</span>
          )}
        </div>
      ),
    },
    {
      key: "p95",
      title: "p95",
      numeric: true,
      hint: "95 % of its spans were at least as quick; change against the range before",
      sortBy: ({ totals }) => totals.p95_ns,
      cell: ({ service, p95_ns: quantiles, totals, before }) => (
        <div className={styles.metric}>
          <Sparkline values={quantiles} label={`p95 ${every}`} />
          <Change now={totals.p95_ns} before={before?.p95_ns} worse={{ factor: 1.2, tone: "warn" }} />
          <PageLink {...serviceTracesLink(service, { slowest: true })}>{formatDuration(totals.p95_ns)}</PageLink>
        </div>
      ),
    },
    {
      key: "logs",
      title: "",
      numeric: true,
      width: "56px",
      cell: ({ service }) => <PageLink {...serviceLogsLink(service)}>Logs</PageLink>,
    },
  ];
  return (
    <div className={styles.part}>
      <Section title={services.length === 1 ? "1 service" : `${services.length.toLocaleString("en-US")} services`} aside="against the range before" fill>
        <Table
          label="Services"
          columns={columns}
          rows={services}
          rowKey={({ service }) => service}
          onOpen={({ service }) => open(serviceLink(service))}
          height={`min(${services.length * 29 + 30}px, 100%)`}
          rowHeight={29}
          keyboard
        />
      </Section>
    </div>
  );
}

interface ChangeProps {
  now: number | null;
  before: number | null | undefined;
  /** From what factor on a rise is bad news. */
  worse?: { factor: number; tone: "bad" | "warn" };
}

/** How much a figure changed; a rise that is bad news has an arrow and a colour. */
function Change({ now, before, worse }: ChangeProps) {
  // That a service is new is said once in its row.
  if (before === undefined) return <span className={styles.change}>{worse ? "" : "new"}</span>;
  const text = formatChange(now, before);
  const risen = worse !== undefined && now !== null && now > 0 && (before === 0 || before === null || now >= before * worse.factor);
  const fresh = risen && (before === 0 || before === null);
  return (
    <span className={styles.change} data-tone={risen ? worse.tone : undefined}>
      {risen ? "▲ " : ""}
      {fresh ? "new" : text}
    </span>
  );
}
