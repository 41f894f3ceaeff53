import { TriangleAlert, X } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useRangeQuery } from "../../api/queries";
import type { CostPointsResponse, CostReport } from "../../api/schema";
import { tasksLink } from "../../app/links";
import { useParam, useSearch, useSetSearch } from "../../app/location";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { Change } from "../../components/Change";
import { PageLink } from "../../components/PageLink";
import { Segmented } from "../../components/Segmented";
import { ServerSnippet } from "../../components/ServerSnippet";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, formatNumber } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { Breakdown } from "./Breakdown";
import { Budgets } from "./Budgets";
import styles from "./Costs.module.css";
import { CourseChart } from "./CourseChart";
import { type Dimension, DIMENSIONS, readDimension, readRestrictions } from "./dimensions";
import { Movers } from "./Movers";
import { Prices } from "./Prices";
import { formatWhen } from "./when";

/** What work cost: by whom and by what, over time, against budgets and the week before. */
export default function CostsPage() {
  const by = readDimension(useParam("by"));
  const search = useSearch();
  const restricted = useMemo(() => readRestrictions(search), [search]);
  const setSearch = useSetSearch();
  const report = useRangeQuery<CostReport>("/api/costs", { by, ...restricted });
  const course = useRangeQuery<CostPointsResponse>("/api/costs/over-time", { by: by === "day" ? "tenant" : by, ...restricted });
  const isRestricted = Object.keys(restricted).length > 0;
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <Segmented<Dimension> label="Break down by" value={by} options={DIMENSIONS.map(({ value, label }) => ({ value, label }))} onChange={(next) => setSearch({ by: next })} />
        {Object.entries(restricted).map(([name, value]) => (
          <span key={name} className={styles.chip}>
            <span className="quiet">{name}</span> {String(value)}
            <button type="button" aria-label={`Remove ${name} ${String(value)}`} title="Remove" onClick={() => setSearch({ [name]: undefined })}>
              <X size={12} />
            </button>
          </span>
        ))}
      </div>
      <QueryView query={report} failed="The costs could not be read" skeleton={<Skeleton rows={14} height={24} />}>
        {({ data }) =>
          data.total.total_nd === 0 && data.tasks === 0 && data.previous_total_nd === 0 && data.total.complete ? (
            <div className={styles.parts}>
              {isRestricted ? (
                <EmptyState title="Nothing of this kind cost anything in this range">
                  <p>
                    <Button onClick={() => setSearch(Object.fromEntries(Object.keys(restricted).map((name) => [name, undefined])))}>Show all costs</Button>
                  </p>
                </EmptyState>
              ) : (
                <NoCosts />
              )}
              <Budgets />
            </div>
          ) : (
            <div className={styles.parts}>
              <Figures report={data} />
              <div className={styles.halves}>
                <QueryView query={course} failed="The costs could not be read over time" skeleton={<Skeleton rows={6} />}>
                  {(answer) => <CourseChart points={answer.data.points} range={answer.range} by={by === "day" ? "tenant" : by} />}
                </QueryView>
                <div className={styles.side}>
                  <Budgets />
                  <Movers report={data} by={by} />
                </div>
              </div>
              <Breakdown report={data} by={by} restricted={restricted} />
              <Prices report={data} />
            </div>
          )
        }
      </QueryView>
    </div>
  );
}

function Figures({ report }: { report: CostReport }) {
  const { total, usage } = report;
  const parts: readonly (readonly [string, number])[] = [
    ["input", total.input_nd],
    ["cached input", total.cached_nd],
    ["cache writes", total.cache_write_nd],
    ["output", total.output_nd],
    ["CPU", total.cpu_nd],
    ["memory", total.memory_nd],
    ["network", total.network_nd],
  ];
  const sum = parts.reduce((all, [, amount]) => all + amount, 0);
  return (
    <>
      <dl className={styles.facts}>
        <Fact name="Total">
          <span title={formatMoneyExactly(total.total_nd)}>
            {total.complete ? "" : "≥ "}
            {formatMoney(total.total_nd)}
          </span>
        </Fact>
        <Fact name="Per task">{formatMoney(report.per_task_nd)}</Fact>
        <Fact name="Per hour">{formatMoney(report.per_hour_nd)}</Fact>
        <Fact name={`From ${formatWhen(nsToMs(report.previous_from_ns))} on, as long`}>
          <span title={formatMoneyExactly(report.previous_total_nd)}>{formatMoney(report.previous_total_nd)}</span>{" "}
          <Change now={total.total_nd} before={report.previous_total_nd} bad="rise" />
        </Fact>
        <Fact name="Tasks">
          <PageLink {...tasksLink()}>{formatCount(report.tasks)}</PageLink>
        </Fact>
        <Fact name="Calls of models">{formatCount(usage.calls)}</Fact>
        <Fact name="Tokens in / out">
          {formatNumber(usage.input_tokens)} / {formatNumber(usage.output_tokens)}
        </Fact>
      </dl>
      <p className={styles.sum} aria-label="Parts of the total">
        {parts.map(([name, amount], index) => (
          <span key={name} className={amount === 0 ? "quiet" : undefined} title={formatMoneyExactly(amount)}>
            {index > 0 && <span className="quiet">+ </span>}
            {name} <span className="number">{formatMoney(amount)}</span>
          </span>
        ))}
        <strong className="number" title={formatMoneyExactly(sum)}>
          = {formatMoneyExactly(sum)}
        </strong>
        {sum !== total.total_nd && <span className={styles.bad}>which is not the total of {formatMoneyExactly(total.total_nd)}</span>}
      </p>
      {!total.complete && (
        <p className={styles.unpriced}>
          <TriangleAlert size={14} aria-hidden />
          <span>
            {formatCount(total.unpriced_calls)} {total.unpriced_calls === 1 ? "call is" : "calls are"} missing from these sums: nobody knows the price of{" "}
            <strong>{total.unpriced_models.join(", ")}</strong>. Say it in <code>gnomon.yml</code>:{" "}
            <code>
              costs: {"{"}models: [{total.unpriced_models[0]}=0.40/0.80]{"}"}
            </code>
            , dollars a million tokens in/out.
          </span>
        </p>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const snippet = (endpoint: string) => `import gnomon

gnomon.setup(service="worker", endpoint="${endpoint}")

@gnomon.task("summarise")
def summarise(document):
    with gnomon.llm_call("claude-sonnet-4-5", provider="anthropic") as call:
        answer = ask(document)
        call.usage(answer.input_tokens, answer.output_tokens)
`;

function NoCosts() {
  const { text, set } = useTimeRange();
  return (
    <EmptyState title="Nothing cost anything in this time range">
      {text.from !== "now-7d" && (
        <p>
          <Button onClick={() => set({ from: "now-7d", to: "now" })}>Look at the last 7 days</Button>
        </p>
      )}
      <p>
        Here stands what work cost, in parts that sum to the whole: calls of models by their tokens and the price of the day, CPU, memory and network by
        the rates in <code>gnomon.yml</code>. Any OpenTelemetry span with <code>gen_ai.*</code> will do, or the SDK:
      </p>
      <ServerSnippet text={snippet} />
    </EmptyState>
  );
}
