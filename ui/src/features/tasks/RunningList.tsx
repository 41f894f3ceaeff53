import { ChevronDown, ChevronUp, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import type { Forecast, RunningTask } from "../../api/schema";
import { taskLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { PartialNote } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, MISSING } from "../../format/numbers";
import { progressOf, remainingWords, silentWords } from "./forecastWords";
import styles from "./RunningList.module.css";
import { TaskStateMark } from "./TaskStateMark";

const AT_FIRST = 3;
const ROW_PX = 28;
const MOST_ROWS = 12;

interface RunningListProps {
  tasks: readonly RunningTask[];
  /** Whether these are all that run. */
  isWhole: boolean;
  isFiltered: boolean;
}

/** What has not ended, with the time that it probably still needs; what outruns its kind comes first. */
export function RunningList({ tasks, isWhole, isFiltered }: RunningListProps) {
  const open = useOpen();
  const setSearch = useSetSearch();
  const all = useParam("running") === "all";
  const outrunning = tasks.filter(({ forecast }) => forecast.outruns).length;
  const columns = useMemo(
    (): Column<RunningTask>[] => [
      { key: "state", title: "State", cell: ({ task }) => <TaskStateMark state={task.state} />, width: "108px" },
      {
        key: "task",
        title: "Task",
        cell: ({ task }) => (
          <PageLink {...taskLink(task.task_id)} className={styles.id} title={task.task_id}>
            {task.task_id}
          </PageLink>
        ),
      },
      { key: "type", title: "Type", cell: ({ task }) => <span title={task.type}>{task.type || MISSING}</span>, width: "12%" },
      { key: "agent", title: "Agent", cell: ({ task }) => <span title={task.agent}>{task.agent || MISSING}</span>, width: "8%" },
      { key: "elapsed", title: "For", cell: ({ forecast }) => formatDuration(forecast.elapsed_ns), numeric: true, width: "84px" },
      { key: "progress", title: "Of the usual", hint: "How far it is between its beginning and the time that 99 % of its kind need; the tick is half of them", cell: ({ forecast }) => <Progress forecast={forecast} />, width: "12%" },
      { key: "left", title: "Probably still needs", cell: ({ forecast }) => <Remaining forecast={forecast} />, width: "36%" },
    ],
    [],
  );
  if (tasks.length === 0) {
    return (
      <p className={styles.none}>
        <strong>Running now</strong> <span className="quiet">{isFiltered ? "Nothing that meets the filters." : "Nothing: all tasks have ended."}</span>
      </p>
    );
  }
  const rows = all ? tasks : tasks.slice(0, AT_FIRST);
  return (
    <section aria-label="Running now">
      <div className={styles.head}>
        <h2>Running now</h2>
        <span className="number quiet">
          {formatCount(tasks.length)}
          {isWhole ? "" : " or more"}
        </span>
        {outrunning > 0 && (
          <span className={styles.warn}>
            <TriangleAlert size={13} aria-hidden />
            {formatCount(outrunning)} {outrunning === 1 ? "takes" : "take"} longer than 99 % of {outrunning === 1 ? "its" : "their"} kind
          </span>
        )}
        {!isWhole && <PartialNote>Only the oldest are looked at.</PartialNote>}
        {tasks.length > AT_FIRST && (
          <Button kind="plain" className={styles.more} aria-expanded={all} onClick={() => setSearch({ running: all ? undefined : "all" }, { replace: true })}>
            {all ? <ChevronUp size={14} aria-hidden /> : <ChevronDown size={14} aria-hidden />} {all ? "Show few" : `Show all ${formatCount(tasks.length)}`}
          </Button>
        )}
      </div>
      <Table
        label="Running tasks"
        columns={columns}
        rows={rows}
        rowKey={({ task }) => task.task_id}
        onOpen={({ task }) => open(taskLink(task.task_id))}
        {...(all && tasks.length > MOST_ROWS ? { height: `${(MOST_ROWS + 1) * ROW_PX}px` } : {})}
      />
    </section>
  );
}

function Remaining({ forecast }: { forecast: Forecast }) {
  const silent = silentWords(forecast);
  return (
    <span className={styles.remaining}>
      {(forecast.outruns || forecast.late) && <TriangleAlert size={13} className={styles.warn} aria-hidden />}
      <span className="truncate" title={[remainingWords(forecast), silent].filter(Boolean).join(", ")}>
        {remainingWords(forecast)}
        {silent !== "" && <span className="quiet">, {silent}</span>}
      </span>
    </span>
  );
}

/** How far a task is on its usual way: full where 99 % of its kind are done. */
export function Progress({ forecast }: { forecast: Forecast }) {
  const progress = progressOf(forecast);
  if (progress === null) return <span className="quiet">{MISSING}</span>;
  const words = `${formatDuration(forecast.elapsed_ns)} by now; half of ${formatCount(forecast.samples)} like it took ${formatDuration(forecast.usual_p50_ns)} at most, 99 % ${formatDuration(forecast.usual_p99_ns)}`;
  return (
    <div className={styles.track} role="img" aria-label={words} title={words} data-outruns={forecast.outruns || undefined}>
      <span className={styles.fill} style={{ width: `${progress.done * 100}%` }} />
      <span className={styles.tick} style={{ left: `${progress.median * 100}%` }} />
    </div>
  );
}
