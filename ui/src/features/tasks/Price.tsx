import type { Cost } from "../../api/schema";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, MISSING } from "../../format/numbers";
import styles from "./Price.module.css";

/** Say which calls are missing from a cost; empty where it is whole. */
export const missingWords = ({ complete, unpriced_calls: calls, unpriced_models: models }: Cost): string =>
  complete ? "" : `Without ${formatCount(calls)} ${calls === 1 ? "call" : "calls"} of models that nobody has said the price of: ${models.join(", ")}`;

/** What something cost; a question mark beside it where calls without a known price are missing. */
export function Price({ cost }: { cost: Cost }) {
  const missing = missingWords(cost);
  if (cost.total_nd === 0 && missing !== "") {
    return (
      <span className={styles.unknown} title={missing}>
        unpriced
      </span>
    );
  }
  if (cost.total_nd === 0) {
    return (
      <span className="quiet" title="Nothing was told of what it used">
        {MISSING}
      </span>
    );
  }
  return (
    <span className="number" title={[formatMoneyExactly(cost.total_nd), missing].filter(Boolean).join("\n")}>
      {formatMoney(cost.total_nd)}
      {missing !== "" && (
        <span className={styles.unknown} role="img" aria-label={missing}>
          {" "}
          + ?
        </span>
      )}
    </span>
  );
}
