import { CircleAlert } from "lucide-react";
import { useContext } from "react";
import { useRangeQuery } from "../../../api/queries";
import type { SearchPage, TraceRow } from "../../../api/schema";
import { traceLink } from "../../../app/links";
import { PageLink } from "../../../components/PageLink";
import { ServiceName } from "../../../components/ServiceName";
import { QueryView, Skeleton } from "../../../components/states";
import { type Column, Table } from "../../../components/Table";
import { Time } from "../../../components/Time";
import { useOpen } from "../../../components/useOpen";
import { formatDuration } from "../../../format/durations";
import { formatCount } from "../../../format/numbers";
import { nsToMs } from "../../../format/times";
import { type PanelProps, PanelsContext, useWords } from "../panelContext";
import styles from "./panels.module.css";

const MOST = 50;

const COLUMNS: readonly Column<TraceRow>[] = [
  { key: "start", title: "Start", width: "80px", cell: ({ start_ns: ns }) => <Time ms={nsToMs(ns)} /> },
  {
    key: "root",
    title: "Trace",
    cell: ({ trace_id: id, root_service: service, root_name: name }) => (
      <PageLink {...traceLink(id)} className={styles.trace}>
        {service === "" ? <span className="quiet">root missing</span> : <ServiceName name={service} link={false} />}
        <span className="truncate">{name}</span>
      </PageLink>
    ),
  },
  {
    key: "errors",
    title: "Errors",
    numeric: true,
    width: "64px",
    sortBy: ({ errors }) => errors,
    cell: ({ errors }) =>
      errors > 0 ? (
        <span className={styles.errors}>
          <CircleAlert size={12} aria-hidden /> {formatCount(errors)}
        </span>
      ) : null,
  },
  { key: "duration", title: "Duration", numeric: true, width: "88px", sortBy: ({ duration_ns: ns }) => ns, cell: ({ duration_ns: ns }) => formatDuration(ns) },
];

/** The newest traces of a search. */
export function TracesPanel({ panel, visible }: PanelProps) {
  const { ready } = useContext(PanelsContext);
  const words = useWords();
  const open = useOpen();
  const query = useRangeQuery<SearchPage>("/api/tracing/search", { q: words(panel.search), sort: "newest", limit: MOST }, { enabled: visible && ready });
  if (query.data === undefined && !(visible && ready)) return null;
  return (
    <QueryView query={query} failed="The traces could not be searched" skeleton={<Skeleton rows={4} />}>
      {({ data }) =>
        data.traces.length === 0 ? (
          <p className={styles.note}>No trace in this range</p>
        ) : (
          <div className={styles.table}>
            <Table label={panel.title || "Traces"} rows={data.traces} columns={COLUMNS} rowKey={({ trace_id: id }) => id} onOpen={({ trace_id: id }) => open(traceLink(id))} height="100%" />
          </div>
        )
      }
    </QueryView>
  );
}
