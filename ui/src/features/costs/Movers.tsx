import { TrendingDown, TrendingUp } from "lucide-react";
import type { CostReport } from "../../api/schema";
import { Section } from "../../components/Section";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatChange } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./Costs.module.css";
import { findMovers } from "./costCourse";
import { type Dimension, valueWords } from "./dimensions";
import { formatWhen } from "./when";

const MOST = 6;

/** What changed most against the same time before. */
export function Movers({ report, by }: { report: CostReport; by: Dimension }) {
  if (by === "day") return null;
  const movers = findMovers(report.groups, MOST);
  const [from, to] = [formatWhen(nsToMs(report.previous_from_ns)), formatWhen(nsToMs(report.previous_to_ns))];
  return (
    <Section title="What changed" aside={`against ${from === to ? from : `${from} to ${to}`}`}>
      {movers.length === 0 ? (
        <p className="quiet">Nothing cost more or less than then.</p>
      ) : (
        <ul className={styles.movers} aria-label="What changed">
          {movers.map(({ value, nowNd, beforeNd, deltaNd }) => (
            <li key={value} title={`${formatMoneyExactly(beforeNd)} then, ${formatMoneyExactly(nowNd)} now`}>
              {deltaNd > 0 ? <TrendingUp size={14} className={styles.up} aria-label="More" /> : <TrendingDown size={14} className={styles.down} aria-label="Less" />}
              <span className="truncate">{valueWords(by, value)}</span>
              <span className="number">
                {deltaNd > 0 ? "+" : ""}
                {formatMoney(deltaNd)}
              </span>
              <span className="quiet number">{beforeNd === 0 ? "new" : nowNd === 0 ? "gone" : formatChange(nowNd, beforeNd)}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
