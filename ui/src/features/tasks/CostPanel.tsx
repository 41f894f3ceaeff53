import { useMemo } from "react";
import type { ChildCost, Cost, CostGroup, TaskCost } from "../../api/schema";
import { taskLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { PartialNote } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, formatShare, MISSING } from "../../format/numbers";
import styles from "./CostPanel.module.css";
import { missingWords, Price } from "./Price";

const PARTS: readonly { key: keyof Cost & `${string}_nd`; name: string; color: string }[] = [
  { key: "input_nd", name: "Input", color: "var(--series-3)" },
  { key: "cached_nd", name: "Input from caches", color: "var(--series-12)" },
  { key: "cache_write_nd", name: "Input into caches", color: "var(--series-10)" },
  { key: "output_nd", name: "Output", color: "var(--series-7)" },
  { key: "cpu_nd", name: "CPU", color: "var(--series-8)" },
  { key: "memory_nd", name: "Memory", color: "var(--series-1)" },
  { key: "network_nd", name: "Network", color: "var(--series-11)" },
];

/** What a task cost with everything that it gave rise to: parts, models, tasks below, and the prices behind the figures. */
export function CostPanel({ cost }: { cost: TaskCost }) {
  const { total, own } = cost;
  const parts = PARTS.filter(({ key }) => total[key] !== 0);
  const missing = missingWords(total);
  const below = total.total_nd - own.total_nd;
  if (total.total_nd === 0 && missing === "") return <p className="quiet">It cost nothing that was told of: no call of a model, and no use of resources.</p>;
  return (
    <div className={styles.panel}>
      {missing !== "" && <PartialNote>{missing}. Say what they cost with the setting costs.models.</PartialNote>}
      <div className={styles.bar} role="img" aria-label={parts.map(({ key, name }) => `${name} ${formatMoney(total[key])}`).join(", ")}>
        {parts.map(({ key, color }) => (
          <span key={key} style={{ flexGrow: total[key], background: color }} />
        ))}
      </div>
      <dl className={styles.parts}>
        {parts.map(({ key, name, color }) => (
          <div key={key} title={formatMoneyExactly(total[key])}>
            <dt>
              <span className={styles.dot} style={{ background: color }} aria-hidden /> {name}
            </dt>
            <dd className="number">
              {formatMoney(total[key])} <span className="quiet">{formatShare(total[key] / total.total_nd)}</span>
            </dd>
          </div>
        ))}
        <div className={styles.sum} title={formatMoneyExactly(total.total_nd)}>
          <dt>{cost.tasks > 1 ? `All attempts, and ${formatCount(cost.tasks - 1)} ${cost.tasks === 2 ? "task" : "tasks"} below` : "All attempts"}</dt>
          <dd>
            <Price cost={total} />
          </dd>
        </div>
      </dl>
      {cost.by_model.length > 0 && <Models groups={cost.by_model} />}
      {cost.children.length > 0 && <Family cost={cost} below={below} children={cost.children} />}
      <PriceNotes cost={cost} />
    </div>
  );
}

function Models({ groups }: { groups: readonly CostGroup[] }) {
  const columns = useMemo(
    (): Column<CostGroup>[] => [
      { key: "model", title: "Model", cell: ({ value }) => <span title={value}>{value || "no name"}</span> },
      { key: "calls", title: "Calls", cell: ({ usage }) => formatCount(usage.calls), numeric: true, width: "48px" },
      { key: "input", title: "In", hint: "Tokens of input, those from caches included", cell: ({ usage }) => formatCount(usage.input_tokens), numeric: true, width: "72px" },
      { key: "cached", title: "Cached", hint: "Of the input, tokens that came from a cache", cell: ({ usage }) => (usage.cached_tokens > 0 ? formatCount(usage.cached_tokens) : MISSING), numeric: true, width: "72px" },
      { key: "output", title: "Out", hint: "Tokens of output, those of reasoning included", cell: ({ usage }) => formatCount(usage.output_tokens), numeric: true, width: "72px" },
      { key: "reasoning", title: "Reasoning", cell: ({ usage }) => (usage.reasoning_tokens > 0 ? formatCount(usage.reasoning_tokens) : MISSING), numeric: true, width: "72px" },
      { key: "price", title: "Price", cell: ({ cost }) => <Price cost={cost} />, numeric: true, width: "80px" },
    ],
    [],
  );
  return <Table label="Models" columns={columns} rows={groups} rowKey={({ value }) => value} />;
}

function Family({ cost, below, children }: { cost: TaskCost; below: number; children: readonly ChildCost[] }) {
  const columns = useMemo(
    (): Column<ChildCost>[] => [
      {
        key: "task",
        title: "Task",
        cell: ({ task_id: id, depth }) => (
          <PageLink {...taskLink(id)} className="mono" title={id}>
            {"\u2003".repeat(depth - 1)}
            {id}
          </PageLink>
        ),
      },
      { key: "type", title: "Type", cell: ({ type }) => type || MISSING, width: "18%" },
      { key: "agent", title: "Agent", cell: ({ agent }) => agent || MISSING, width: "16%" },
      { key: "own", title: "By itself", cell: ({ own }) => <Price cost={own} />, numeric: true, width: "88px" },
      { key: "total", title: "With those below", cell: ({ total_nd: nd }) => <span title={formatMoneyExactly(nd)}>{formatMoney(nd)}</span>, numeric: true, width: "112px" },
    ],
    [],
  );
  return (
    <div>
      <p className={styles.split}>
        {formatMoney(cost.own.total_nd)} by itself, {formatMoney(below)} by the tasks that it gave rise to
      </p>
      <Table label="Tasks below" columns={columns} rows={children} rowKey={({ task_id: id }) => id} {...(children.length > 8 ? { height: "252px" } : {})} />
    </div>
  );
}

/** The prices that stand behind the figures, and which list they are of. */
function PriceNotes({ cost: { prices } }: { cost: TaskCost }) {
  if (prices.length === 0) return null;
  return (
    <details className={styles.notes}>
      <summary>Prices behind these figures: {[...new Set(prices.map(({ source }) => source))].join(", ")}</summary>
      <ul>
        {prices.map((price) => (
          <li key={`${price.provider} ${price.model} ${price.day} ${price.above_tokens}`}>
            {price.model} ({price.provider}), {price.day}
            {price.above_tokens > 0 && `, above ${formatCount(price.above_tokens)} tokens of input`}: a million tokens {formatMoney(price.input_nd)} in, {formatMoney(price.cached_nd)} from caches,{" "}
            {formatMoney(price.output_nd)} out
          </li>
        ))}
      </ul>
    </details>
  );
}
