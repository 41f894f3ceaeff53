import { useMemo } from "react";
import type { TaskCounts, TaskKind } from "../../api/schema";
import { useSetSearch } from "../../app/location";
import type { MomentRange } from "../../app/timeRange";
import { BarHistogram } from "../../charts/BarHistogram";
import { type Column, Table } from "../../components/Table";
import { formatDuration } from "../../format/durations";
import { formatCount, formatShare } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import styles from "./Distributions.module.css";
import { DurationBars } from "./DurationBars";
import { evenSteps } from "./evenSteps";
import { type TaskFilters, toggled } from "./taskFilters";

interface DistributionsProps {
  counts: TaskCounts;
  range: MomentRange;
  filters: TaskFilters;
}

/** When tasks began and how long they took, beside the kinds that fail and are slow. */
export function Distributions({ counts, range, filters }: DistributionsProps) {
  const stepMs = counts.step_ns / 1e6;
  const { bucketsMs, series } = useMemo(() => {
    const steps = evenSteps(counts.points.map(({ time_ns: ns }) => nsToMs(ns)), range, stepMs);
    const at = (index: number) => counts.points[index];
    return {
      bucketsMs: steps.map(({ ms }) => ms),
      series: [
        { name: "failed", color: "var(--mark-bad)", counts: steps.map(({ index }) => (index === null ? 0 : (at(index)?.failed ?? 0))) },
        { name: "others", color: "var(--mark-neutral)", counts: steps.map(({ index }) => (index === null ? 0 : (at(index)?.tasks ?? 0) - (at(index)?.failed ?? 0))) },
      ],
    };
  }, [counts.points, range, stepMs]);
  return (
    <div className={styles.row}>
      <div className={styles.charts}>
        <h2>Tasks over time</h2>
        <BarHistogram label="Tasks that began, over time" bucketsMs={bucketsMs} bucketMs={stepMs} series={series} range={range} height={72} />
        <DurationBars buckets={counts.durations} filters={filters} />
      </div>
      <Kinds kinds={counts.kinds} filters={filters} />
    </div>
  );
}

function Kinds({ kinds, filters }: { kinds: readonly TaskKind[]; filters: TaskFilters }) {
  const setSearch = useSetSearch();
  const columns = useMemo(
    (): Column<TaskKind>[] => [
      {
        key: "type",
        title: "Kind",
        cell: ({ type, top_error: error }) => (
          <span title={error === "" ? type : `${type}\nFails most with ${error}`}>{type || <i className="quiet">no type</i>}</span>
        ),
        sortBy: ({ type }) => type,
      },
      { key: "tasks", title: "Tasks", cell: ({ tasks }) => formatCount(tasks), sortBy: ({ tasks }) => tasks, numeric: true, width: "60px" },
      {
        key: "failed",
        title: "Failed",
        hint: "Share of the tasks that failed, timed out or became dead letters",
        cell: ({ tasks, failed }) => <span data-bad={failed > 0 || undefined}>{formatShare(tasks > 0 ? failed / tasks : null)}</span>,
        sortBy: ({ tasks, failed }) => (tasks > 0 ? failed / tasks : null),
        numeric: true,
        width: "64px",
      },
      { key: "p95", title: "p95", hint: "95 % of those that ended took this long at most", cell: ({ p95_ns: ns }) => formatDuration(ns), sortBy: ({ p95_ns: ns }) => ns, numeric: true, width: "72px" },
      { key: "wait", title: "Wait p95", hint: "95 % began to be worked on within this", cell: ({ wait_p95_ns: ns }) => formatDuration(ns), sortBy: ({ wait_p95_ns: ns }) => ns, numeric: true, width: "76px" },
    ],
    [],
  );
  return (
    <section className={styles.kinds} aria-label="Kinds of tasks">
      <h2>Slow and failing kinds</h2>
      <Table
        label="Kinds"
        columns={columns}
        rows={kinds}
        rowKey={({ type }) => type}
        initialSort={{ key: "failed", descending: true }}
        onOpen={({ type }) => {
          if (type !== "") setSearch(toggled(filters, "type", type));
        }}
        height="168px"
      />
    </section>
  );
}
