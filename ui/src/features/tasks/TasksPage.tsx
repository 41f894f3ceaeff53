import { X } from "lucide-react";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { usePages } from "../../api/pages";
import { useApi, useRangeQuery } from "../../api/queries";
import type { RunningTask, RunningTasksResponse, TaskCounts, TaskListResponse, TaskSort } from "../../api/schema";
import { useParam, useSearch, useSetSearch } from "../../app/location";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { EmptyState, ErrorState, PartialNote, QueryView, Skeleton } from "../../components/states";
import { formatCount } from "../../format/numbers";
import { Distributions } from "./Distributions";
import { FilterLine } from "./FilterLine";
import { NoTasks } from "./NoTasks";
import { RunningList } from "./RunningList";
import { TaskFacets } from "./TaskFacets";
import { filterParams, isFiltered, meets, NO_FILTERS, readFilters, type TaskFilters } from "./taskFilters";
import { TaskTable } from "./TaskTable";
import styles from "./TasksPage.module.css";

const PAGE_TASKS = 100;
const SORTS: readonly TaskSort[] = ["newest", "oldest", "longest", "waited", "retried"];
/** As many as the list of those under way holds. */
const MOST_RUNNING = 500;

/** Tasks: what runs now, how tasks fare, which kinds are slow or fail, and each of them. */
export default function TasksPage() {
  const search = useSearch();
  const filters = useMemo(() => readFilters(search), [search]);
  const sortText = useParam("sort");
  const sort = SORTS.find((one) => one === sortText) ?? "newest";
  const params = useMemo(() => filterParams(filters), [filters]);
  const counts = useRangeQuery<TaskCounts>("/api/tasks/counts", params);
  const running = useApi<RunningTasksResponse>("/api/tasks/running", { limit: MOST_RUNNING }, { refresh: true });
  const list = usePages<TaskListResponse>("/api/tasks", { ...params, sort, limit: PAGE_TASKS });
  const tasks = useMemo(() => list.pages.flatMap((page) => page.tasks), [list.pages]);
  const isInvalid = list.first.error instanceof ApiError && list.first.error.status === 400;
  const underWay = useMemo(() => (running.data?.tasks ?? []).filter(({ task }) => meets(task, filters)), [running.data, filters]);
  const isEmpty =
    !isFiltered(filters) && list.first.data?.data.tasks.length === 0 && !list.first.isPlaceholderData && underWay.length === 0 && running.data !== undefined;
  return (
    <div className={styles.page}>
      <FilterLine filters={filters} />
      {isEmpty ? (
        <NoTasks />
      ) : (
        <div className={styles.body}>
          {/* That they could not be counted is said once, beside. */}
          {counts.data ? <TaskFacets counts={counts.data.data} filters={filters} /> : counts.error ? <div /> : <Skeleton rows={14} />}
          <div className={styles.main}>
            <QueryView query={running} failed="Tasks under way could not be read" skeleton={<Skeleton rows={3} />}>
              {({ tasks: all }) => <RunningList tasks={underWay} isWhole={all.length < MOST_RUNNING} isFiltered={isFiltered(filters)} />}
            </QueryView>
            <QueryView query={counts} failed="Tasks could not be counted" skeleton={<Skeleton rows={1} height={188} />}>
              {({ data, range }) => <Distributions counts={data} range={range} filters={filters} />}
            </QueryView>
            <div className={styles.head}>
              <h2>{counts.data ? `${formatCount(counts.data.data.total)} ${counts.data.data.total === 1 ? "task" : "tasks"} began` : "Tasks"}</h2>
              {counts.data && counts.data.data.one_in > 1 && (
                <PartialNote>Counted from one task in {formatCount(counts.data.data.one_in)}, and scaled up.</PartialNote>
              )}
              {isFiltered(filters) && <DropFilters />}
            </div>
            <div className={styles.list}>
              <QueryView query={list.first} failed={isInvalid ? "The filters could not be read" : "Tasks could not be searched"} skeleton={<Skeleton rows={12} />}>
                {() =>
                  tasks.length === 0 ? (
                    <NothingFound filters={filters} running={underWay} />
                  ) : (
                    <TaskTable tasks={tasks} sort={sort} onNearEnd={() => list.more?.()} />
                  )
                }
              </QueryView>
              {list.moreError && <ErrorState title="More tasks could not be read" error={list.moreError} onRetry={list.more ?? undefined} />}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}

function DropFilters() {
  const setSearch = useSetSearch();
  return (
    <Button kind="plain" onClick={() => setSearch(NO_FILTERS)}>
      <X size={14} aria-hidden /> Drop the filters
    </Button>
  );
}

function NothingFound({ filters, running }: { filters: TaskFilters; running: readonly RunningTask[] }) {
  const setSearch = useSetSearch();
  const { text, set } = useTimeRange();
  return (
    <EmptyState title={isFiltered(filters) ? "No task that began in this time range matches" : "No task began in this time range"}>
      {running.length > 0 && <p>Those under way began earlier.</p>}
      <div className={styles.ways}>
        {text.from !== "now-7d" && <Button onClick={() => set({ from: "now-7d", to: "now" })}>Search the last 7 days</Button>}
        {isFiltered(filters) && <Button onClick={() => setSearch(NO_FILTERS)}>Drop the filters</Button>}
      </div>
    </EmptyState>
  );
}
