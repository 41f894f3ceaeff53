"""Tasks: found, counted, followed through their attempts, events and spans."""

from collections.abc import Mapping, Sequence

from gnomon.model.tasks import (
    FIRST_END,
    FIRST_FAILURE,
    STATE_NUMBERS,
    STATES,
    Attempt,
    DurationBucket,
    ResourceUse,
    Task,
    TaskCounts,
    TaskFilter,
    TaskKind,
    TaskPoint,
    TaskSort,
    TaskState,
    TaskValueCount,
    WorkEvent,
)
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.engine import Engine, Row
from gnomon.storage.span_sql import fixed_id
from gnomon.storage.task_sql import NEVER, among_tasks, attempts_sql, begun_in, days, tasks_sql
from gnomon.storage.trace_store import Freshness

STREAMS = ("otlp_logs", "otlp_traces")

_DAY_NS = 86_400 * NANOSECONDS
_CHILDREN = 2000
_DURATIONS = 2000
# About so many tasks are looked at to break them down.
_COUNTED = 20_000
_ZEROS = "0" * 16


_ORDER = {
    TaskSort.NEWEST: "start DESC",
    TaskSort.OLDEST: "start",
    TaskSort.LONGEST: "lasted DESC, start DESC",
    TaskSort.WAITED: "waited DESC, start DESC",
    TaskSort.RETRIED: "attempts DESC, start DESC",
}
_NOW = "toUnixTimestamp64Nano(now64(9))"
_LASTED = f"if(end > 0, end, {_NOW}) - start"
# How long a task stood before an attempt ran; until now where none has.
_WAITED = f"if(executing < {NEVER}, executing - start, if(end > 0 OR agent_run_only, 0, {_NOW} - start))"


class TaskStore:
    """Read tasks; times are Unix nanoseconds."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def search(
        self, time_range: TimeRange, wanted: TaskFilter, sort: TaskSort, limit: int, offset: int
    ) -> list[Task]:
        """Return the tasks that began in a range and meet the filter."""
        await self._journal.catch_up(*STREAMS)
        enough = _enough(wanted, sort, limit + offset)
        found = await self._search(time_range, wanted, sort, limit, offset, enough)
        if enough and len(found) < limit:
            # What looked like the first ones were others after all: rows of tasks that began before, or are none.
            found = await self._search(time_range, wanted, sort, limit, offset, 0)
        return found

    async def _search(
        self, time_range: TimeRange, wanted: TaskFilter, sort: TaskSort, limit: int, offset: int, enough: int
    ) -> list[Task]:
        condition, parameters = _filter_sql(wanted)
        order = f"ORDER BY min(tasks.first) {'DESC' if sort is TaskSort.NEWEST else ''} LIMIT {enough:d}"
        chosen = f"HAVING {_pushed_sql(wanted)} {order if enough else ''}"
        statement = f"""
            SELECT {_COLUMNS}, {_LASTED} AS lasted, {_WAITED} AS waited
            FROM {_begun(time_range, chosen)}
            WHERE {condition} ORDER BY {_ORDER[sort]}, task_id LIMIT {limit:d} OFFSET {offset:d}
        """
        return await self._read(statement, parameters)

    async def find(self, task_ids: Sequence[str]) -> list[Task]:
        """Return those of some tasks that there are."""
        if not task_ids:
            return []
        await self._journal.catch_up(*STREAMS)
        statement = f"SELECT {_COLUMNS} FROM {_with_extras(tasks_sql(among_tasks(task_ids)))}"
        return await self._read(statement, {})

    async def children(self, task_ids: Sequence[str]) -> list[Task]:
        """Return the tasks that name one of some tasks as their parent, by start."""
        if not task_ids:
            return []
        parents = among_tasks(task_ids).replace("task_id", "tasks.parent_id", 1)
        where = f"task_id IN (SELECT task_id FROM tasks WHERE {parents})"
        statement = f"SELECT {_COLUMNS} FROM {_with_extras(tasks_sql(where))} ORDER BY start LIMIT {_CHILDREN}"
        return await self._read(statement, {})

    async def of_trace(self, trace_id: str) -> list[Task]:
        """Return the tasks that a trace belongs to, by start."""
        await self._journal.catch_up(*STREAMS)
        where = f"task_id IN (SELECT task_id FROM tasks WHERE has(tasks.traces, {fixed_id(trace_id)}))"
        return await self._read(f"SELECT {_COLUMNS} FROM {_with_extras(tasks_sql(where))} ORDER BY start LIMIT 100", {})

    async def running(self, now_ns: int, limit: int) -> list[Task]:
        """Return the tasks that have not ended, of those heard of in the last days, the oldest first."""
        await self._journal.catch_up(*STREAMS)
        recent = days(TimeRange(now_ns, now_ns), before=7, after=1)
        # Few columns tell which tasks have certainly ended: most of them.
        perhaps = f"""
            SELECT task_id FROM tasks WHERE {recent} GROUP BY task_id
            HAVING max(tasks.reached).1 > 0 AND (max(tasks.ended).1 = 0 OR max(tasks.executed) > max(tasks.ended).1
                OR max(tasks.retried) >= max(tasks.ended).1
                OR (max(attempt) > 1 AND max(tasks.executed) > max(tasks.ended).1 - {NANOSECONDS}))
        """
        statement = f"""
            SELECT {_COLUMNS} FROM {_with_extras(tasks_sql(f"{recent} AND task_id IN ({perhaps})", recent))}
            WHERE state < {FIRST_END} ORDER BY start LIMIT {limit:d}
        """
        return await self._read(statement, {})

    async def durations(self, types: Sequence[str], now_ns: int) -> dict[str, list[int]]:
        """Return how long tasks of some types took that ended well in the last days: all, or a fair sample."""
        if not types:
            return {}
        recent = days(TimeRange(now_ns, now_ns), before=7, after=1)
        statement = f"""
            SELECT type, groupArraySample({_DURATIONS}, 1)(end - start) AS lengths
            FROM ({tasks_sql(recent, recent)})
            WHERE type IN {{types:Array(String)}} AND state = {STATE_NUMBERS[TaskState.COMPLETED]} AND end > start
            GROUP BY type
        """
        found = await self._engine.query(statement, {"types": list(types)})
        return {row["type"]: list(row["lengths"]) for row in found.rows()}

    async def attempts(self, task_id: str) -> list[Attempt]:
        """Return the attempts of a task, in order."""
        statement = f"""
            SELECT *, arrayMap(t -> lower(hex(t)), traces) AS trace_ids
            FROM ({attempts_sql(among_tasks([task_id]))}) ORDER BY attempt
        """
        return [_attempt(row) for row in (await self._engine.query(statement)).rows()]

    async def events(self, task_id: str) -> list[WorkEvent]:
        """Return what was told of a task, by time, each event once."""
        statement = f"""
            SELECT toUnixTimestamp64Nano(ts) AS at, name::String AS event, toValidUTF8(service) AS sender,
                lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
                arrayMap(k -> toValidUTF8(k), mapKeys(attributes)) AS keys,
                arrayMap(v -> toValidUTF8(v), mapValues(attributes)) AS texts
            FROM work_events WHERE {among_tasks([task_id])}
            ORDER BY ts, id LIMIT 1 BY ts, name, id LIMIT 10000
        """
        return [
            WorkEvent(
                time_ns=row["at"],
                name=row["event"],
                attempt=_attempt_number(texts := dict(zip(row["keys"], row["texts"], strict=True))),
                service=row["sender"],
                trace_id=row["trace"].replace(_ZEROS * 2, ""),
                span_id=row["span"].replace(_ZEROS, ""),
                attributes=texts,
            )
            for row in (await self._engine.query(statement)).rows()
        ]

    async def count(self, time_range: TimeRange, wanted: TaskFilter, steps: int) -> TaskCounts:
        """Break the tasks that began in a range down."""
        await self._journal.catch_up(*STREAMS)
        condition, parameters = _filter_sql(wanted)
        one_in = max(1, await self._count_begun(time_range) // _COUNTED)
        sample = f"HAVING cityHash64(task_id) % {one_in:d} = 0"
        chosen = f"""(
            SELECT *, {_LASTED} AS lasted, {_WAITED} AS waited FROM {_begun(time_range, sample)} WHERE {condition}
        )"""
        step_ns = max(NANOSECONDS, -(-time_range.duration_ns // steps))
        kinds = await self._kinds(chosen, parameters, one_in)
        return TaskCounts(
            total=sum(kind.tasks for kind in kinds),
            one_in=one_in,
            facets=await self._facets(chosen, parameters, one_in),
            durations=await self._lengths(chosen, parameters, one_in),
            points=await self._points(chosen, parameters, time_range, step_ns, one_in),
            step_ns=step_ns,
            kinds=kinds,
        )

    async def _count_begun(self, time_range: TimeRange) -> int:
        statement = f"""
            SELECT uniq(task_id) FROM tasks
            WHERE {days(time_range)} AND first >= {time_range.start_ns:d} AND first < {time_range.end_ns:d}
        """
        return int((await self._engine.query(statement)).value())

    async def _kinds(self, chosen: str, parameters: Mapping[str, object], one_in: int) -> list[TaskKind]:
        statement = f"""
            SELECT type, count() AS n, countIf(state < {FIRST_END}) AS running,
                countIf(state >= {FIRST_FAILURE}) AS bad,
                countIf(attempts > 1) AS again,
                quantilesIf(0.5, 0.95, 0.99)(lasted, state >= {FIRST_END}) AS lengths,
                quantiles(0.5, 0.95)(waited) AS waits,
                topKIf(1)(error_type, error_type != '') AS errors
            FROM {chosen} GROUP BY type ORDER BY n DESC LIMIT 500
        """
        return [
            TaskKind(
                type=row["type"],
                tasks=row["n"] * one_in,
                running=row["running"] * one_in,
                failed=row["bad"] * one_in,
                retried=row["again"] * one_in,
                p50_ns=_number(row["lengths"][0]),
                p95_ns=_number(row["lengths"][1]),
                p99_ns=_number(row["lengths"][2]),
                wait_p50_ns=_number(row["waits"][0]),
                wait_p95_ns=_number(row["waits"][1]),
                top_error=next(iter(row["errors"]), ""),
            )
            for row in (await self._engine.query(statement, parameters)).rows()
        ]

    async def _facets(
        self, chosen: str, parameters: Mapping[str, object], one_in: int
    ) -> dict[str, list[TaskValueCount]]:
        fields = ("type", "agent", "tenant", "queue", "priority", "error_type")
        values = ", ".join(f"('{name}', {name})" for name in fields)
        statement = f"""
            SELECT pair.1 AS field, pair.2 AS value, count() AS n FROM (
                SELECT arrayJoin([{values}, ('state', toString(state))]) AS pair FROM {chosen}
            ) WHERE value != '' GROUP BY field, value ORDER BY n DESC, value LIMIT 50 BY field
        """
        facets: dict[str, list[TaskValueCount]] = {name: [] for name in (*fields, "state")}
        for row in (await self._engine.query(statement, parameters)).rows():
            value = STATES[int(row["value"])].value if row["field"] == "state" else row["value"]
            facets[row["field"]].append(TaskValueCount(value, row["n"] * one_in))
        return facets

    async def _lengths(self, chosen: str, parameters: Mapping[str, object], one_in: int) -> list[DurationBucket]:
        # A quarter of a power of ten each: from a microsecond to a week in 48 steps.
        statement = f"""
            SELECT ceil(log10(greatest(lasted, 1000)) * 4)::Int32 AS bucket, count() AS n
            FROM {chosen} WHERE state >= {FIRST_END} GROUP BY bucket ORDER BY bucket
        """
        rows = (await self._engine.query(statement, parameters)).rows()
        return [DurationBucket(round(10 ** (row["bucket"] / 4)), row["n"] * one_in) for row in rows]

    async def _points(
        self, chosen: str, parameters: Mapping[str, object], time_range: TimeRange, step_ns: int, one_in: int
    ) -> list[TaskPoint]:
        statement = f"""
            SELECT intDiv(start - {time_range.start_ns:d}, {step_ns:d}) AS step, count() AS n,
                countIf(state >= {FIRST_FAILURE}) AS bad,
                quantilesIf(0.5, 0.95)(lasted, state >= {FIRST_END}) AS lengths
            FROM {chosen} GROUP BY step ORDER BY step
        """
        return [
            TaskPoint(
                time_ns=time_range.start_ns + row["step"] * step_ns,
                tasks=row["n"] * one_in,
                failed=row["bad"] * one_in,
                p50_ns=_number(row["lengths"][0]),
                p95_ns=_number(row["lengths"][1]),
            )
            for row in (await self._engine.query(statement, parameters)).rows()
        ]

    async def _read(self, statement: str, parameters: Mapping[str, object]) -> list[Task]:
        return [read_task(row) for row in (await self._engine.query(statement, parameters)).rows()]


_COLUMNS = """
    toValidUTF8(task_id) AS id, named, type, state, priority, queue, tenant, session, chain, parent_id, agent, trust,
    arraySort(agents) AS all_agents, arraySort(services) AS all_services,
    arrayMap(t -> lower(hex(t)), arraySort(traces)) AS trace_ids,
    attempts, start, executing, end, last, busy_ns, deadline, error_type, error_message, agent_run_only,
    cpu_s, cpu_precision, memory_bytes, memory_byte_s, memory_precision, sent_bytes, received_bytes, network_precision
"""


def _with_extras(tasks: str) -> str:
    return f"(SELECT *, executing = {NEVER} AND state >= {FIRST_END} AS agent_run_only FROM ({tasks}))"


def _begun(time_range: TimeRange, chosen: str = "") -> str:
    tasks = tasks_sql(begun_in(time_range, chosen), days(time_range, 1, 1))
    return _with_extras(
        f"SELECT * FROM ({tasks}) WHERE start >= {time_range.start_ns:d} AND start < {time_range.end_ns:d}"
    )


def _enough(wanted: TaskFilter, sort: TaskSort, count: int) -> int:
    """Return how many candidates are enough for a page, 0 where only a look at all of them tells."""
    pushed = TaskFilter(
        tenants=wanted.tenants,
        queues=wanted.queues,
        priorities=wanted.priorities,
        session=wanted.session,
        chain=wanted.chain,
        parent_id=wanted.parent_id,
    )
    return 2 * count + 100 if wanted == pushed and sort in {TaskSort.NEWEST, TaskSort.OLDEST} else 0


def _pushed_sql(wanted: TaskFilter) -> str:
    """Return what of a filter a task's rows tell before anything else is computed of them, with the same parameters."""
    conditions = [f"(max(tasks.named) = 1 OR min(tasks.agent_run).1 < {NEVER})"]
    lists = {"tenant": wanted.tenants, "queue": wanted.queues, "priority": wanted.priorities}
    # A row in the range may be one of several, and not the one that names the tenant: then it names none.
    conditions += [
        f"(max(tasks.{name}) = '' OR has({{{name}:Array(String)}}, max(tasks.{name})))"
        for name, values in lists.items()
        if values
    ]
    return " AND ".join(conditions)


def read_task(row: Row) -> Task:
    """Return what a row of the task columns says."""
    start, end = row["start"], row["end"] or None
    executing = row["executing"] if row["executing"] < NEVER else None
    return Task(
        task_id=row["id"],
        named=bool(row["named"]),
        type=row["type"],
        state=STATES[row["state"]],
        ended=row["state"] >= FIRST_END,
        priority=row["priority"],
        queue=row["queue"],
        tenant=row["tenant"],
        session=row["session"],
        chain=row["chain"],
        parent_id=row["parent_id"],
        agent=row["agent"],
        trust_score=row["trust"][1] if row["trust"][0] else None,
        agents=tuple(row["all_agents"]),
        services=tuple(row["all_services"]),
        trace_ids=tuple(row["trace_ids"]),
        attempts=row["attempts"],
        start_ns=start,
        executing_ns=executing,
        end_ns=end,
        last_heard_ns=row["last"],
        duration_ns=None if end is None else max(0, end - start),
        queue_wait_ns=None if executing is None else max(0, executing - start),
        busy_ns=row["busy_ns"],
        deadline_ns=round(row["deadline"] * NANOSECONDS) or None,
        error_type=row["error_type"],
        error_message=row["error_message"],
        resources=_resources(row),
    )


def _attempt(row: Row) -> Attempt:
    ended, run = row["ended"], row["run"]
    end: int | None
    if ended[0]:
        end, number, kind, message = ended
    elif run[0]:
        end, _start, number, kind, message = run
    else:
        end, number, kind, message = None, 0, "", ""
    executing = row["executing"] if row["executing"] < NEVER else None
    return Attempt(
        attempt=row["attempt"],
        agent=row["agent"][1],
        state=STATES[number + 10] if number else None,
        queued_ns=row["queued"] if row["queued"] < NEVER else None,
        executing_ns=executing or (run[1] if run[0] else None),
        end_ns=end,
        duration_ns=row["span_ns"] or None,
        error_type=kind,
        error_message=message,
        trace_ids=tuple(row["trace_ids"]),
        services=tuple(sorted(row["services"])),
        resources=_resources(row),
    )


def _resources(row: Row) -> ResourceUse:
    return ResourceUse(
        cpu_s=row["cpu_s"],
        cpu_precision=row["cpu_precision"],
        memory_bytes=row["memory_bytes"],
        memory_byte_seconds=row["memory_byte_s"],
        memory_precision=row["memory_precision"],
        sent_bytes=row["sent_bytes"],
        received_bytes=row["received_bytes"],
        network_precision=row["network_precision"],
    )


def _attempt_number(attributes: Mapping[str, str]) -> int:
    text = attributes.get("task.attempt", "")
    return max(1, int(text)) if text.isdecimal() else 1


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN: nothing was counted


def _filter_sql(wanted: TaskFilter) -> tuple[str, dict[str, object]]:
    """Return the condition on rows of `tasks_sql`, and its parameters."""
    conditions, parameters = ["1"], dict[str, object]()
    lists = {
        "type": wanted.types,
        "agent": wanted.agents,
        "tenant": wanted.tenants,
        "queue": wanted.queues,
        "priority": wanted.priorities,
        "error_type": wanted.errors,
    }
    for column, values in lists.items():
        if values:
            conditions.append(f"{column} IN {{{column}:Array(String)}}")
            parameters[column] = list(values)
    for column, value in {"session": wanted.session, "chain": wanted.chain, "parent_id": wanted.parent_id}.items():
        if value:
            conditions.append(f"{column} = {{{column}:String}}")
            parameters[column] = value
    if wanted.states:
        conditions.append(f"state IN ({', '.join(str(STATE_NUMBERS[state]) for state in wanted.states)})")
    if wanted.text:
        searched = "concat(task_id, ' ', type, ' ', agent, ' ', tenant, ' ', error_type, ' ', error_message)"
        conditions.append(f"positionCaseInsensitiveUTF8({searched}, {{text:String}}) > 0")
        parameters["text"] = wanted.text
    if wanted.min_duration_ns:
        conditions.append(f"{_LASTED} >= {wanted.min_duration_ns:d}")
    if wanted.max_duration_ns:
        conditions.append(f"{_LASTED} <= {wanted.max_duration_ns:d}")
    if wanted.retried:
        conditions.append("attempts > 1")
    return " AND ".join(conditions), parameters
