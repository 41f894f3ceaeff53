"""Pieces of SQL over tasks that several questions share: how the states of a task become one row."""

from collections.abc import Iterable

from gnomon.model.time_ranges import NANOSECONDS, TimeRange

NEVER = (1 << 63) - 1
_DAY_NS = 86_400 * NANOSECONDS
# How long before it began a task may have been seen first: rows of that many days are looked at.
_LONGEST_DAYS = 7
_SKEW_NS = NANOSECONDS


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def among_tasks(task_ids: Iterable[str]) -> str:
    """Return the condition that a row is of one of some tasks; at least one is needed."""
    return f"task_id IN ({', '.join(map(quoted, task_ids))})"


def days(time_range: TimeRange, before: int = 0, after: int = 0) -> str:
    """Return the condition that a row's day lies in a range, and so many days before and after it."""
    first, last = time_range.start_ns // _DAY_NS - before, time_range.end_ns // _DAY_NS + after
    return f"(day >= toDate({max(0, first):d}) AND day <= toDate({min(65535, last):d}))"


def begun_in(time_range: TimeRange, chosen: str = "") -> str:
    """Return the condition on `tasks` that keeps all rows of tasks that may have begun in a range.

    `chosen` restricts them further (HAVING, ORDER BY, LIMIT) by what their rows in the range say.
    """
    start, end = time_range.start_ns, time_range.end_ns
    candidates = f"""
        SELECT task_id FROM tasks WHERE {days(time_range)} AND tasks.first >= {start:d} AND tasks.first < {end:d}
        GROUP BY task_id {chosen}
    """
    return f"({days(time_range, _LONGEST_DAYS, _LONGEST_DAYS)} AND task_id IN ({candidates}))"


def attempts_sql(where: str) -> str:
    """Return a query for one row an attempt, merged over days; `span_ns` is how long it ran as far as anybody told."""
    return f"""
        SELECT *,
            multiIf(run.1 > 0, run.1 - run.2,
                    executing < {NEVER}, greatest(0, if(ended.1 > 0, ended.1, last) - executing), 0) AS span_ns,
            memory_bytes * (span_ns / 1e9) AS memory_byte_s
        FROM (
            SELECT task_id, attempt, max(tasks.named) AS named, min(tasks.first) AS first, max(tasks.last) AS last,
                max(tasks.type) AS type, max(tasks.priority) AS priority, max(tasks.queue) AS queue,
                max(tasks.tenant) AS tenant, max(tasks.session) AS session, max(tasks.chain) AS chain,
                max(tasks.parent_id) AS parent_id, max(tasks.deadline) AS deadline, max(tasks.agent) AS agent,
                max(tasks.trust) AS trust, groupUniqArrayArray(tasks.agents) AS agents,
                groupUniqArrayArray(tasks.services) AS services, groupUniqArrayArray(tasks.traces) AS traces,
                min(tasks.submitted) AS submitted, min(tasks.queued) AS queued, min(tasks.routed) AS routed,
                min(tasks.assigned) AS assigned, min(tasks.executing) AS executing, max(tasks.executed) AS executed,
                max(tasks.retried) AS retried, max(tasks.reached) AS reached, max(tasks.ended) AS ended,
                max(tasks.run) AS run, min(tasks.root) AS root, min(tasks.agent_run) AS agent_run,
                max(tasks.cpu_s) AS cpu_s, max(tasks.cpu_precision) AS cpu_precision,
                max(tasks.memory_bytes) AS memory_bytes, max(tasks.memory_precision) AS memory_precision,
                max(tasks.sent_bytes) AS sent_bytes, max(tasks.received_bytes) AS received_bytes,
                max(tasks.network_precision) AS network_precision
            FROM tasks WHERE {where} GROUP BY task_id, attempt
        )
    """


def tasks_sql(where: str, named_where: str = "1") -> str:
    """Return a query for one row a task: merged, with its state (model/tasks.py), start, end and error.

    Runs of agents that nobody named are tasks where no task was named in their trace; `named_where` bounds where such a
    one is looked for. An end holds unless the task was
    executed again later; clocks may differ by a second, in which a higher attempt counts as later.
    """
    return f"""
        SELECT
            task_id, named, if(type = '' AND NOT named, agent_run.4, type) AS type, priority, queue, tenant, session,
            chain, parent_id, deadline, if(agent.2 != '', agent.2, agent_run.4) AS agent, trust, agents, services,
            traces, first AS start, executing, last, attempts, busy_ns,
            multiIf(
                told_end, 10 + ended.2,
                reached.1 > 0, if(run.1 >= reached.1, 10 + run.3, reached.2),
                run.1 > 0, 10 + run.3,
                named, if(root.3 > 0, 13, 11),
                if(agent_run.3 > 0, 13, 11))::UInt8 AS state,
            multiIf(state < 11, 0, told_end, ended.1, run.1 > 0, run.1, last) AS end,
            multiIf(state < 13, '', told_end, ended.3, run.4) AS error_type,
            multiIf(state < 13, '', told_end, ended.4, run.1 > 0, run.5, root.5) AS error_message,
            cpu_s, cpu_precision, memory_bytes, memory_byte_s, memory_precision, sent_bytes, received_bytes,
            network_precision
        FROM (
            SELECT *,
                ended.1 > 0
                    AND NOT (executed > ended.1 + {_SKEW_NS}
                             OR (highest.1 > ended_attempt AND highest.2 > ended.1 - {_SKEW_NS})
                             OR (retried >= ended.1 AND ended.2 IN (3, 4))) AS told_end
            FROM (
                SELECT task_id, max(a.named) AS named, min(a.first) AS first, max(a.last) AS last,
                    max(a.type) AS type, max(a.priority) AS priority, max(a.queue) AS queue, max(a.tenant) AS tenant,
                    max(a.session) AS session, max(a.chain) AS chain, max(a.parent_id) AS parent_id,
                    max(a.deadline) AS deadline, max(a.agent) AS agent, max(a.trust) AS trust,
                    groupUniqArrayArray(a.agents) AS agents, groupUniqArrayArray(a.services) AS services,
                    groupUniqArrayArray(a.traces) AS traces, min(a.executing) AS executing,
                    max(a.executed) AS executed, max((if(a.executed > 0, a.attempt, 0), a.executed)) AS highest,
                    max(a.retried) AS retried, max(a.reached) AS reached, max(a.ended) AS ended,
                    argMax(a.attempt, a.ended) AS ended_attempt, max(a.run) AS run, min(a.root) AS root,
                    min(a.agent_run) AS agent_run, max(a.attempt) AS attempts, sum(a.span_ns) AS busy_ns,
                    sum(a.cpu_s) AS cpu_s, max(a.cpu_precision) AS cpu_precision,
                    max(a.memory_bytes) AS memory_bytes, sum(a.memory_byte_s) AS memory_byte_s,
                    max(a.memory_precision) AS memory_precision, sum(a.sent_bytes) AS sent_bytes,
                    sum(a.received_bytes) AS received_bytes, max(a.network_precision) AS network_precision
                FROM ({attempts_sql(where)}) AS a GROUP BY task_id
            )
        )
        WHERE named OR (agent_run.1 < {NEVER} AND traces[1] NOT IN (
            SELECT trace FROM (
                SELECT arrayJoin(tasks.traces) AS trace FROM tasks WHERE tasks.named = 1 AND {named_where}
            ) WHERE trace IN (SELECT arrayJoin(tasks.traces) FROM tasks WHERE tasks.named = 0 AND {named_where})))
    """
