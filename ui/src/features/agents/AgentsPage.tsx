import { useMemo } from "react";
import { request } from "../../api/client";
import { useRanged, useRangeQuery } from "../../api/queries";
import type { AgentCourse, AgentsResponse, AgentSummary, Cost, PricedAgent } from "../../api/schema";
import { agentLink, agentTasksLink, costsLink } from "../../app/links";
import { momentText, type MomentRange } from "../../app/timeRange";
import { seriesColor } from "../../charts/palette";
import { Change } from "../../components/Change";
import { PageLink } from "../../components/PageLink";
import { Sparkline } from "../../components/Sparkline";
import { QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, formatShare, MISSING } from "../../format/numbers";
import styles from "./Agents.module.css";
import { AgentViews } from "./AgentViews";
import { type AgentLines, layOutCourse, stepTimes } from "./agentLines";
import { formatLoad, formatTrust } from "./figures";
import { NoAgents } from "./NoAgents";

/** Fetch agents for the time as long as the page's range that ends where it begins. */
function useAgentsBefore() {
  return useRanged<AgentsResponse>(["/api/agents", "before"], ({ startMs, endMs }, signal) =>
    request<AgentsResponse>("/api/agents", { params: { from: momentText(2 * startMs - endMs), to: momentText(startMs) }, signal }),
  );
}

/** Every agent that worked in the range: load, success, trust, latency, cost. */
export default function AgentsPage() {
  const agents = useRangeQuery<AgentsResponse>("/api/agents");
  const before = useAgentsBefore();
  const course = useRangeQuery<AgentCourse>("/api/agents/points");
  const list = agents.data?.data.agents;
  const running = list?.reduce((sum, { summary }) => sum + summary.running, 0) ?? 0;
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <AgentViews />
        {list && list.length > 0 && (
          <span className="quiet number">
            {formatCount(list.length)} {list.length === 1 ? "agent" : "agents"}, {formatCount(running)} attempts under way; changes are against the range before
          </span>
        )}
      </div>
      <div className={styles.fill}>
        <QueryView query={agents} failed="The agents could not be listed" skeleton={<Skeleton rows={10} />}>
          {({ data }) =>
            data.agents.length === 0 ? (
              <NoAgents title="No agent worked in this time range" />
            ) : (
              <AgentTable agents={data.agents} before={before.data?.data.agents} course={course.data} />
            )
          }
        </QueryView>
      </div>
    </div>
  );
}

interface AgentTableProps {
  agents: readonly PricedAgent[];
  before: readonly PricedAgent[] | undefined;
  course: { data: AgentCourse; range: MomentRange } | undefined;
}

interface Row extends PricedAgent {
  before: AgentSummary | null | undefined;
  costBefore: Cost | null | undefined;
  lines: AgentLines | undefined;
}

function AgentTable({ agents, before, course }: AgentTableProps) {
  const open = useOpen();
  const rows = useMemo((): Row[] => {
    const old = before && new Map(before.map((agent) => [agent.summary.agent, agent]));
    const lines = course && layOutCourse(course.data, stepTimes(course.data, course.range.endMs));
    return agents.map((agent) => {
      const was = old && (old.get(agent.summary.agent) ?? null);
      return { ...agent, before: was === null ? null : was?.summary, costBefore: was === null ? null : was?.cost, lines: lines?.get(agent.summary.agent) };
    });
  }, [agents, before, course]);
  return (
    <Table
      label="Agents"
      columns={COLUMNS}
      rows={rows}
      rowKey={({ summary }) => summary.agent}
      onOpen={({ summary }) => open(agentLink(summary.agent))}
      initialSort={{ key: "load", descending: true }}
      height="100%"
      rowHeight={30}
      keyboard
    />
  );
}

const NOTABLE_SHARE = 0.05;

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "agent",
    title: "Agent",
    cell: ({ summary }) => (
      <PageLink {...agentLink(summary.agent)} className={styles.name} title={`${summary.agent}\n${summary.types.join(", ")}`}>
        <span className={styles.dot} style={{ background: seriesColor(summary.agent) }} aria-hidden />
        {summary.agent}
      </PageLink>
    ),
    sortBy: ({ summary }) => summary.agent,
  },
  {
    key: "load",
    title: "Load",
    hint: "Attempts that it worked on at a time, on average over the range",
    numeric: true,
    width: "17%",
    sortBy: ({ summary }) => summary.load,
    cell: ({ summary, before, lines }) => (
      <div className={styles.metric}>
        <Sparkline values={lines?.load ?? []} label="Load over the range" />
        <Change now={summary.load} before={before === null ? 0 : before?.load} />
        <span title={`${formatDuration(summary.busy_ns)} of work`}>{formatLoad(summary.load)}</span>
      </div>
    ),
  },
  {
    key: "success",
    title: "Success",
    hint: "Share of the attempts that ended which ended well; the line shows failures",
    numeric: true,
    width: "16%",
    sortBy: ({ summary }) => summary.success_share,
    cell: ({ summary, before, lines }) => (
      <div className={styles.metric}>
        <Sparkline values={lines?.failedShare ?? []} max={0.5} tone={1 - (summary.success_share ?? 1) >= NOTABLE_SHARE ? "bad" : "neutral"} label="Share of failures over the range" />
        <Change now={summary.success_share} before={before?.success_share} bad="fall" />
        {summary.failed > 0 ? (
          <PageLink {...agentTasksLink(summary.agent, { failed: true })} title={`${formatCount(summary.failed)} of ${formatCount(summary.succeeded + summary.failed)} attempts failed`}>
            {formatShare(summary.success_share)}
          </PageLink>
        ) : (
          <span>{formatShare(summary.success_share)}</span>
        )}
      </div>
    ),
  },
  {
    key: "trust",
    title: "Trust",
    hint: "The last trust score told, 0 to 1",
    numeric: true,
    width: "15%",
    sortBy: ({ summary }) => summary.trust_score,
    cell: ({ summary, before, lines }) =>
      summary.trust_score === null ? (
        <span className="quiet">{MISSING}</span>
      ) : (
        <div className={styles.metric}>
          <Sparkline values={lines?.trust ?? []} max={1} label="Trust over the range" />
          <Change now={summary.trust_score} before={before?.trust_score} bad="fall" />
          <span title={`${formatTrust(summary.trust_low)} to ${formatTrust(summary.trust_high)} in the range`}>{formatTrust(summary.trust_score)}</span>
        </div>
      ),
  },
  {
    key: "latency",
    title: "p95",
    hint: "95 % of its attempts took no longer; the line shows the median",
    numeric: true,
    width: "16%",
    sortBy: ({ summary }) => summary.p95_ns,
    cell: ({ summary, before, lines }) => (
      <div className={styles.metric}>
        <Sparkline values={lines?.p50Ns ?? []} label="Median over the range" />
        <Change now={summary.p95_ns} before={before?.p95_ns} bad="rise" />
        <span title={`p50 ${formatDuration(summary.p50_ns)}`}>{formatDuration(summary.p95_ns)}</span>
      </div>
    ),
  },
  {
    key: "cost",
    title: "Cost",
    hint: "Of its own work in the range",
    numeric: true,
    width: "12%",
    sortBy: ({ cost }) => cost?.total_nd,
    cell: ({ summary, cost, costBefore }) =>
      cost ? (
        <div className={styles.pair}>
          <Change now={cost.total_nd} before={costBefore === null ? 0 : costBefore?.total_nd} bad="rise" />
          <PageLink {...costsLink({ by: "type", agent: summary.agent })} title={costTitle(cost)}>
            {cost.complete ? "" : "≥ "}
            {formatMoney(cost.total_nd)}
          </PageLink>
        </div>
      ) : (
        <span className="quiet">{MISSING}</span>
      ),
  },
  {
    key: "tasks",
    title: "Tasks",
    numeric: true,
    width: "56px",
    sortBy: ({ summary }) => summary.tasks,
    cell: ({ summary }) => (
      <PageLink {...agentTasksLink(summary.agent)} title={`${formatCount(summary.attempts)} attempts`}>
        {formatCount(summary.tasks)}
      </PageLink>
    ),
  },
  { key: "running", title: "Running", numeric: true, width: "60px", sortBy: ({ summary }) => summary.running, cell: ({ summary }) => formatCount(summary.running) },
];

const costTitle = (cost: Cost) =>
  `${formatMoneyExactly(cost.total_nd)}${cost.complete ? "" : `\nwithout ${formatCount(cost.unpriced_calls)} calls of ${cost.unpriced_models.join(", ")}, whose price nobody knows`}`;
