import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useApi } from "../../api/queries";
import type { BudgetsResponse, BudgetState } from "../../api/schema";
import { Section } from "../../components/Section";
import { QueryView, Skeleton } from "../../components/states";
import { Snippet } from "../../components/Copyable";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatShare, threeDigits } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./Costs.module.css";
import { formatWhen } from "./when";

const SNIPPET = `costs:
  budgets: ['tenant:acme=500/month', 'agent:researcher=20/day', 'total=2000/month']`;

/** Budgets of the running periods: what is spent, how fast, and where that leads. */
export function Budgets() {
  const budgets = useApi<BudgetsResponse>("/api/costs/budgets", {}, { refresh: true });
  return (
    <Section title="Budgets" aside="of the running period, whatever the time range">
      <QueryView query={budgets} failed="The budgets could not be read" skeleton={<Skeleton rows={2} />}>
        {({ budgets: list }) =>
          list.length === 0 ? (
            <div className={styles.noBudgets}>
              <p className="quiet">No budget is set. In gnomon.yml:</p>
              <Snippet text={SNIPPET} />
            </div>
          ) : (
            <ul className={styles.budgets} aria-label="Budgets">
              {[...list].sort((a, b) => b.burn - a.burn).map((budget) => (
                <Budget key={`${budget.dimension} ${budget.name} ${budget.period}`} budget={budget} />
              ))}
            </ul>
          )
        }
      </QueryView>
    </Section>
  );
}

function Budget({ budget }: { budget: BudgetState }) {
  const state = budget.exceeded ? "bad" : budget.burn > 1 ? "warn" : "good";
  const Icon = state === "bad" ? CircleAlert : state === "warn" ? TriangleAlert : CircleCheck;
  return (
    <li>
      <span className={styles.budgetName}>
        <Icon size={14} className={styles[state]} aria-hidden />
        <span className="truncate" title={budget.name}>
          {budget.dimension === "total" ? "Everything" : budget.name}
        </span>
        <span className="quiet">{budget.dimension === "total" ? "" : budget.dimension}</span>
      </span>
      <span className="number" title={`${formatMoneyExactly(budget.spent_nd)} of ${formatMoneyExactly(budget.amount_nd)}`}>
        {budget.complete ? "" : "≥ "}
        {formatMoney(budget.spent_nd)} of {formatMoney(budget.amount_nd)} a {budget.period}
      </span>
      <span className={styles.gauge} role="img" aria-label={`${formatShare(budget.spent_share)} spent, ${formatShare(budget.elapsed_share)} of the ${budget.period} passed`}>
        <span className={styles.spent} data-state={state} style={{ width: `${Math.min(100, budget.spent_share * 100)}%` }} />
        <span className={styles.elapsed} style={{ left: `${budget.elapsed_share * 100}%` }} title={`${formatShare(budget.elapsed_share)} of the ${budget.period} passed`} />
      </span>
      <span className={styles.budgetWords}>
        {budget.exceeded ? <span className={styles.bad}>Exceeded. </span> : null}
        {formatShare(budget.spent_share)} spent, burns {threeDigits(budget.burn)}× its pace; {formatMoney(budget.projected_nd)} by {formatWhen(nsToMs(budget.period_end_ns) - 1)} like this
      </span>
    </li>
  );
}
