import type { ResourcePrices, ResourceUse } from "../../api/schema";
import { formatBytes, MISSING, threeDigits } from "../../format/numbers";
import styles from "./Resources.module.css";

const PRECISIONS: Record<string, string> = {
  exact: "Measured for this work alone",
  shared: "Of the process while the work ran: others may have used of it, too",
  estimated: "Not measured for this work, but reckoned from what is known",
};

/** What a task used itself, each figure with how well it is known. */
export function Resources({ resources, prices }: { resources: ResourceUse; prices: ResourcePrices }) {
  const rows = [
    { name: "CPU", value: `${threeDigits(resources.cpu_s)} s`, precision: resources.cpu_precision, rate: `$${prices.cpu_hour} an hour` },
    { name: "Memory at most", value: formatBytes(resources.memory_bytes), precision: resources.memory_precision, rate: `$${prices.memory_gib_hour} a GiB and hour` },
    { name: "Sent", value: formatBytes(resources.sent_bytes), precision: resources.network_precision, rate: `$${prices.network_gib} a GiB` },
    { name: "Received", value: formatBytes(resources.received_bytes), precision: resources.network_precision, rate: `$${prices.network_gib} a GiB` },
  ];
  if (rows.every(({ precision }) => precision === "")) {
    return <p className="quiet">Nothing was told of what it used. The SDK tells of it with each attempt (task.resources).</p>;
  }
  return (
    <table className={styles.table} aria-label="Resources">
      <tbody>
        {rows.map(({ name, value, precision, rate }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="number">{precision === "" ? MISSING : value}</td>
            <td>
              {precision === "" ? (
                <span className="quiet">not told</span>
              ) : (
                <span className={styles.precision} title={PRECISIONS[precision]}>
                  {precision}
                </span>
              )}
            </td>
            <td className={styles.rate}>{rate}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
