import { useParams } from "@tanstack/react-router";
import { CornerLeftUp, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { ApiError } from "../../api/client";
import { useApi } from "../../api/queries";
import type { Task, TaskResponse } from "../../api/schema";
import { useNow } from "../../app/clock";
import { logsLink, quoteValue, serviceLink, taskLink, tasksLink, traceLink } from "../../app/links";
import { usePageTitle } from "../../app/title";
import { Id } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { Time } from "../../components/Time";
import { formatDuration } from "../../format/durations";
import { shortId } from "../../format/ids";
import { formatCount, formatShare } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { LogsOf } from "../logs/LogsOf";
import { Attempts } from "./Attempts";
import { CostPanel } from "./CostPanel";
import { remainingWords, silentWords } from "./forecastWords";
import { Journey } from "./Journey";
import { Price } from "./Price";
import { Resources } from "./Resources";
import { Progress } from "./RunningList";
import styles from "./TaskPage.module.css";
import { TaskStateMark } from "./TaskStateMark";

/** A running task is asked for as often. */
const LIVE_MS = 2_000;
const LOG_MARGIN_MS = 1_000;
const MOST_TRACES = 20;

/** One task: its journey, attempts, price, resources and logs. */
export default function TaskPage() {
  const { taskId = "" }: { taskId?: string } = useParams({ strict: false });
  const query = useApi<TaskResponse>(`/api/tasks/${encodeURIComponent(taskId)}`, {}, { refresh: true });
  const isRunning = query.data?.journey.task.ended === false;
  const { refetch } = query;
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void refetch({ cancelRefetch: false });
    }, LIVE_MS);
    return () => {
      clearInterval(timer);
    };
  }, [isRunning, refetch]);
  if (query.error instanceof ApiError && query.error.status === 404 && query.data === undefined) return <NoTask taskId={taskId} message={query.error.message} />;
  return (
    <div className={styles.page}>
      <QueryView query={query} failed="The task could not be read" skeleton={<Skeleton rows={14} />}>
        {(data) => <TaskContent key={data.journey.task.task_id} data={data} />}
      </QueryView>
    </div>
  );
}

function NoTask({ taskId, message }: { taskId: string; message: string }) {
  usePageTitle("No such task", [{ label: "Tasks", to: "/tasks" }]);
  return (
    <EmptyState title="There is no such task">
      <p>{message}</p>
      <p>
        <PageLink {...logsLink(quoteValue(taskId))}>Search the logs for it</PageLink>, or see <PageLink {...tasksLink()}>all tasks</PageLink>.
      </p>
    </EmptyState>
  );
}

function TaskContent({ data: { journey, cost, forecast } }: { data: TaskResponse }) {
  const { task } = journey;
  usePageTitle(shortId(task.task_id, 48), [{ label: "Tasks", to: "/tasks" }]);
  const now = useNow();
  const startMs = nsToMs(task.start_ns);
  const endMs = task.end_ns === null ? Math.max(now, nsToMs(task.last_heard_ns)) : Math.max(nsToMs(task.end_ns), nsToMs(task.last_heard_ns));
  return (
    <div className={styles.content}>
      <header className={styles.header}>
        {task.parent_id !== "" && (
          <PageLink {...taskLink(task.parent_id)} className={styles.parent}>
            <CornerLeftUp size={13} aria-hidden /> under <span className="mono">{task.parent_id}</span>
            {journey.parent && <TaskStateMark state={journey.parent.state} />}
          </PageLink>
        )}
        <div className={styles.figures}>
          <span className={styles.state}>
            <TaskStateMark state={task.state} />
          </span>
          <span className={styles.duration}>{task.duration_ns === null ? `${formatDuration(Math.max(now - startMs, 0) * 1e6)} …` : formatDuration(task.duration_ns)}</span>
          <span className={styles.duration}>
            <Price cost={cost.total} />
          </span>
          {cost.tasks > 1 && <span className="quiet">with {formatCount(cost.tasks - 1)} {cost.tasks === 2 ? "task" : "tasks"} below</span>}
          <Time ms={startMs} style="date" millis />
          <Id id={task.task_id} length={40} />
        </div>
        {task.error_type + task.error_message !== "" && (
          <p className={styles.failure} data-ended={task.ended && task.state !== "completed" ? true : undefined}>
            <TriangleAlert size={14} aria-hidden />
            <span>
              {task.state === "completed" && "An attempt failed: "}
              <PageLink {...tasksLink({ error: task.error_type })} title="Tasks with this error">
                {task.error_type}
              </PageLink>{" "}
              {task.error_message}
            </span>
          </p>
        )}
        {forecast && (
          <div className={styles.forecast} data-warn={forecast.outruns || forecast.late || undefined} role="status">
            <span>Probably still needs: {remainingWords(forecast)}{silentWords(forecast) && `, ${silentWords(forecast)}`}</span>
            <div className={styles.progress}>
              <Progress forecast={forecast} />
            </div>
            <span className="quiet">by {formatCount(forecast.samples)} of its kind in the last week</span>
          </div>
        )}
        <Facts task={task} deadLetters={journey.dead_letter_ids} />
      </header>
      <Section title="Journey" aside={<WaitsSum waits={journey.waits_ns} whole={task.duration_ns} />}>
        <Journey journey={journey} />
      </Section>
      {journey.attempts.length > 1 && (
        <Section title={`${formatCount(journey.attempts.length)} attempts`}>
          <Attempts attempts={journey.attempts} startNs={task.start_ns} />
        </Section>
      )}
      <div className={styles.columns}>
        <Section title="Price">
          <CostPanel cost={cost} />
        </Section>
        <Section title="Resources">
          <Resources resources={task.resources} prices={cost.resource_prices} />
        </Section>
      </div>
      <Section title="Logs">
        <LogsOf query={logsQuery(task)} within={{ startMs: startMs - LOG_MARGIN_MS, endMs: endMs + LOG_MARGIN_MS }} none="No line was written for it, or within its traces." columns={["service"]} />
      </Section>
    </div>
  );
}

/** Lines that name the task, and those of its traces. */
function logsQuery({ task_id: id, named, trace_ids: traces }: Task): string {
  const terms = traces.slice(0, MOST_TRACES).map((trace) => `trace_id:${trace}`);
  return [...(named ? [`task.id:${quoteValue(id)}`] : []), ...terms].join(" or ");
}

const WAIT_WORDS: Record<string, string> = {
  submission: "to be queued",
  queue: "in the queue",
  routing: "to be routed",
  assignment: "for an agent",
  start: "to begin",
  back_off: "before another try",
};

/** What the task's time was spent on, in words. */
function WaitsSum({ waits, whole }: { waits: Readonly<Record<string, number>>; whole: number | null }) {
  const parts = Object.entries(waits)
    .filter(([, ns]) => ns > 0)
    .sort((a, b) => b[1] - a[1]);
  if (parts.length === 0) return null;
  return (
    <>
      {parts.map(([name, ns]) => (
        <span key={name} title={whole === null ? undefined : `${formatShare(ns / whole)} of its time`}>
          {name === "execution" ? "worked" : `waited ${WAIT_WORDS[name] ?? name}`} <span className="number">{formatDuration(ns)}</span>
        </span>
      ))}
    </>
  );
}

function Facts({ task, deadLetters }: { task: Task; deadLetters: readonly string[] }) {
  return (
    <dl className={styles.facts}>
      <Fact name="Type">{task.type !== "" && <PageLink {...tasksLink({ type: listed(task.type) })}>{task.type}</PageLink>}</Fact>
      <Fact name={task.agents.length > 1 ? "Agents" : "Agent"}>
        {task.agents.map((agent) => (
          <PageLink key={agent} {...tasksLink({ agent: listed(agent) })}>
            {agent}
          </PageLink>
        ))}
      </Fact>
      <Fact name="Trust">{task.trust_score !== null && <span className="number">{task.trust_score.toFixed(2)}</span>}</Fact>
      <Fact name="Tenant">{task.tenant !== "" && <PageLink {...tasksLink({ tenant: listed(task.tenant) })}>{task.tenant}</PageLink>}</Fact>
      <Fact name="Queue">{task.queue !== "" && <PageLink {...tasksLink({ queue: listed(task.queue) })}>{task.queue}</PageLink>}</Fact>
      <Fact name="Priority">{task.priority !== "" && <PageLink {...tasksLink({ priority: listed(task.priority) })}>{task.priority}</PageLink>}</Fact>
      <Fact name="Session">{task.session !== "" && <PageLink {...tasksLink({ session: task.session })}>{shortId(task.session)}</PageLink>}</Fact>
      <Fact name="Chain">{task.chain !== "" && <PageLink {...tasksLink({ chain: task.chain })}>{task.chain}</PageLink>}</Fact>
      <Fact name="Deadline">{task.deadline_ns !== null && <Time ms={nsToMs(task.deadline_ns)} style="date" />}</Fact>
      <Fact name={task.services.length > 1 ? "Services" : "Service"}>
        {task.services.map((service) => (
          <PageLink key={service} {...serviceLink(service)}>
            {service}
          </PageLink>
        ))}
      </Fact>
      <Fact name={task.trace_ids.length > 1 ? "Traces" : "Trace"}>
        {task.trace_ids.slice(0, MOST_TRACES).map((trace) => (
          <PageLink key={trace} {...traceLink(trace)} className="mono">
            {shortId(trace)}
          </PageLink>
        ))}
        {task.trace_ids.length > MOST_TRACES && <span className="quiet">and {formatCount(task.trace_ids.length - MOST_TRACES)} more</span>}
      </Fact>
      <Fact name="Dead letter">
        {deadLetters.map((id) => (
          <PageLink key={id} to="/dead-letters" search={{ letter: id }} className="mono">
            {shortId(id)}
          </PageLink>
        ))}
      </Fact>
    </dl>
  );
}

const listed = (value: string) => value.replace(/[\\,]/g, "\\$&");

function Fact({ name, children }: { name: string; children: ReactNode }) {
  const isEmpty = children === false || (Array.isArray(children) && children.every((child) => child === false || (Array.isArray(child) && child.length === 0)));
  if (isEmpty) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
