import { Check } from "lucide-react";
import type { TaskCounts, TaskState } from "../../api/schema";
import { useSetSearch } from "../../app/location";
import facet from "../../components/Facet.module.css";
import { formatCount, formatNumber, formatShare } from "../../format/numbers";
import { type Listed, type TaskFilters, toggled } from "./taskFilters";
import { STATE_LOOKS, TaskStateMark } from "./TaskStateMark";

const FACETS: readonly { field: string; filter: Listed; title: string }[] = [
  { field: "state", filter: "state", title: "State" },
  { field: "error_type", filter: "error", title: "Error" },
  { field: "agent", filter: "agent", title: "Agent" },
  { field: "tenant", filter: "tenant", title: "Tenant" },
  { field: "queue", filter: "queue", title: "Queue" },
  { field: "priority", filter: "priority", title: "Priority" },
];
const MOST_VALUES = 12;

/** How the tasks break down by field; a value narrows the list to it. */
export function TaskFacets({ counts, filters }: { counts: TaskCounts; filters: TaskFilters }) {
  const setSearch = useSetSearch();
  return (
    <aside className={facet.facets} style={{ height: "100%" }} aria-label="Facets">
      <div>
        {FACETS.map(({ field, filter, title }) => {
          const values = counts.facets[field] ?? [];
          const most = Math.max(...values.map(({ tasks }) => tasks), 1);
          const others = values.slice(MOST_VALUES).reduce((sum, { tasks }) => sum + tasks, 0);
          if (values.length === 0) return null;
          return (
            <section key={field} className={facet.facet} aria-label={title}>
              <h3>{title}</h3>
              <ul>
                {values.slice(0, MOST_VALUES).map(({ value, tasks }) => {
                  const isChosen = filters.lists[filter].includes(value);
                  return (
                    <li key={value} className={facet.value} data-stand={isChosen ? "only" : undefined}>
                      <button
                        type="button"
                        className={facet.only}
                        aria-pressed={isChosen}
                        title={`${value}: ${formatCount(tasks)} tasks, ${formatShare(counts.total > 0 ? tasks / counts.total : null)} of those that match`}
                        onClick={() => setSearch(toggled(filters, filter, value))}
                      >
                        <span className={facet.bar} style={{ width: `${(tasks / most) * 100}%` }} aria-hidden />
                        {isChosen && <Check size={12} aria-hidden />}
                        {field === "state" && value in STATE_LOOKS ? <TaskStateMark state={value as TaskState} /> : <span className="truncate">{value}</span>}
                        <span className="number quiet">{formatNumber(tasks)}</span>
                      </button>
                    </li>
                  );
                })}
                {others > 0 && <li className={facet.others}>{formatNumber(others)} tasks with other values</li>}
              </ul>
            </section>
          );
        })}
      </div>
    </aside>
  );
}
