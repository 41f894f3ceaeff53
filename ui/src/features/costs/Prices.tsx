import type { CostReport, PriceSource } from "../../api/schema";
import { type Column, Table } from "../../components/Table";
import { formatMoney } from "../../format/money";
import { formatCount } from "../../format/numbers";
import styles from "./Costs.module.css";

const COLUMNS: readonly Column<PriceSource>[] = [
  { key: "model", title: "Model", cell: ({ provider, model }) => `${provider === "" ? "" : `${provider}/`}${model}`, sortBy: ({ model }) => model },
  { key: "day", title: "Price of", width: "104px", cell: ({ day }) => day, sortBy: ({ day }) => day },
  { key: "above", title: "Above input of", numeric: true, width: "112px", cell: ({ above_tokens: above }) => (above === 0 ? "–" : `${formatCount(above)} tokens`) },
  { key: "input", title: "Input", numeric: true, width: "88px", cell: ({ input_nd: price }) => formatMoney(price) },
  { key: "cached", title: "Cached", numeric: true, width: "88px", cell: ({ cached_nd: price }) => formatMoney(price) },
  { key: "write", title: "Cache write", numeric: true, width: "88px", cell: ({ cache_write_nd: price }) => formatMoney(price) },
  { key: "output", title: "Output", numeric: true, width: "88px", cell: ({ output_nd: price }) => formatMoney(price) },
  { key: "source", title: "Source", width: "200px", cell: ({ source }) => source },
];

/** The prices behind the figures, folded away. */
export function Prices({ report }: { report: CostReport }) {
  const { cpu_hour: cpu, memory_gib_hour: memory, network_gib: network } = report.resource_prices;
  return (
    <details className={styles.prices}>
      <summary>
        Prices behind these figures: {formatCount(report.prices.length)} of models; CPU ${cpu} an hour, memory ${memory} a GiB and hour, network ${network} a GiB
      </summary>
      {report.prices.length > 0 && (
        <Table label="Prices, dollars a million tokens" columns={COLUMNS} rows={report.prices} rowKey={({ provider, model, day, above_tokens: above }) => `${provider} ${model} ${day} ${above}`} />
      )}
    </details>
  );
}
