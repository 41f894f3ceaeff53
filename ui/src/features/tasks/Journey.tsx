import { ArrowRightLeft, Bot, ChevronDown, ChevronRight, CircleAlert, Hourglass, ListChecks, type LucideIcon, MessageSquareText, MoreHorizontal, Wrench } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useApi } from "../../api/queries";
import type { Stage, Task, TaskJourney, TaskResponse, WorkSpan } from "../../api/schema";
import { useNow } from "../../app/clock";
import { taskLink, traceLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { PageLink } from "../../components/PageLink";
import { ErrorState, PartialNote } from "../../components/states";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, formatNumber } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { type Axis, axisOf, place, ticksOf } from "./axis";
import styles from "./Axis.module.css";
import { layOutJourney, type JourneyRow } from "./journeyRows";
import { STATE_LOOKS, TaskStateMark } from "./TaskStateMark";

const STEP_ICONS: Record<string, LucideIcon> = { agent: Bot, llm: MessageSquareText, tool: Wrench };
/** As many steps as one answer holds. */
const INDENT_PX = 16;

/** The story of a task from top to bottom, on one time axis: what it waited for, what ran, what it gave rise to. */
export function Journey({ journey }: { journey: TaskJourney }) {
  const now = useNow();
  const open = useOpen();
  const setSearch = useSetSearch();
  const current = useParam("at");
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => layOutJourney(journey, unfolded), [journey, unfolded]);
  const { task } = journey;
  const sofarNs = Math.max((now - nsToMs(task.start_ns)) * 1e6, 0);
  const axis = useMemo(() => {
    const whole = task.duration_ns ?? sofarNs;
    return axisOf([[0, whole], ...rows.filter(({ kind }) => kind !== "more").map(({ offsetNs, durationNs }) => [offsetNs, durationNs ?? 0] as const)]);
  }, [task.duration_ns, sofarNs, rows]);
  const move = (by: number) => {
    const at = rows.findIndex(({ key }) => key === current);
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (next) {
      setSearch({ at: next.key }, { replace: true });
      document.querySelector(`[data-row="${CSS.escape(next.key)}"]`)?.scrollIntoView({ block: "nearest" });
    }
  };
  const group = "Task";
  useShortcuts([
    { keys: "j", does: "Next step", group, run: () => move(1) },
    { keys: "k", does: "Previous step", group, run: () => move(-1) },
    {
      keys: "Enter",
      does: "Open the step",
      group,
      run: () => {
        const row = rows.find(({ key }) => key === current);
        const target = row && targetOf(row);
        if (target) open(target);
        else if (row?.kind === "more") setUnfolded(new Set([...unfolded, row.within]));
      },
    },
    {
      keys: "Escape",
      does: "Drop the selection, then back to the tasks",
      group,
      run: () => (current === "" ? open({ to: "/tasks" }) : setSearch({ at: undefined }, { replace: true })),
    },
  ]);
  return (
    <div role="list" aria-label="Journey">
      <div className={`${styles.row ?? ""} ${styles.head ?? ""}`} role="presentation">
        <span>What happened</span>
        <Ticks axis={axis} />
        <span className={styles.duration}>for</span>
      </div>
      {rows.map((row) =>
        row.kind === "more" ? (
          <div key={row.key} data-row={row.key} role="listitem" className={`${styles.row ?? ""} ${row.key === current ? (styles.current ?? "") : ""}`}>
            <button type="button" className={styles.name} style={{ paddingLeft: INDENT_PX }} onClick={() => setUnfolded(new Set([...unfolded, row.within]))}>
              <MoreHorizontal size={13} aria-hidden /> Show {formatCount(row.hidden)} more steps
            </button>
          </div>
        ) : row.kind === "child" ? (
          <ChildRow key={row.key} child={row.child} offsetNs={row.offsetNs} axis={axis} depth={0} sofarNs={sofarNs} parentStartNs={task.start_ns} current={current} />
        ) : (
          <AxisRow
            key={row.key}
            id={row.key}
            isCurrent={row.key === current}
            depth={row.depth}
            axis={axis}
            offsetNs={row.offsetNs}
            durationNs={row.durationNs}
            openNs={row.kind === "stage" && row.durationNs === null && !task.ended ? sofarNs - row.offsetNs : null}
            {...appearance(row)}
          />
        ),
      )}
      {journey.steps_omitted && <PartialNote>The first {formatCount(journey.steps.length)} steps; the trace has the rest.</PartialNote>}
    </div>
  );
}

function targetOf(row: JourneyRow) {
  switch (row.kind) {
    case "stage":
      return row.stage.trace_id === "" ? null : traceLink(row.stage.trace_id, row.stage.span_id || undefined);
    case "step":
      return traceLink(row.step.trace_id, row.step.span_id);
    case "hand_off":
      return row.handOff.trace_id === "" ? null : traceLink(row.handOff.trace_id, row.handOff.span_id || undefined);
    case "child":
      return taskLink(row.child.task_id);
    default:
      return null;
  }
}

interface Appearance {
  icon: ReactNode;
  words: ReactNode;
  title: string;
  link: ReturnType<typeof targetOf>;
  bar: string;
  failed: boolean;
  explanation?: ReactNode;
}

function appearance(row: Exclude<JourneyRow, { kind: "more" | "child" }>): Appearance {
  const link = targetOf(row);
  if (row.kind === "hand_off") {
    const { from_agent: from, to_agent: to } = row.handOff;
    return { icon: <ArrowRightLeft size={13} aria-hidden />, words: `Handed off: ${from || "?"} → ${to || "?"}`, title: `${from} handed the task to ${to}`, link, bar: "moment", failed: false };
  }
  if (row.kind === "step") return { ...stepAppearance(row.step), link };
  return { ...stageAppearance(row.stage), link };
}

function stepAppearance(step: WorkSpan): Omit<Appearance, "link"> {
  const Icon = STEP_ICONS[step.kind] ?? ListChecks;
  const what = step.kind === "llm" ? step.model || step.name : step.kind === "tool" ? step.tool || step.name : step.kind === "agent" ? step.agent || step.name : step.name;
  const tokens = step.input_tokens + step.output_tokens > 0 ? `${formatNumber(step.input_tokens)} tokens in, ${formatNumber(step.output_tokens)} out` : "";
  return {
    icon: step.failed ? <CircleAlert size={13} color="var(--bad)" aria-label="Failed" /> : <Icon size={13} aria-hidden />,
    words: (
      <>
        {what}
        {tokens !== "" && step.kind === "llm" && <span className="quiet"> {tokens}</span>}
        {step.failed && step.message !== "" && <span className="quiet"> {step.message}</span>}
      </>
    ),
    title: [step.name, tokens, step.finish_reason && `finish: ${step.finish_reason}`, step.message].filter(Boolean).join("\n"),
    bar: step.kind,
    failed: step.failed,
  };
}

function stageAppearance(stage: Stage): Omit<Appearance, "link"> {
  const state = stage.stage in STATE_LOOKS ? (stage.stage as keyof typeof STATE_LOOKS) : "submitted";
  const look = STATE_LOOKS[state];
  const failed = look.tone === "bad";
  return {
    icon: <TaskStateMark state={state} words={false} />,
    words: (
      <>
        <strong>{stage.kind === "work" ? `Attempt ${stage.attempt}` : look.word}</strong>
        {stage.agent !== "" && <span className="quiet"> {stage.agent}</span>}
        {stage.service !== "" && <span className="quiet"> at {stage.service}</span>}
      </>
    ),
    title: stage.explanation,
    bar: stage.kind === "end" ? "moment" : stage.kind,
    failed,
    // Of work, the row says it all.
    ...(stage.kind === "wait"
      ? {
          explanation: (
            <>
              <Hourglass size={11} aria-hidden /> {stage.explanation}
            </>
          ),
        }
      : {}),
  };
}

function Ticks({ axis }: { axis: Axis }) {
  return (
    <div className={styles.ticks} aria-hidden>
      {ticksOf(axis).map((ns) => (
        <span key={ns} style={{ left: `${(ns / axis.lengthNs) * 100}%` }}>
          {formatDuration(ns + axis.startNs)}
        </span>
      ))}
    </div>
  );
}

interface AxisRowProps extends Appearance {
  id: string;
  isCurrent: boolean;
  depth: number;
  axis: Axis;
  offsetNs: number;
  durationNs: number | null;
  /** How long something that has not ended lasts by now. */
  openNs: number | null;
  before?: ReactNode;
}

function AxisRow({ id, isCurrent, depth, axis, offsetNs, durationNs, openNs, icon, words, title, link, bar, failed, explanation, before }: AxisRowProps) {
  const lasted = openNs ?? durationNs ?? 0;
  const { left, width } = place(axis, offsetNs, lasted);
  const isMoment = bar === "moment";
  return (
    <div role="listitem" data-row={id} className={`${styles.row ?? ""} ${isCurrent ? (styles.current ?? "") : ""}`} aria-current={isCurrent || undefined}>
      <span className={styles.name} style={{ paddingLeft: depth * INDENT_PX }} title={title}>
        {before}
        {icon}
        {link ? (
          <PageLink {...link} className={`${styles.link ?? ""} truncate`}>
            {words}
          </PageLink>
        ) : (
          <span className="truncate">{words}</span>
        )}
      </span>
      <div className={styles.lane}>
        {isMoment ? (
          <span className={styles.moment} style={{ left: `${left * 100}%` }} data-failed={failed || undefined} />
        ) : (
          <span
            className={styles.bar}
            data-kind={bar}
            data-failed={(failed && bar !== "wait") || undefined}
            data-open={openNs !== null || undefined}
            style={{ left: `${left * 100}%`, width: `${width * 100}%` }}
          />
        )}
      </div>
      <span className={styles.duration} title={`${formatDuration(offsetNs)} after the task began`}>
        {isMoment ? <span className="quiet">{formatDuration(offsetNs)}</span> : `${formatDuration(lasted)}${openNs === null ? "" : " …"}`}
      </span>
      {explanation !== undefined && <p className={styles.explanation}>{explanation}</p>}
    </div>
  );
}

interface ChildRowProps {
  child: Task;
  offsetNs: number;
  axis: Axis;
  depth: number;
  sofarNs: number;
  parentStartNs: string;
  current: string;
}

/** A task that this one gave rise to; unfolds to those below it. */
function ChildRow({ child, offsetNs, axis, depth, sofarNs, parentStartNs, current }: ChildRowProps) {
  const [isOpen, setOpen] = useState(false);
  const below = useApi<TaskResponse>(`/api/tasks/${encodeURIComponent(child.task_id)}`, {}, { enabled: isOpen });
  const key = `child ${child.task_id}`;
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <>
      <AxisRow
        id={key}
        isCurrent={key === current}
        depth={depth}
        axis={axis}
        offsetNs={offsetNs}
        durationNs={child.duration_ns}
        openNs={child.ended ? null : Math.max(sofarNs - offsetNs, 0)}
        before={
          <button type="button" aria-expanded={isOpen} aria-label={`${isOpen ? "Fold" : "Unfold"} the tasks under ${child.task_id}`} onClick={() => setOpen(!isOpen)}>
            <Chevron size={13} />
          </button>
        }
        icon={<TaskStateMark state={child.state} words={false} />}
        words={
          <>
            <span className="mono">{child.task_id}</span> <span className="quiet">{[child.type, child.agent].filter(Boolean).join(", ")}</span>
          </>
        }
        title={`Task ${child.task_id}`}
        link={taskLink(child.task_id)}
        bar="child"
        failed={STATE_LOOKS[child.state].tone === "bad"}
      />
      {isOpen && below.error && below.data === undefined && <ErrorState title="The tasks below could not be read" error={below.error} onRetry={() => void below.refetch()} />}
      {isOpen && below.data?.journey.children.length === 0 && <p className={styles.explanation}>No task under it.</p>}
      {isOpen &&
        below.data?.journey.children.map((grandchild) => (
          <ChildRow
            key={grandchild.task_id}
            child={grandchild}
            offsetNs={Number(BigInt(grandchild.start_ns) - BigInt(parentStartNs))}
            axis={axis}
            depth={depth + 1}
            sofarNs={sofarNs}
            parentStartNs={parentStartNs}
            current={current}
          />
        ))}
    </>
  );
}
