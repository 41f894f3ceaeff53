import type { StorageResponse, TableResponse } from "../../api/schema";
import { PartialNote } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { formatDuration, SECOND_NS } from "../../format/durations";
import { formatBytes, formatCount, formatShare, MISSING, threeDigits } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { Facts } from "./Facts";
import styles from "./SettingsPage.module.css";

const COLUMNS: readonly Column<TableResponse>[] = [
  { key: "name", title: "Table", sortBy: ({ name }) => name, cell: ({ name }) => <code>{name}</code>, width: "26%" },
  { key: "rows", title: "Rows", numeric: true, sortBy: ({ rows }) => rows, cell: ({ rows }) => formatCount(rows) },
  {
    key: "size",
    title: "On disk",
    numeric: true,
    sortBy: ({ compressed_bytes: bytes }) => bytes,
    cell: ({ compressed_bytes: bytes }) => formatBytes(bytes),
  },
  {
    key: "row",
    title: "A row",
    numeric: true,
    hint: "Compressed bytes, per row",
    sortBy: ({ rows, compressed_bytes: bytes }) => (rows > 0 ? bytes / rows : null),
    cell: ({ rows, compressed_bytes: bytes }) => formatBytes(rows > 0 ? bytes / rows : null),
  },
  {
    key: "ratio",
    title: "Compression",
    numeric: true,
    hint: "Uncompressed size over size on disk",
    sortBy: ({ compression_ratio: ratio }) => ratio,
    cell: ({ compression_ratio: ratio }) => (ratio === null ? MISSING : `${threeDigits(ratio)} : 1`),
  },
  {
    key: "oldest",
    title: "Oldest",
    numeric: true,
    sortBy: ({ oldest_ns: ns }) => ns,
    cell: ({ oldest_ns: ns }) => (ns === null ? MISSING : <Time ms={nsToMs(ns)} style="age" />),
  },
];

/** How much is stored, of how much that may be, how long, and in which tables. */
export function Storage({ storage }: { storage: StorageResponse }) {
  const { used_bytes: used, budget_bytes: budget, disk_free_bytes: free, disk_total_bytes: total, retention, journal } = storage;
  const share = budget === null ? null : used / budget;
  const keep = (seconds: number) => formatDuration(seconds * SECOND_NS);
  return (
    <div className={styles.storage}>
      <Facts
        facts={[
          {
            name: "Used",
            value: formatBytes(used),
            note:
              budget === null || share === null ? (
                "no budget is set: the disk is the limit"
              ) : (
                <span className={styles.budget}>
                  <meter min={0} max={1} value={Math.min(share, 1)} aria-label="Share of the budget used" data-full={share >= 0.9 || undefined} />
                  {formatShare(share)} of the budget of {formatBytes(budget)}
                  {share >= 0.9 && ", soon the oldest data goes first"}
                </span>
              ),
          },
          { name: "Free on disk", value: formatBytes(free), note: `of ${formatBytes(total)}` },
          {
            name: "Kept",
            value: keep(retention.traces_s),
            note: `traces; logs ${keep(retention.logs_s)}, metrics ${keep(retention.metrics_s)}`,
          },
          {
            name: "Journal",
            value: formatBytes(journal.backlog_bytes),
            note:
              journal.segments === 0
                ? "everything acknowledged is loaded"
                : `in ${journal.segments === 1 ? "1 segment" : `${formatCount(journal.segments)} segments`}, the oldest acknowledged ${formatDuration(journal.oldest_age_s * SECOND_NS)} ago, to be loaded`,
          },
          { name: "Engine", value: storage.engine },
        ]}
      />
      {journal.set_aside > 0 && (
        <PartialNote>
          {formatCount(journal.set_aside)} segments could not be read and are kept aside in the data directory, under <code>journal</code>.
        </PartialNote>
      )}
      <Table
        label="Tables"
        columns={COLUMNS}
        rows={storage.tables}
        rowKey={({ name }) => name}
        initialSort={{ key: "size", descending: true }}
      />
    </div>
  );
}
