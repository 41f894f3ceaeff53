import { useParams } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { CircleAlert } from "lucide-react";
import { useRangeQuery } from "../../api/queries";
import type { AgentCourse, AgentsResponse, CostGroup, CostReport, HandOffGraph, PricedAgent, PricedTask, TaskListResponse } from "../../api/schema";
import { agentLink, agentTasksLink, costsLink, taskLink } from "../../app/links";
import type { MomentRange } from "../../app/timeRange";
import { usePageTitle } from "../../app/title";
import { BarHistogram } from "../../charts/BarHistogram";
import { TimeSeriesChart } from "../../charts/TimeSeriesChart";
import { PageLink } from "../../components/PageLink";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { Section } from "../../components/Section";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { shortId } from "../../format/ids";
import { formatMoney } from "../../format/money";
import { formatCount, formatShare, MISSING } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./Agents.module.css";
import { layOutCourse, stepTimes } from "./agentLines";
import { formatLoad, formatTrust } from "./figures";
import { sumPassings } from "./handOffs";
import { NoAgents } from "./NoAgents";

const TASKS = 50;

/** One agent: how it fares over time, its tasks, who it works with, and what that costs. */
export default function AgentPage() {
  const { agent = "" }: { agent?: string } = useParams({ strict: false });
  usePageTitle(agent, [{ label: "Agents", to: "/agents" }]);
  const agents = useRangeQuery<AgentsResponse>("/api/agents");
  const course = useRangeQuery<AgentCourse>("/api/agents/points");
  const tasks = useRangeQuery<TaskListResponse>("/api/tasks", { agent, limit: TASKS });
  const costs = useRangeQuery<CostReport>("/api/costs", { by: "type", agent });
  const graph = useRangeQuery<HandOffGraph>("/api/agents/handoffs");
  return (
    <QueryView query={agents} failed="The agent could not be read" skeleton={<Skeleton rows={12} />}>
      {({ data }) => {
        const found = data.agents.find(({ summary }) => summary.agent === agent);
        if (!found) return <NoAgents title={`${agent} did not work in this time range`} />;
        return (
          <div className={styles.agent}>
            <Facts agent={found} />
            <QueryView query={course} failed="Its course could not be read" skeleton={<Skeleton rows={6} />}>
              {(answer) => <Charts agent={agent} course={answer.data} range={answer.range} />}
            </QueryView>
            <div className={styles.halves}>
              <Section title="Tasks" aside={<PageLink {...agentTasksLink(agent)}>All in the range</PageLink>}>
                <QueryView query={tasks} failed="Its tasks could not be listed" skeleton={<Skeleton rows={8} />}>
                  {(answer) => <Tasks list={answer.data} />}
                </QueryView>
              </Section>
              <div className={styles.agent}>
                <Section title="Works with" aside={<PageLink to="/agents/handoffs" search={{ agent }}>In the graph</PageLink>}>
                  <QueryView query={graph} failed="Its hand-offs could not be read">
                    {(answer) => <Passings agent={agent} graph={answer.data} startMs={answer.range.startMs} />}
                  </QueryView>
                </Section>
                <Section title="Cost by type of task" aside={<PageLink {...costsLink({ by: "type", agent })}>Costs</PageLink>}>
                  <QueryView query={costs} failed="Its cost could not be read">
                    {(answer) => <Costs report={answer.data} />}
                  </QueryView>
                </Section>
              </div>
            </div>
          </div>
        );
      }}
    </QueryView>
  );
}

function Facts({ agent: { summary, cost } }: { agent: PricedAgent }) {
  const { failed, succeeded } = summary;
  return (
    <dl className={styles.facts}>
      <Fact name="Load">{formatLoad(summary.load)}</Fact>
      <Fact name="Under way">{formatCount(summary.running)}</Fact>
      <Fact name="Success">
        {formatShare(summary.success_share)}
        {failed > 0 && (
          <PageLink {...agentTasksLink(summary.agent, { failed: true })} className={styles.bad}>
            {" "}
            <CircleAlert size={13} aria-hidden /> {formatCount(failed)} of {formatCount(failed + succeeded)} failed
          </PageLink>
        )}
      </Fact>
      <Fact name="Trust">{formatTrust(summary.trust_score)}</Fact>
      <Fact name="p50">{formatDuration(summary.p50_ns)}</Fact>
      <Fact name="p95">{formatDuration(summary.p95_ns)}</Fact>
      <Fact name="Tasks">{formatCount(summary.tasks)}</Fact>
      <Fact name="Attempts">{formatCount(summary.attempts)}</Fact>
      <Fact name="Cost">
        {cost ? `${cost.complete ? "" : "≥ "}${formatMoney(cost.total_nd)}` : MISSING}
      </Fact>
      <Fact name="Last heard of">
        <Time ms={nsToMs(summary.last_seen_ns)} style="age" />
      </Fact>
      <div className={styles.links}>
        <PageLink {...agentTasksLink(summary.agent)}>Tasks</PageLink>
        <PageLink {...costsLink({ by: "type", agent: summary.agent })}>Costs</PageLink>
        <PageLink to="/agents/handoffs" search={{ agent: summary.agent }}>
          Hand-offs
        </PageLink>
      </div>
    </dl>
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

function Charts({ agent, course, range }: { agent: string; course: AgentCourse; range: MomentRange }) {
  const times = useMemo(() => stepTimes(course, range.endMs), [course, range.endMs]);
  const lines = useMemo(() => layOutCourse(course, times).get(agent), [course, times, agent]);
  const series = useMemo(
    () =>
      lines && {
        attempts: [
          { name: "failed", color: "var(--mark-bad)", counts: lines.failed },
          { name: "others", color: "var(--mark-neutral)", counts: lines.attempts.map((count, index) => count - (lines.failed[index] ?? 0)) },
        ],
        load: [{ name: "load", values: lines.load, color: "var(--series-1)" }],
        p50: [{ name: "p50", values: lines.p50Ns, color: "var(--series-7)" }],
        trust: [{ name: "trust", values: lines.trust, color: "var(--series-9)" }],
      },
    [lines],
  );
  if (!series) return <PartialNote>Nothing is told of its attempts in single steps of this range.</PartialNote>;
  return (
    <div className={styles.charts}>
      <Section title="Attempts" aside="those that failed in red, at the bottom">
        <BarHistogram label="Attempts over time" bucketsMs={times} bucketMs={course.step_ns / 1e6} series={series.attempts} range={range} height={140} />
      </Section>
      <TimeSeriesChart title="Load, attempts at a time" timesMs={times} series={series.load} range={range} unit="count" legend={false} height={140} />
      <TimeSeriesChart title="Median latency" timesMs={times} series={series.p50} range={range} unit="duration" legend={false} height={140} />
      <TimeSeriesChart title="Trust" timesMs={times} series={series.trust} range={range} unit="count" legend={false} height={140} min={0} max={1} />
    </div>
  );
}

const TASK_COLUMNS: readonly Column<PricedTask>[] = [
  { key: "start", title: "Began", width: "84px", cell: ({ task }) => <Time ms={nsToMs(task.start_ns)} />, sortBy: ({ task }) => task.start_ns },
  {
    key: "task",
    title: "Task",
    cell: ({ task }) => (
      <PageLink {...taskLink(task.task_id)} title={task.task_id}>
        {shortId(task.task_id, 28)}
      </PageLink>
    ),
    sortBy: ({ task }) => task.task_id,
  },
  { key: "type", title: "Type", width: "18%", cell: ({ task }) => <span title={task.type}>{task.type || MISSING}</span>, sortBy: ({ task }) => task.type },
  {
    key: "state",
    title: "State",
    width: "120px",
    cell: ({ task }) => {
      const words = task.state.replace("_", " ");
      return ["failed", "timed_out", "dead_lettered"].includes(task.state) ? (
        <span className={styles.bad} title={`${task.error_type}: ${task.error_message}`}>
          <CircleAlert size={13} aria-hidden /> {words}
        </span>
      ) : (
        words
      );
    },
    sortBy: ({ task }) => task.state,
  },
  { key: "duration", title: "Duration", numeric: true, width: "88px", cell: ({ task }) => formatDuration(task.duration_ns), sortBy: ({ task }) => task.duration_ns },
  { key: "cost", title: "Cost", numeric: true, width: "80px", cell: ({ cost }) => formatMoney(cost.total_nd), sortBy: ({ cost }) => cost.total_nd },
];

function Tasks({ list }: { list: TaskListResponse }) {
  const open = useOpen();
  return (
    <>
      <Table label="Tasks" columns={TASK_COLUMNS} rows={list.tasks} rowKey={({ task }) => task.task_id} onOpen={({ task }) => open(taskLink(task.task_id))} keyboard />
      {list.next_cursor !== "" && <PartialNote>These are the latest {formatCount(TASKS)}; there are more in the range.</PartialNote>}
    </>
  );
}

function Passings({ agent, graph, startMs }: { agent: string; graph: HandOffGraph; startMs: number }) {
  const passings = sumPassings(graph, startMs, null).filter(({ from, to }) => from === agent || to === agent);
  if (passings.length === 0) return <p className="quiet">It neither handed work on nor took any over in this range.</p>;
  return (
    <ul className={styles.passings}>
      {passings.map(({ from, to, kind, total }) => (
        <li key={`${from} ${to} ${kind}`}>
          <span className="truncate">
            {from === agent ? (kind === "delegation" ? "gave rise to work of " : "handed on to ") : kind === "delegation" ? "works on what rose from " : "took over from "}
            <PageLink {...agentLink(from === agent ? to : from)}>{from === agent ? to : from}</PageLink>
          </span>
          <span className="number">{formatCount(total)}×</span>
        </li>
      ))}
    </ul>
  );
}

const COST_COLUMNS: readonly Column<CostGroup>[] = [
  {
    key: "type",
    title: "Type",
    cell: ({ value }) => (value === "" ? <span className="quiet">no type</span> : <PageLink {...costsLink({ by: "model", type: value })}>{value}</PageLink>),
    sortBy: ({ value }) => value,
  },
  { key: "tasks", title: "Tasks", numeric: true, width: "72px", cell: ({ tasks }) => formatCount(tasks), sortBy: ({ tasks }) => tasks },
  { key: "each", title: "$ per task", numeric: true, width: "88px", cell: ({ per_task_nd: each }) => formatMoney(each), sortBy: ({ per_task_nd: each }) => each },
  { key: "total", title: "Cost", numeric: true, width: "88px", cell: ({ cost }) => formatMoney(cost.total_nd), sortBy: ({ cost }) => cost.total_nd },
];

function Costs({ report }: { report: CostReport }) {
  const groups = report.groups.filter(({ cost, tasks }) => cost.total_nd > 0 || tasks > 0);
  if (groups.length === 0) return <p className="quiet">Nothing that it did in this range is known to have cost anything.</p>;
  return <Table label="Cost by type of task" columns={COST_COLUMNS} rows={groups} rowKey={({ value }) => value} initialSort={{ key: "total", descending: true }} />;
}
