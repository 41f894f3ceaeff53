import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useShortcuts } from "../app/shortcuts";
import { nextSort, type Sort, sortRows } from "./sort";
import styles from "./Table.module.css";

export interface Column<Row> {
  key: string;
  title: string;
  /** What stands in the cell. */
  cell: (row: Row) => ReactNode;
  /** Makes the column sortable. */
  sortBy?: (row: Row) => number | string | null | undefined;
  /** Right-aligned, in tabular figures. */
  numeric?: boolean;
  /** CSS width; columns without share what is left. */
  width?: string;
  /** Explains the heading on hover. */
  hint?: string;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** What `Enter` and a click on a row do. */
  onOpen?: (row: Row) => void;
  /** The order at first; a click on a heading changes it. */
  initialSort?: Sort;
  /** Sorted by the caller, as when the server does: both or neither. */
  sort?: Sort | null;
  onSort?: (sort: Sort) => void;
  /** Height of the scrolled part in CSS; without it the table is as long as its rows and not virtualised. */
  height?: string;
  rowHeight?: number;
  /** The last rows have come near the view: fetch more. Only with a height. */
  onNearEnd?: () => void;
  /** Takes `j`, `k` and `Enter`: one table on a page. */
  keyboard?: boolean;
}

const NEAR_END_ROWS = 20;

/** A table: sortable, virtualised when it has a height, walked with `j` and `k`. */
export function Table<Row>(props: TableProps<Row>) {
  const { columns, rows, rowKey, onOpen, height, rowHeight = 28, keyboard = false } = props;
  const [ownSort, setOwnSort] = useState<Sort | null>(props.initialSort ?? null);
  const sort = props.sort === undefined ? ownSort : props.sort;
  const [current, setCurrent] = useState<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const external = props.sort !== undefined;
  const sorted = useMemo(() => {
    const column = columns.find(({ key }) => key === sort?.key);
    return external || !sort || !column?.sortBy ? rows : sortRows(rows, column.sortBy, sort.descending);
  }, [columns, rows, sort, external]);
  // The virtualizer keeps its own mutable state, which the compiler's rule cannot see through.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: height !== undefined,
  });
  const move = (by: number) => {
    const at = sorted.findIndex((row) => rowKey(row) === current);
    const next = Math.min(Math.max(at + by, 0), sorted.length - 1);
    const row = sorted[next];
    if (row === undefined) return;
    setCurrent(rowKey(row));
    if (height !== undefined) virtual.scrollToIndex(next);
    else scroller.current?.querySelectorAll("tbody tr")[next]?.scrollIntoView({ block: "nearest" });
  };
  useShortcuts(
    [
      { keys: "j", does: "Next row", group: "Lists", run: () => move(1) },
      { keys: "k", does: "Previous row", group: "Lists", run: () => move(-1) },
      {
        keys: "Enter",
        does: "Open the row",
        group: "Lists",
        run: () => {
          const row = sorted.find((candidate) => rowKey(candidate) === current);
          if (row !== undefined) onOpen?.(row);
        },
      },
    ],
    keyboard,
  );
  const items = height === undefined ? null : virtual.getVirtualItems();
  const first = items?.[0];
  const last = items?.at(-1);
  const shown = items ? items.map((item) => sorted[item.index] as Row) : sorted;
  const nearEnd = items !== null && (last?.index ?? -1) >= sorted.length - NEAR_END_ROWS;
  const { onNearEnd } = props;
  const latestNearEnd = useRef(onNearEnd);
  useEffect(() => {
    latestNearEnd.current = onNearEnd;
  });
  useEffect(() => {
    if (nearEnd) latestNearEnd.current?.();
  }, [nearEnd, sorted.length]);
  const spacer = (size: number) => (size > 0 ? <tr aria-hidden style={{ height: size }} /> : null);
  return (
    <div ref={scroller} className={styles.scroll} data-scroll-restoration-id={height === undefined ? undefined : props.label} style={height === undefined ? undefined : { height }}>
      <table className={styles.table} aria-label={props.label} aria-rowcount={sorted.length + 1}>
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={width === undefined ? undefined : { width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => {
              const active = sort?.key === column.key;
              return (
                <th
                  key={column.key}
                  scope="col"
                  title={column.hint}
                  className={column.numeric ? styles.number : undefined}
                  aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
                >
                  {column.sortBy ? (
                    <button
                      type="button"
                      onClick={() => {
                        const next = nextSort(sort, column.key, column.numeric ?? false);
                        if (props.onSort) props.onSort(next);
                        else setOwnSort(next);
                      }}
                    >
                      {active && (sort.descending ? <ArrowDown size={11} aria-hidden /> : <ArrowUp size={11} aria-hidden />)}
                      {column.title}
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {first && spacer(first.start)}
          {shown.map((row, index) => {
            const key = rowKey(row);
            return (
              <tr
                key={key}
                aria-rowindex={(items?.[index]?.index ?? index) + 2}
                aria-current={key === current || undefined}
                className={[styles.row, onOpen && styles.opens, key === current && styles.current].filter(Boolean).join(" ")}
                style={{ height: rowHeight }}
                onClick={(event) => {
                  // Links and buttons in cells do their own thing; selecting text is no click.
                  if (!onOpen || (event.target as HTMLElement).closest("a,button") || getSelection()?.type === "Range") return;
                  setCurrent(key);
                  onOpen(row);
                }}
              >
                {columns.map((column) => (
                  <td key={column.key} className={column.numeric ? styles.number : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {last && spacer(virtual.getTotalSize() - last.end)}
        </tbody>
      </table>
    </div>
  );
}
