import { ChevronLeft, ChevronRight, Pause, Play, X } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { type Ranged, useRangeQuery } from "../../api/queries";
import type { AgentsResponse, AgentSummary, HandOffGraph } from "../../api/schema";
import { agentLink, agentTasksLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { usePreference } from "../../app/preferences";
import { useShortcuts } from "../../app/shortcuts";
import { usePageTitle } from "../../app/title";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { QueryView, Skeleton } from "../../components/states";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { formatClock, formatDateTime } from "../../format/times";
import type { GraphCall, GraphNode } from "../services/ServiceGraph";
import styles from "./Agents.module.css";
import { AgentViews } from "./AgentViews";
import { formatLoad } from "./figures";
import { countBySteps, type Passing, sumPassings } from "./handOffs";
import { NoAgents } from "./NoAgents";

const ServiceGraph = lazy(() => import("../services/ServiceGraph"));
const PLAY_MS = 700;

/** How work passes between agents, over the range and step by step. */
export default function HandOffsPage() {
  usePageTitle("Hand-offs", [{ label: "Agents", to: "/agents" }]);
  const graph = useRangeQuery<HandOffGraph>("/api/agents/handoffs");
  const agents = useRangeQuery<AgentsResponse>("/api/agents");
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <AgentViews />
        <span className="quiet">Lines: the same task went on to another agent. Dashed: a task of one agent gave rise to one of the other</span>
      </div>
      <div className={styles.fill}>
        <QueryView query={graph} failed="The hand-offs could not be read" skeleton={<Skeleton rows={12} />}>
          {(found) =>
            found.data.agents.length === 0 ? (
              <NoAgents title="No work passed between agents in this time range" />
            ) : (
              <GraphView found={found} agents={agents.data?.data.agents.map(({ summary }) => summary) ?? []} />
            )
          }
        </QueryView>
      </div>
    </div>
  );
}

function GraphView({ found, agents }: { found: Ranged<HandOffGraph>; agents: readonly AgentSummary[] }) {
  const { data: graph, range } = found;
  const stepMs = graph.step_ns / 1e6;
  const steps = Math.max(1, Math.ceil((range.endMs - range.startMs) / stepMs - 1e-6));
  const selected = useParam("agent");
  const stepText = useParam("step");
  const setSearch = useSetSearch();
  const step = /^\d+$/.test(stepText) && Number(stepText) < steps ? Number(stepText) : null;
  const select = (agent: string) => setSearch({ agent }, { replace: true });
  const goTo = (next: number | null) => setSearch({ step: next === null ? undefined : String(Math.min(Math.max(next, 0), steps - 1)) }, { replace: true });
  useShortcuts([
    { keys: ",", does: "Step back in time", group: "Hand-offs", run: () => goTo((step ?? steps) - 1) },
    { keys: ".", does: "Step on in time", group: "Hand-offs", run: () => goTo((step ?? -1) + 1) },
    { keys: "Escape", does: "Close the agent, then show the whole range", group: "Hand-offs", run: () => (selected === "" ? goTo(null) : select("")) },
  ]);
  const passings = useMemo(() => sumPassings(graph, range.startMs, step), [graph, range.startMs, step]);
  const counts = useMemo(() => countBySteps(graph, range.startMs, steps), [graph, range.startMs, steps]);
  const nodes = useMemo(() => {
    const known = new Map(agents.map((agent) => [agent.agent, agent]));
    return graph.agents.map((name): GraphNode => {
      const agent = known.get(name);
      return {
        name,
        kind: "agent",
        figures: agent ? `load ${formatLoad(agent.load)}${agent.p95_ns === null ? "" : ` · p95 ${formatDuration(agent.p95_ns)}`}` : "no attempt of its own here",
        failed: agent && agent.failed > 0 && agent.success_share !== null ? `${formatShare(1 - agent.success_share)} failed` : "",
      };
    });
  }, [graph, agents]);
  const calls = useMemo(() => {
    const busiest = Math.max(...passings.map(({ count }) => count), 1);
    return passings.map(
      ({ from, to, kind, count }): GraphCall => ({
        client: from,
        server: to,
        kind,
        figures: `${formatCount(count)}×`,
        failed: "",
        weight: Math.log1p(count) / Math.log1p(busiest),
        absent: count === 0,
      }),
    );
  }, [passings]);
  return (
    <div className={styles.graphView}>
      <div className={styles.map}>
        <Suspense fallback={<Skeleton rows={12} />}>
          <ServiceGraph label="Hand-offs" nodes={nodes} calls={calls} selected={selected} onSelect={select} />
        </Suspense>
        <Panel agent={selected} summary={agents.find(({ agent }) => agent === selected)} passings={passings} isStep={step !== null} onSelect={select} />
      </div>
      <Steps counts={counts} step={step} startMs={range.startMs} stepMs={stepMs} onStep={goTo} />
    </div>
  );
}

interface StepsProps {
  counts: readonly number[];
  step: number | null;
  startMs: number;
  stepMs: number;
  onStep: (step: number | null) => void;
}

function Steps({ counts, step, startMs, stepMs, onStep }: StepsProps) {
  const zone = usePreference("zone");
  const [playing, setPlaying] = useState(false);
  const last = counts.length - 1;
  const ends = playing && step !== null && step >= last;
  useEffect(() => {
    if (!playing || ends) return undefined;
    const timer = setTimeout(() => onStep(step === null ? 0 : step + 1), PLAY_MS);
    return () => {
      clearTimeout(timer);
    };
  });
  const plays = playing && !ends;
  const most = Math.max(...counts, 1);
  const from = startMs + (step ?? 0) * stepMs;
  const said =
    step === null
      ? `Whole range: ${formatCount(counts.reduce((sum, count) => sum + count, 0))} passed on`
      : `${formatDateTime(from, zone)} to ${formatClock(from + stepMs, zone)}: ${formatCount(counts[step] ?? 0)}`;
  return (
    <div className={styles.steps}>
      <div className={styles.stepButtons}>
        <Button icon aria-label="Step back" title="Step back (,)" disabled={step === 0} onClick={() => onStep((step ?? counts.length) - 1)}>
          <ChevronLeft size={16} />
        </Button>
        <Button
          icon
          aria-label={plays ? "Pause" : "Play"}
          title={plays ? "Pause" : "Play the range step by step"}
          onClick={() => {
            if (!plays && step !== null && step >= last) onStep(0);
            setPlaying(!plays);
          }}
        >
          {plays ? <Pause size={16} /> : <Play size={16} />}
        </Button>
        <Button icon aria-label="Step on" title="Step on (.)" disabled={step === last} onClick={() => onStep((step ?? -1) + 1)}>
          <ChevronRight size={16} />
        </Button>
      </div>
      <div className={styles.track}>
        <div className={styles.bars} aria-hidden>
          {counts.map((count, index) => (
            <span key={index} data-current={index === step || undefined} style={{ height: `${(100 * count) / most}%` }} />
          ))}
        </div>
        <input type="range" aria-label="Step of time" aria-valuetext={said} min={0} max={last} value={step ?? last} onChange={(event) => onStep(Number(event.target.value))} />
      </div>
      <div>
        <p className="number" role="status">
          {said}
        </p>
        {step === null ? (
          <span className="quiet">Steps of {formatDuration(stepMs * 1e6)}</span>
        ) : (
          <Button
            onClick={() => {
              setPlaying(false);
              onStep(null);
            }}
          >
            Show the whole range
          </Button>
        )}
      </div>
    </div>
  );
}

interface PanelProps {
  agent: string;
  summary: AgentSummary | undefined;
  passings: readonly Passing[];
  isStep: boolean;
  onSelect: (agent: string) => void;
}

function Panel({ agent, summary, passings, isStep, onSelect }: PanelProps) {
  const shown = passings.filter(({ from, to }) => agent === "" || from === agent || to === agent);
  return (
    <aside className={styles.panel} aria-label={agent || "All hand-offs"}>
      <div className={styles.panelHead}>
        <h2>{agent || "Who passes to whom"}</h2>
        {agent !== "" && (
          <Button kind="plain" icon aria-label="Close the agent" title="Close (Esc)" onClick={() => onSelect("")}>
            <X size={16} />
          </Button>
        )}
      </div>
      {agent !== "" && (
        <div className={styles.facts}>
          <PageLink {...agentLink(agent)}>Agent</PageLink>
          <PageLink {...agentTasksLink(agent)}>{summary ? `${formatCount(summary.tasks)} tasks` : "Tasks"}</PageLink>
        </div>
      )}
      <ul className={styles.passings}>
        {shown.map(({ from, to, kind, count, total }) => (
          <li key={`${from} ${to} ${kind}`} data-none={count === 0 || undefined}>
            <span className="truncate">
              <button type="button" className="truncate" title={from} onClick={() => onSelect(from)}>
                {from}
              </button>{" "}
              →{" "}
              <button type="button" className="truncate" title={to} onClick={() => onSelect(to)}>
                {to}
              </button>
            </span>
            <span className="number">{formatCount(count)}×</span>
            <span className={styles.kind}>
              {kind === "delegation" ? "gave rise to a task" : "handed the task on"}
              {isStep && `, ${formatCount(total)}× in the range`}
            </span>
          </li>
        ))}
      </ul>
    </aside>
  );
}
