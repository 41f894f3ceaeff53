import { CircleAlert } from "lucide-react";
import { useMemo } from "react";
import type { Waterfall } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { Segmented } from "../../components/Segmented";
import { ServiceName } from "../../components/ServiceName";
import { type Column, Table } from "../../components/Table";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { type OperationRow, sumUp } from "./operationTable";
import styles from "./TraceTable.module.css";

/** The trace summed up by operation or service; a row opens its longest span. */
export default function TraceTable({ waterfall, onOpen }: { waterfall: Waterfall; onOpen: (span: number) => void }) {
  const by = useParam("by") === "service" ? "service" : "operation";
  const setSearch = useSetSearch();
  const rows = useMemo(() => sumUp(waterfall, by), [waterfall, by]);
  const own = useMemo(() => rows.reduce((sum, { selfNs }) => sum + selfNs, 0), [rows]);
  const columns = useMemo((): Column<OperationRow>[] => {
    const all: (Column<OperationRow> | null)[] = [
      { key: "service", title: "Service", cell: (row) => <ServiceName name={row.service} />, sortBy: (row) => row.service, width: by === "operation" ? "17%" : undefined },
      by === "operation"
        ? { key: "name", title: "Operation", cell: (row) => <span title={row.name}>{row.name}</span>, sortBy: (row) => row.name }
        : null,
      { key: "spans", title: "Spans", cell: (row) => formatCount(row.spans), sortBy: (row) => row.spans, numeric: true, width: "80px" },
      {
        key: "errors",
        title: "Errors",
        cell: (row) =>
          row.errors > 0 ? (
            <span className={styles.errors}>
              <CircleAlert size={12} aria-hidden /> {formatCount(row.errors)}
            </span>
          ) : (
            <span className="quiet">0</span>
          ),
        sortBy: (row) => row.errors,
        numeric: true,
        width: "80px",
      },
      {
        key: "self",
        title: "Own time",
        hint: "Time in which no child ran",
        cell: (row) => formatDuration(row.selfNs),
        sortBy: (row) => row.selfNs,
        numeric: true,
        width: "96px",
      },
      {
        key: "share",
        title: "Share of own time",
        cell: (row) => (
          <span className={styles.share}>
            <span className={styles.bar} style={{ width: `${own > 0 ? (row.selfNs / own) * 100 : 0}%` }} aria-hidden />
            <span>{formatShare(own > 0 ? row.selfNs / own : null)}</span>
          </span>
        ),
        sortBy: (row) => row.selfNs,
        numeric: true,
        width: "136px",
      },
      {
        key: "total",
        title: "Total",
        hint: "Sum of durations, children included",
        cell: (row) => formatDuration(row.totalNs),
        sortBy: (row) => row.totalNs,
        numeric: true,
        width: "96px",
      },
      {
        key: "mean",
        title: "Mean",
        cell: (row) => formatDuration(row.totalNs / row.spans),
        sortBy: (row) => row.totalNs / row.spans,
        numeric: true,
        width: "88px",
      },
      { key: "max", title: "Longest", cell: (row) => formatDuration(row.maxNs), sortBy: (row) => row.maxNs, numeric: true, width: "88px" },
    ];
    return all.filter((column) => column !== null);
  }, [by, own]);
  return (
    <div className={styles.view}>
      <div className={styles.tools}>
        <Segmented
          label="Sum up by"
          value={by}
          options={[
            { value: "operation", label: "By operation" },
            { value: "service", label: "By service" },
          ]}
          onChange={(value) => setSearch({ by: value === "service" ? value : undefined }, { replace: true })}
        />
        <span className="quiet">A row opens its longest span.</span>
      </div>
      <Table
        key={by}
        label={`Trace by ${by}`}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.key}
        onOpen={(row) => onOpen(row.span)}
        initialSort={{ key: "self", descending: true }}
        height="100%"
        keyboard
      />
    </div>
  );
}
