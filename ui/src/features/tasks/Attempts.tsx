import { useMemo } from "react";
import type { Attempt } from "../../api/schema";
import { tasksLink, traceLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { type Column, Table } from "../../components/Table";
import { formatDuration } from "../../format/durations";
import { shortId } from "../../format/ids";
import { formatBytes, formatCount, MISSING, threeDigits } from "../../format/numbers";
import { TaskStateMark } from "./TaskStateMark";

/** The attempts of a task, a row each. */
export function Attempts({ attempts, startNs }: { attempts: readonly Attempt[]; startNs: string }) {
  const columns = useMemo(
    (): Column<Attempt>[] => [
      { key: "attempt", title: "Attempt", cell: ({ attempt }) => formatCount(attempt), numeric: true, width: "64px" },
      { key: "state", title: "Ended", cell: ({ state }) => (state === null ? <TaskStateMark state="executing" /> : <TaskStateMark state={state} />), width: "120px" },
      { key: "agent", title: "Agent", cell: ({ agent }) => (agent === "" ? MISSING : <PageLink {...tasksLink({ agent })}>{agent}</PageLink>), width: "16%" },
      {
        key: "began",
        title: "Began after",
        hint: "Since the task's start",
        cell: ({ executing_ns: ns }) => formatDuration(ns === null ? null : Number(BigInt(ns) - BigInt(startNs))),
        numeric: true,
        width: "88px",
      },
      { key: "ran", title: "Ran", cell: ({ duration_ns: ns }) => formatDuration(ns), numeric: true, width: "80px" },
      { key: "cpu", title: "CPU", cell: ({ resources }) => (resources.cpu_precision === "" ? MISSING : `${threeDigits(resources.cpu_s)} s`), numeric: true, width: "72px" },
      { key: "memory", title: "Memory", cell: ({ resources }) => (resources.memory_precision === "" ? MISSING : formatBytes(resources.memory_bytes)), numeric: true, width: "80px" },
      {
        key: "error",
        title: "Error",
        cell: ({ error_type: type, error_message: message }) =>
          type + message === "" ? null : (
            <span title={`${type} ${message}`}>
              {type} <span className="quiet">{message}</span>
            </span>
          ),
      },
      {
        key: "trace",
        title: "Trace",
        cell: ({ trace_ids: traces }) =>
          traces[0] === undefined ? null : (
            <PageLink {...traceLink(traces[0])} className="mono">
              {shortId(traces[0])}
            </PageLink>
          ),
        width: "128px",
      },
    ],
    [startNs],
  );
  return <Table label="Attempts" columns={columns} rows={attempts} rowKey={({ attempt }) => String(attempt)} />;
}
