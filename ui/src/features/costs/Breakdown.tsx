import { Filter } from "lucide-react";
import { useMemo } from "react";
import type { Params } from "../../api/client";
import type { Cost, CostGroup, CostReport } from "../../api/schema";
import { agentLink, tasksLink } from "../../app/links";
import { useSetSearch } from "../../app/location";
import { momentText } from "../../app/timeRange";
import { Change } from "../../components/Change";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { type Column, Table } from "../../components/Table";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, formatNumber, formatShare } from "../../format/numbers";
import styles from "./Costs.module.css";
import { momentOf } from "./costCourse";
import { type Dimension, DIMENSIONS, nextDimension, valueWords } from "./dimensions";

interface BreakdownProps {
  report: CostReport;
  by: Dimension;
  restricted: Params;
}

const DAY_MS = 86_400_000;

/** The total by one dimension; each row leads on to what it consists of, and the rows sum to the total. */
export function Breakdown({ report, by, restricted }: BreakdownProps) {
  const setSearch = useSetSearch();
  const total = report.total.total_nd;
  const groups = report.groups;
  const sum = useMemo(() => groups.reduce((all, { cost }) => all + cost.total_nd, 0), [groups]);
  const label = DIMENSIONS.find(({ value }) => value === by)?.label ?? by;
  const open = ({ value }: CostGroup) => {
    if (by === "day") setSearch({ from: momentText(momentOf(value)), to: momentText(momentOf(value) + DAY_MS), by: "tenant" });
    // Work of which nobody said cannot be asked for by a name.
    else if (value !== "") setSearch({ [by]: value, by: nextDimension(by, { ...restricted, [by]: value }) });
  };
  const columns = useMemo(() => makeColumns(by, label, total), [by, label, total]);
  return (
    <Section title={`By ${label.toLowerCase()}`} aside={by === "day" ? "Enter zooms into a day" : "Enter shows what a row consists of"}>
      <Table label={`Costs by ${label.toLowerCase()}`} columns={columns} rows={groups} rowKey={({ value }) => value} onOpen={open} initialSort={by === "day" ? { key: "value", descending: false } : { key: "total", descending: true }} keyboard />
      <p className={styles.rowSum}>
        {formatCount(groups.length)} {groups.length === 1 ? "row sums" : "rows sum"} to <strong className="number">{formatMoneyExactly(sum)}</strong>
        {sum === total ? ", the total." : <span className={styles.bad}> and not to the total of {formatMoneyExactly(total)}.</span>}
      </p>
    </Section>
  );
}

function makeColumns(by: Dimension, label: string, total: number): readonly Column<CostGroup>[] {
  const part = (key: string, title: string, of: (cost: Cost) => number, hint?: string): Column<CostGroup> => ({
    key,
    title,
    numeric: true,
    width: "92px",
    ...(hint === undefined ? {} : { hint }),
    sortBy: ({ cost }) => of(cost),
    cell: ({ cost }) => (of(cost) === 0 ? <span className="quiet">$0</span> : <span title={formatMoneyExactly(of(cost))}>{formatMoney(of(cost))}</span>),
  });
  return [
    { key: "value", title: label, cell: (group) => <Value by={by} group={group} />, sortBy: ({ value }) => value },
    {
      key: "total",
      title: "Total",
      numeric: true,
      width: "96px",
      sortBy: ({ cost }) => cost.total_nd,
      cell: ({ cost }) => (
        <span title={`${formatMoneyExactly(cost.total_nd)}${cost.complete ? "" : `\nwithout ${formatCount(cost.unpriced_calls)} calls of ${cost.unpriced_models.join(", ")}`}`}>
          {cost.complete ? "" : cost.total_nd === 0 ? "unpriced" : "≥ "}
          {cost.complete || cost.total_nd > 0 ? formatMoney(cost.total_nd) : ""}
        </span>
      ),
    },
    {
      key: "share",
      title: "Of the total",
      width: "116px",
      sortBy: ({ cost }) => cost.total_nd,
      numeric: true,
      cell: ({ cost }) => (
        <span className={styles.share}>
          <span className={styles.bar} style={{ width: `${total > 0 ? (60 * cost.total_nd) / total : 0}px` }} aria-hidden />
          {total > 0 ? formatShare(cost.total_nd / total) : "–"}
        </span>
      ),
    },
    part("llm", "Models", ({ llm_nd: amount }) => amount, "Input, cached input, cache writes and output of models"),
    part("cpu", "CPU", ({ cpu_nd: amount }) => amount),
    part("memory", "Memory", ({ memory_nd: amount }) => amount),
    part("network", "Network", ({ network_nd: amount }) => amount),
    { key: "tasks", title: "Tasks", numeric: true, width: "52px", sortBy: ({ tasks }) => tasks, cell: ({ tasks }) => formatCount(tasks) },
    { key: "each", title: "$ per task", numeric: true, width: "84px", sortBy: ({ per_task_nd: each }) => each, cell: ({ per_task_nd: each }) => formatMoney(each) },
    {
      key: "tokens",
      title: "Tokens",
      numeric: true,
      width: "68px",
      hint: "Input and output",
      sortBy: ({ usage }) => usage.input_tokens + usage.output_tokens,
      cell: ({ usage }) => <span title={`${formatCount(usage.input_tokens)} in (${formatCount(usage.cached_tokens)} cached), ${formatCount(usage.output_tokens)} out`}>{formatNumber(usage.input_tokens + usage.output_tokens)}</span>,
    },
    ...(by === "day"
      ? []
      : [
          {
            key: "before",
            title: "Last week",
            hint: "The same time a week before, or as long before as the range is long where that is longer",
            numeric: true,
            width: "88px",
            sortBy: ({ previous_total_nd: before }: CostGroup) => before,
            cell: ({ previous_total_nd: before }: CostGroup) => formatMoney(before),
          },
          {
            key: "change",
            title: "Change",
            numeric: true,
            width: "76px",
            sortBy: ({ cost, previous_total_nd: before }: CostGroup) => cost.total_nd - (before ?? 0),
            cell: ({ cost, previous_total_nd: before }: CostGroup) => <Change now={cost.total_nd} before={before} bad="rise" />,
          },
        ]),
  ];
}

function Value({ by, group: { value } }: { by: Dimension; group: CostGroup }) {
  if (value === "") return <span className="quiet">{valueWords(by, value)}</span>;
  const escaped = value.replace(/[\\,]/g, "\\$&");
  const target = by === "agent" ? agentLink(value) : by === "tenant" || by === "type" || by === "queue" ? tasksLink({ [by]: escaped }) : null;
  return (
    <span className={styles.value}>
      <span className="truncate" title={value}>
        {value}
      </span>
      {target && (
        <PageLink {...target} className={styles.doorway} title={by === "agent" ? "Open the agent" : "Show its tasks"}>
          {by === "agent" ? "Agent" : "Tasks"}
        </PageLink>
      )}
      {by !== "day" && <Filter size={11} className={styles.hint} aria-hidden />}
    </span>
  );
}
