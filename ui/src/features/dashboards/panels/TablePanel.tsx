import { useMemo } from "react";
import { type Column, Table } from "../../../components/Table";
import { metricFormat } from "../../../format/metricUnits";
import { formatOf, ruleFor, toneOf, toneTextColor, writeValue } from "../display";
import type { PanelProps } from "../panelContext";
import { type Good, PanelAnswer } from "./PanelAnswer";
import styles from "./panels.module.css";
import { makeRows, type TableRow } from "./tableRows";
import { usePanelData } from "./usePanelData";

/** The last values, a row for each set of labels. */
export function TablePanel(props: PanelProps) {
  const query = usePanelData(props, "instant");
  return (
    <PanelAnswer props={props} query={query}>
      {(good) => <Rows panel={props.panel} good={good} />}
    </PanelAnswer>
  );
}

function Rows({ panel: { display, title }, good }: { panel: PanelProps["panel"]; good: readonly Good[] }) {
  const data = useMemo(() => makeRows(good), [good]);
  const columns = useMemo((): Column<TableRow>[] => {
    const labels = data.labels.flatMap((name): Column<TableRow>[] => {
      const rule = ruleFor(name, display.series);
      if (rule.hidden) return [];
      return [
        {
          key: name,
          title: rule.title || (name === "__name__" ? "Metric" : name),
          cell: (row) => <span title={row.labels[name]}>{row.labels[name] ?? ""}</span>,
          sortBy: (row) => row.labels[name] ?? "",
        },
      ];
    });
    const values = data.values.flatMap((name, index): Column<TableRow>[] => {
      const rule = ruleFor(name, display.series);
      if (rule.hidden) return [];
      const format = rule.unit ? metricFormat(rule.unit, display.decimals) : formatOf(display);
      return [
        {
          key: name,
          title: [rule.title, good[index]?.legend, name].find((one) => one !== undefined && one !== "") ?? name,
          numeric: true,
          cell: (row) => {
            const value = row.values[name] ?? null;
            return <span style={{ color: toneTextColor(toneOf(value, display)) }}>{writeValue(value, display, format)}</span>;
          },
          sortBy: (row) => row.values[name],
        },
      ];
    });
    return [...labels, ...values];
  }, [data, display, good]);
  if (data.rows.length === 0) return <p className={styles.note}>No series</p>;
  return (
    <div className={styles.table}>
      <Table
        label={title || "Table"}
        rows={data.rows}
        columns={columns}
        rowKey={({ key }) => key}
        height="100%"
        initialSort={{ key: data.values[0] ?? "Value", descending: true }}
      />
    </div>
  );
}
