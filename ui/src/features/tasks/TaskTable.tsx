import { useMediaQuery } from "@mantine/hooks";
import { useMemo } from "react";
import type { PricedTask, TaskSort } from "../../api/schema";
import { taskLink } from "../../app/links";
import { useSetSearch } from "../../app/location";
import { PageLink } from "../../components/PageLink";
import type { Sort } from "../../components/sort";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { useOpen } from "../../components/useOpen";
import { formatDuration } from "../../format/durations";
import { formatCount, MISSING } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { Price } from "./Price";
import { TaskStateMark } from "./TaskStateMark";
import styles from "./TaskTable.module.css";
import { WaitBar } from "./WaitBar";

const SORT_OF_COLUMN: Record<string, { descending: TaskSort; ascending?: TaskSort }> = {
  start: { descending: "newest", ascending: "oldest" },
  duration: { descending: "longest" },
  waited: { descending: "waited" },
  attempts: { descending: "retried" },
};

const WAITED: Column<PricedTask> = {
  key: "waited",
  title: "Waited",
  hint: "Before the first attempt",
  cell: ({ task }) => formatDuration(task.queue_wait_ns),
  sortBy: ({ task }) => task.queue_wait_ns,
  numeric: true,
  width: "76px",
};

function columnOf(sort: TaskSort): Sort {
  const found = Object.entries(SORT_OF_COLUMN).find(([, { descending, ascending }]) => descending === sort || ascending === sort);
  return { key: found?.[0] ?? "start", descending: sort !== "oldest" };
}

interface TaskTableProps {
  tasks: readonly PricedTask[];
  sort: TaskSort;
  onNearEnd: () => void;
}

/** The tasks found, a row each. */
export function TaskTable({ tasks, sort, onNearEnd }: TaskTableProps) {
  const open = useOpen();
  const setSearch = useSetSearch();
  const isWide = useMediaQuery("(min-width: 1440px)");
  const columns = useMemo(
    (): Column<PricedTask>[] => [
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
      { key: "type", title: "Type", cell: ({ task }) => <Words text={task.type} />, width: "12%" },
      { key: "agent", title: "Agent", cell: ({ task }) => <Words text={task.agent} />, width: "9%" },
      { key: "tenant", title: "Tenant", cell: ({ task }) => <Words text={task.tenant} />, width: "8%" },
      { key: "start", title: "Began", cell: ({ task }) => <Time ms={nsToMs(task.start_ns)} />, sortBy: ({ task }) => task.start_ns, numeric: true, width: "76px" },
      ...(isWide ? [WAITED] : []),
      { key: "duration", title: "Took", hint: "From the first sight of the task to its end", cell: ({ task }) => formatDuration(task.duration_ns), sortBy: ({ task }) => task.duration_ns, numeric: true, width: "76px" },
      { key: "where", title: "Wait, work", hint: "Shares of its time: hatched it waited, solid an attempt ran", cell: ({ task }) => <WaitBar task={task} />, width: "9%" },
      {
        key: "attempts",
        title: "Tries",
        hint: "Attempts",
        cell: ({ task }) => (task.attempts > 1 ? <strong>{formatCount(task.attempts)}</strong> : formatCount(Math.max(task.attempts, 1))),
        sortBy: ({ task }) => task.attempts,
        numeric: true,
        width: "44px",
      },
      { key: "cost", title: "Cost", hint: "By itself, without the tasks under it", cell: ({ cost }) => <Price cost={cost} />, numeric: true, width: "96px" },
    ],
    [isWide],
  );
  return (
    <Table
      label="Tasks"
      columns={columns}
      rows={tasks}
      rowKey={({ task }) => task.task_id}
      onOpen={({ task }) => open(taskLink(task.task_id))}
      sort={columnOf(sort)}
      onSort={({ key, descending }) => {
        const orders = SORT_OF_COLUMN[key];
        const next = descending ? orders?.descending : (orders?.ascending ?? orders?.descending);
        setSearch({ sort: next === "newest" ? undefined : next }, { replace: true });
      }}
      height="100%"
      onNearEnd={onNearEnd}
      keyboard
    />
  );
}

function Words({ text }: { text: string }) {
  return text === "" ? <span className="quiet">{MISSING}</span> : <span title={text}>{text}</span>;
}
