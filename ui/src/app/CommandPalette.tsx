import { Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Box, ChartLine, CornerDownLeft, GitCommitHorizontal, LayoutGrid, ListChecks, Search } from "lucide-react";
import { type ComponentType, useId, useMemo, useState } from "react";
import { useApi } from "../api/queries";
import type { DashboardListResponse, TaskListResponse } from "../api/schema";
import { useOpen } from "../components/useOpen";
import { parseTraceReference, shortId } from "../format/ids";
import styles from "./CommandPalette.module.css";
import { dashboardLink, logsLink, metricLink, quoteValue, serviceLink, serviceLogsLink, serviceTracesLink, type Target, taskLink, traceLink } from "./links";
import { matchScore } from "./match";
import { railPages } from "./pages";

interface Command {
  id: string;
  words: string;
  note: string;
  icon: ComponentType<{ size?: number; strokeWidth?: number }>;
  target: Target;
}

/** Search anywhere: pages, services, tasks, metrics, dashboards, trace ids in any spelling, words in the logs. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const open = useOpen();
  const services = useApi<{ data: string[] | null }>("/api/services");
  const dashboards = useApi<DashboardListResponse>("/api/dashboards");
  // Thousands of names: only for somebody who types.
  const metrics = useApi<{ data: readonly string[] }>("/api/v1/label/__name__/values", {}, { enabled: text.trim().length > 1 });
  const [typed] = useDebouncedValue(text.trim(), TASKS_AFTER_MS);
  const tasks = useApi<TaskListResponse>("/api/tasks", { q: typed, from: "now-7d", to: "now", limit: MOST_TASKS }, { enabled: typed.length > 2 });
  const tasksFound = typed.length > 2 ? tasks.data?.tasks : undefined;
  const known = useMemo(
    () => ({
      tasks: tasksFound?.map(({ task }) => task) ?? [],
      services: services.data?.data ?? [],
      dashboards: dashboards.data?.dashboards ?? [],
      metrics: metrics.data?.data ?? [],
    }),
    [tasksFound, services.data, dashboards.data, metrics.data],
  );
  const commands = useMemo(() => findCommands(text, known), [text, known]);
  const at = Math.min(chosen, commands.length - 1);
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    open(command.target);
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size={560} yOffset="12vh" aria-label="Search anywhere">
      <div className={styles.field}>
        <Search size={16} aria-hidden />
        <input
          autoFocus
          data-autofocus
          value={text}
          placeholder="Page, service, task, metric, dashboard, trace id, or words in the logs"
          role="combobox"
          aria-label="Search pages, services, tasks, metrics, dashboards and trace ids"
          aria-expanded
          aria-controls={listId}
          aria-activedescendant={commands[at] ? `${listId}-${at}` : undefined}
          spellCheck={false}
          onChange={(event) => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={(event) => {
            const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
            if (move !== 0) {
              event.preventDefault();
              setChosen((at + move + commands.length) % Math.max(commands.length, 1));
            } else if (event.key === "Enter") {
              event.preventDefault();
              run(commands[at]);
            }
          }}
        />
      </div>
      <div className={styles.list} role="listbox" id={listId} aria-label="Results">
        {commands.map((command, index) => (
          // The field keeps the focus, and the keys with it.
          <div
            key={command.id}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className={styles.option}
            onPointerMove={() => setChosen(index)}
            onClick={() => run(command)}
            onKeyDown={(event) => {
              if (event.key === "Enter") run(command);
            }}
          >
            <command.icon size={16} strokeWidth={1.75} />
            <span className="truncate">{command.words}</span>
            <span className={styles.note}>{command.note}</span>
            {index === at && <CornerDownLeft size={14} aria-hidden />}
          </div>
        ))}
        {commands.length === 0 && <p className={styles.none}>Nothing has this name.</p>}
      </div>
    </Modal>
  );
}

const LIMIT = 12;
const MOST_TASKS = 6;
/** Tasks are looked for when typing rests. */
const TASKS_AFTER_MS = 200;

interface Known {
  tasks: readonly { task_id: string; type: string }[];
  services: readonly string[];
  dashboards: DashboardListResponse["dashboards"];
  metrics: readonly string[];
}

function findCommands(text: string, { tasks, services, dashboards, metrics }: Known): Command[] {
  const wanted = text.trim();
  const trace = parseTraceReference(wanted);
  if (trace) {
    return [
      {
        id: "trace",
        words: `Trace ${shortId(trace.traceId, 20)}`,
        note: trace.spanId ? `at span ${trace.spanId}` : "Open",
        icon: GitCommitHorizontal,
        target: traceLink(trace.traceId, trace.spanId),
      },
    ];
  }
  const all: Command[] = [
    ...railPages.map((page) => ({
      id: page.path,
      words: page.rail.label ?? page.title,
      note: `g ${page.rail.key}`,
      icon: page.rail.icon,
      target: { to: page.path },
    })),
    ...services.flatMap((service) => [
      { id: `service ${service}`, words: service, note: "Service", icon: Box, target: serviceLink(service) },
      ...(wanted
        ? [
            { id: `traces ${service}`, words: service, note: "Traces", icon: Box, target: serviceTracesLink(service) },
            { id: `logs ${service}`, words: service, note: "Logs", icon: Box, target: serviceLogsLink(service) },
          ]
        : []),
    ]),
    ...(wanted
      ? [
          ...dashboards.map(({ id, title, folder }) => ({
            id: `dashboard ${id}`,
            words: title,
            note: folder === "" ? "Dashboard" : `Dashboard in ${folder}`,
            icon: LayoutGrid,
            target: dashboardLink(id),
          })),
          ...tasks.map(({ task_id: id, type }) => ({ id: `task ${id}`, words: id, note: type === "" ? "Task" : `Task, ${type}`, icon: ListChecks, target: taskLink(id) })),
          ...metrics.map((name) => ({ id: `metric ${name}`, words: name, note: "Metric", icon: ChartLine, target: metricLink(name) })),
        ]
      : []),
  ];
  const found = all
    .map((command) => ({ command, score: matchScore(wanted, command.words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, LIMIT)
    .map(({ command }) => command);
  if (wanted && railPages.some((page) => page.path === "/logs")) {
    found.push({ id: "words", words: `“${wanted}”`, note: "Search in logs", icon: Search, target: logsLink(quoteValue(wanted)) });
  }
  return found;
}
