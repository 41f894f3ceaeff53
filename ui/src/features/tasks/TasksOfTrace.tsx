import { useApi } from "../../api/queries";
import type { TaskCost, TracedTasksResponse } from "../../api/schema";
import { taskLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { shortId } from "../../format/ids";
import { formatCount } from "../../format/numbers";
import { Price } from "./Price";
import { TaskStateMark } from "./TaskStateMark";
import styles from "./TasksOfTrace.module.css";

const AT_FIRST = 3;

/** The tasks that a trace is of, each with its price; nothing where it is of none. */
export function TasksOfTrace({ traceId }: { traceId: string }) {
  const { data } = useApi<TracedTasksResponse>(`/api/tasks/of-trace/${traceId}`);
  if (!data || data.tasks.length === 0) return null;
  return (
    <span className={styles.tasks}>
      {data.tasks.slice(0, AT_FIRST).map((task) => (
        <span key={task.task_id} className={styles.task}>
          <TaskStateMark state={task.state} words={false} />
          <PageLink {...taskLink(task.task_id)} title={`Task ${task.task_id}`}>
            task {task.named ? shortId(task.task_id, 24) : task.agent || task.type}
          </PageLink>
          <CostOf taskId={task.task_id} />
        </span>
      ))}
      {data.tasks.length > AT_FIRST && <span className="quiet">and {formatCount(data.tasks.length - AT_FIRST)} more tasks</span>}
    </span>
  );
}

function CostOf({ taskId }: { taskId: string }) {
  const { data } = useApi<TaskCost>(`/api/tasks/${encodeURIComponent(taskId)}/cost`);
  return data && (data.total.total_nd > 0 || !data.total.complete) ? <Price cost={data.total} /> : null;
}
