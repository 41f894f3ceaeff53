import { useMemo } from "react";
import { type Column, Table } from "../../components/Table";
import type { ValueFormat } from "../../format/metricUnits";
import { letterOf } from "./exploreState";
import type { LabelSet } from "./promql";
import { seriesText } from "./legend";
import type { Answered } from "./usePromQueries";

interface Row {
  key: string;
  query: string;
  labels: LabelSet;
  value: number | null;
  histogram: string | null;
}

/** The last values as a table: a column for each label, one row a series. */
export function ResultTable({ answered, letters, format }: { answered: readonly Answered[]; letters: readonly number[]; format: ValueFormat }) {
  const rows = useMemo(
    () =>
      answered.flatMap(({ result }, index) =>
        (result?.series ?? []).map((series, at): Row => {
          const histogram = series.histograms?.values.at(-1);
          return {
            key: `${index} ${at}`,
            query: letterOf(letters[index] ?? index),
            labels: series.labels,
            value: series.values.at(-1) ?? null,
            histogram: histogram ? `count ${format.write(histogram.count)}, sum ${format.write(histogram.sum)}` : null,
          };
        }),
      ),
    [answered, letters, format],
  );
  const columns = useMemo((): Column<Row>[] => {
    const names = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))].sort((a, b) => Number(b === "__name__") - Number(a === "__name__") || a.localeCompare(b));
    return [
      ...(answered.length > 1 ? [{ key: " query", title: "Query", width: "64px", cell: (row: Row) => row.query, sortBy: (row: Row) => row.query }] : []),
      ...names.map((name) => ({
        key: name,
        title: name === "__name__" ? "Metric" : name,
        cell: ({ labels }: Row) => <span title={labels[name]}>{labels[name] ?? ""}</span>,
        sortBy: ({ labels }: Row) => labels[name] ?? "",
      })),
      {
        key: " value",
        title: "Value",
        numeric: true,
        width: "160px",
        cell: ({ value, histogram }) => <span title={histogram ?? String(value)}>{histogram ?? format.write(value)}</span>,
        sortBy: ({ value }) => value,
      },
    ];
  }, [rows, answered.length, format]);
  if (rows.length === 0) return <p className="quiet">No series at the end of this range.</p>;
  return <Table label="Values" rows={rows} columns={columns} rowKey={({ key, labels }) => `${key} ${seriesText(labels)}`} height="100%" keyboard initialSort={{ key: " value", descending: true }} />;
}
