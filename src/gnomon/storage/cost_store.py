"""What work cost, in whole billionths of a dollar: each call and each attempt is rounded once, then only added."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gnomon.model.tasks import CostDimension, Task
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.engine import Engine, Row
from gnomon.storage.span_sql import among_ids, moment
from gnomon.storage.task_sql import NEVER, among_tasks, attempts_sql, days, quoted
from gnomon.storage.task_store import STREAMS
from gnomon.storage.trace_store import Freshness

_HOUR_NS = 3600 * NANOSECONDS
_KEYS = {
    "tenant": "tenant",
    "agent": "agent",
    "type": "type",
    "model": "model",
    "provider": "provider",
    "queue": "queue",
    "task": "task",
    "day": "formatDateTime(fromUnixTimestamp64Nano(at, 'UTC'), '%Y-%m-%d')",
    "hour": "formatDateTime(fromUnixTimestamp64Nano(at, 'UTC'), '%Y-%m-%dT%H:00:00Z')",
}
_FRESH = "input_tokens - least(input_tokens, cached_tokens + cache_write_tokens)"
_TOKENS = "(input_tokens + output_tokens > 0)"


@dataclass(frozen=True, slots=True)
class ResourceRates:
    """Say what resources cost, in billionths of a dollar: a second of CPU, a byte held for a second, a byte moved."""

    cpu_s: float
    memory_byte_s: float
    network_byte: float


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """Name a model that was called on a day on which nobody has said what it costs."""

    provider: str
    model: str
    day: str


@dataclass(frozen=True, slots=True)
class ModelRate:
    """Say what a million tokens cost on a day, in billionths of a dollar, for requests with more input than that."""

    provider: str
    model: str
    day: str
    above_tokens: int
    input: int
    cached: int
    cache_write: int
    output: int
    source: str


@dataclass(frozen=True, slots=True)
class CostLine:
    """Sum up one group: parts in billionths of a dollar, tokens, and what could not be priced.

    `input_nd` is input that no cache had to do with. `unpriced_calls` told of tokens of a model without a price: their
    cost is unknown, not nothing.
    """

    keys: tuple[str, ...]
    input_nd: int
    cached_nd: int
    cache_write_nd: int
    output_nd: int
    cpu_nd: int
    memory_nd: int
    network_nd: int
    tasks: int
    calls: int
    unpriced_calls: int
    unpriced_models: tuple[str, ...]
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cpu_s: float
    memory_byte_s: float
    network_bytes: int
    busy_ns: int

    @property
    def total_nd(self) -> int:
        """Return the sum of the parts."""
        return (
            self.input_nd
            + self.cached_nd
            + self.cache_write_nd
            + self.output_nd
            + self.cpu_nd
            + self.memory_nd
            + self.network_nd
        )


class CostStore:
    """Add up costs; models are priced by `llm_prices`."""

    def __init__(self, engine: Engine, journal: Freshness, rates: ResourceRates) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal
        self._rates = rates

    async def unpriced(self, time_range: TimeRange) -> list[UnpricedModel]:
        """Return which models were called in a range without a price for the day."""
        await self._journal.catch_up(*STREAMS)
        statement = f"""
            SELECT DISTINCT provider::String AS p, model::String AS m, toString(toDate(ts)) AS d
            FROM work_spans
            WHERE {_during(time_range)} AND {_TOKENS}
                AND (provider::String, model::String, toDate(ts)) NOT IN (
                    SELECT provider::String, model::String, day FROM llm_prices)
            LIMIT 10000
        """
        return [UnpricedModel(row["p"], row["m"], row["d"]) for row in (await self._engine.query(statement)).rows()]

    async def keep_rates(self, rates: Iterable[ModelRate]) -> None:
        """Keep prices for good."""
        rows = [
            f"(toDate({quoted(r.day)}), {quoted(r.provider)}, {quoted(r.model)}, {r.above_tokens:d}, {r.input:d},"
            f" {r.cached:d}, {r.cache_write:d}, {r.output:d}, {quoted(r.source)}, now64(3))"
            for r in rates
        ]
        for start in range(0, len(rows), 500):
            await self._engine.command(
                "INSERT INTO llm_prices (day, provider, model, above_tokens, input, cached, cache_write, output,"
                f" source, written) SELECT r.1, r.2, r.3, r.4, r.5, r.6, r.7, r.8, r.9, r.10"
                f" FROM (SELECT arrayJoin([{', '.join(rows[start : start + 500])}]) AS r)"
            )

    async def rates(self, models: Sequence[str], time_range: TimeRange) -> list[ModelRate]:
        """Return the prices that stand behind figures of a range, of some models."""
        if not models:
            return []
        statement = f"""
            SELECT *, toString(day) AS d FROM (
                SELECT day, provider::String AS p, model::String AS m, above_tokens,
                    argMin((input, cached, cache_write, output, source), written) AS kept
                FROM llm_prices
                WHERE model IN ({", ".join(map(quoted, models))}) AND {days(time_range)}
                GROUP BY day, p, m, above_tokens
            ) ORDER BY p, m, day, above_tokens LIMIT 2000
        """
        return [
            ModelRate(row["p"], row["m"], row["d"], row["above_tokens"], *row["kept"])
            for row in (await self._engine.query(statement)).rows()
        ]

    async def add_up(
        self, time_range: TimeRange, by: Sequence[CostDimension], only: Mapping[CostDimension, str] | None = None
    ) -> list[CostLine]:
        """Return what work in a range cost, grouped; calls count when they began, attempts when they did."""
        await self._journal.catch_up(*STREAMS)
        lines = self._lines(_during(time_range), _around(time_range), _attempts_in(time_range), time_range)
        conditions = [f"{_KEYS[key]} = {quoted(value)}" for key, value in (only or {}).items()]
        return await self._group(lines, by, " AND ".join(conditions) or "1")

    async def of_tasks(self, tasks: Sequence[Task], by: Sequence[CostDimension] = ("task",)) -> list[CostLine]:
        """Return what some tasks cost, grouped."""
        if not tasks:
            return []
        time_range = span_of(tasks)
        traces = sorted({trace for task in tasks for trace in task.trace_ids})
        where = f"{_during(time_range)} AND {among_ids(traces)}" if traces else "0"
        attempts = f"SELECT * FROM ({attempts_sql(among_tasks(task.task_id for task in tasks))})"
        lines = self._lines(where, where, attempts, time_range)
        ids = ", ".join(quoted(task.task_id) for task in tasks)
        return await self._group(lines, by, f"task IN ({ids})")

    async def _group(self, lines: str, by: Sequence[CostDimension], condition: str) -> list[CostLine]:
        keys = ", ".join(f"toValidUTF8(toString({_KEYS[key]})) AS key{n}" for n, key in enumerate(by))
        names = ", ".join(f"key{n}" for n in range(len(by)))
        statement = f"""
            SELECT {keys + "," if by else ""}
                sum(input_nd) AS s_input, sum(cached_nd) AS s_cached, sum(cache_write_nd) AS s_write,
                sum(output_nd) AS s_output, sum(cpu_nd) AS s_cpu, sum(memory_nd) AS s_memory,
                sum(network_nd) AS s_network, uniqExactIf(task, task != '') AS task_count, sum(calls) AS call_count,
                sum(unpriced) AS unpriced_count, arraySort(groupUniqArrayIf(model, unpriced > 0)) AS unpriced_models,
                sum(input_tokens) AS t_input, sum(cached_tokens) AS t_cached, sum(cache_write_tokens) AS t_write,
                sum(output_tokens) AS t_output, sum(reasoning_tokens) AS t_reasoning, sum(cpu_s) AS cpu_seconds,
                sum(memory_byte_s) AS byte_seconds, sum(network_bytes) AS moved, sum(busy) AS busy_total
            FROM ({lines}) WHERE {condition}
            {f"GROUP BY {names}" if by else ""}
            ORDER BY s_input + s_cached + s_write + s_output + s_cpu + s_memory + s_network DESC
                {"," + names if by else ""}
            LIMIT 5000
        """
        return [_line(row, len(by)) for row in (await self._engine.query(statement)).rows()]

    def _lines(self, calls: str, around: str, attempts: str, time_range: TimeRange) -> str:
        """Return a query for one row a call of a model and one an attempt, each with its task's facts."""
        rates = self._rates
        near = days(time_range, 7, 1)
        return f"""
            SELECT f.task_id AS task, if(f.task_id = '', c.tenant, f.tenant) AS tenant, f.type AS type,
                f.queue AS queue,
                if(c.agent = '', f.agent, c.agent) AS agent, c.model AS model, c.provider AS provider, c.at AS at,
                c.input_nd AS input_nd, c.cached_nd AS cached_nd, c.cache_write_nd AS cache_write_nd,
                c.output_nd AS output_nd, c.cpu_nd AS cpu_nd, c.memory_nd AS memory_nd, c.network_nd AS network_nd,
                c.calls AS calls, c.unpriced AS unpriced, c.input_tokens AS input_tokens,
                c.cached_tokens AS cached_tokens, c.cache_write_tokens AS cache_write_tokens,
                c.output_tokens AS output_tokens, c.reasoning_tokens AS reasoning_tokens, c.cpu_s AS cpu_s,
                c.memory_byte_s AS memory_byte_s, c.network_bytes AS network_bytes, c.busy AS busy
            FROM (
                SELECT if(named, task_id, if(owner = '', task_id, owner)) AS task, tenant, agent, model, provider, at,
                    {_priced(_FRESH, "rate.2")} AS input_nd,
                    {_priced("cached_tokens", "rate.3")} AS cached_nd,
                    {_priced("cache_write_tokens", "rate.4")} AS cache_write_nd,
                    {_priced("output_tokens", "rate.5")} AS output_nd,
                    0::Int64 AS cpu_nd, 0::Int64 AS memory_nd, 0::Int64 AS network_nd, 1 AS calls,
                    empty(tiers) AS unpriced, input_tokens, cached_tokens, cache_write_tokens, output_tokens,
                    reasoning_tokens, 0::Float64 AS cpu_s, 0::Float64 AS memory_byte_s, 0::UInt64 AS network_bytes,
                    0::Int64 AS busy
                FROM (
                    SELECT s.*, o.owner AS owner, p.tiers AS tiers,
                        arrayLast(t -> t.1 = 0 OR s.input_tokens > t.1, p.tiers) AS rate
                    FROM ({counted_sql(calls, around)}) AS s
                    LEFT JOIN (
                        SELECT arrayJoin(tasks.traces) AS owned_trace, argMin(task_id, tasks.first) AS owner
                        FROM tasks WHERE tasks.named = 1 AND {near} GROUP BY owned_trace
                    ) AS o ON s.trace_id = o.owned_trace
                    LEFT JOIN (
                        SELECT priced_provider, priced_model, priced_day, arraySort(groupArray(tier)) AS tiers
                        FROM (
                            SELECT provider::String AS priced_provider, model::String AS priced_model,
                                day AS priced_day, above_tokens,
                                (above_tokens, argMin(input, written), argMin(cached, written),
                                 argMin(cache_write, written), argMin(output, written)) AS tier
                            FROM llm_prices GROUP BY priced_provider, priced_model, priced_day, above_tokens
                        ) GROUP BY priced_provider, priced_model, priced_day
                    ) AS p ON s.provider = p.priced_provider AND s.model = p.priced_model AND s.day = p.priced_day
                )
                UNION ALL
                SELECT task_id AS task, tenant, agent.2 AS agent, '' AS model, '' AS provider,
                    if(executing < {NEVER}, executing, first) AS at, 0, 0, 0, 0,
                    toInt64(round(cpu_s * {rates.cpu_s!r})) AS cpu_nd,
                    toInt64(round(memory_byte_s * {rates.memory_byte_s!r})) AS memory_nd,
                    toInt64(round((sent_bytes + received_bytes) * {rates.network_byte!r})) AS network_nd,
                    0, 0, 0, 0, 0, 0, 0, cpu_s, memory_byte_s, sent_bytes + received_bytes, span_ns
                FROM ({attempts})
            ) AS c
            LEFT JOIN (
                SELECT task_id, max(tasks.tenant) AS tenant, max(tasks.queue) AS queue,
                    if(max(tasks.agent).2 != '', max(tasks.agent).2, min(tasks.agent_run).4) AS agent,
                    if(max(tasks.type) = '' AND max(tasks.named) = 0, min(tasks.agent_run).4, max(tasks.type)) AS type
                FROM tasks WHERE {near} GROUP BY task_id
                HAVING max(tasks.named) = 1 OR min(tasks.agent_run).1 < {NEVER}
            ) AS f ON c.task = f.task_id
        """


def counted_sql(where: str, around: str) -> str:
    """Return a query for the spans whose tokens count, of those that tell of tokens.

    A call of a model within another one is the same call told twice. What an agent's or a step's span adds up counts
    only where no call of a model, and no other such span around it, tells of the same tokens. `around` bounds where
    those are looked for.
    """
    return f"""
        SELECT c.*, toUnixTimestamp64Nano(c.ts) AS at, toDate(c.ts) AS day
        FROM (
            SELECT ts, trace_id, span_id, parent_span_id, duration, kind, task_id, named, tenant::String AS tenant,
                agent::String AS agent, model::String AS model, provider::String AS provider, input_tokens,
                cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens
            FROM work_spans FINAL WHERE {where} AND {_TOKENS}
        ) AS c
        LEFT JOIN (
            SELECT trace_id AS near_trace, groupArrayIf(ts, kind = 'llm') AS calls,
                groupArrayIf((ts, ts + toIntervalNanosecond(duration)), kind != 'llm') AS sums
            FROM work_spans FINAL WHERE {around} AND {_TOKENS} GROUP BY near_trace
        ) AS near ON c.trace_id = near.near_trace
        WHERE if(kind = 'llm',
            (trace_id, parent_span_id) NOT IN (
                SELECT trace_id, span_id FROM work_spans WHERE {around} AND kind = 'llm' AND {_TOKENS}),
            NOT arrayExists(t -> t BETWEEN ts AND ts + toIntervalNanosecond(duration), near.calls)
                AND NOT arrayExists(
                    s -> s.1 <= ts AND s.2 >= ts + toIntervalNanosecond(duration)
                        AND (s.1 < ts OR s.2 > ts + toIntervalNanosecond(duration)), near.sums))
    """


def span_of(tasks: Sequence[Task]) -> TimeRange:
    """Return a range that holds all that was told of some tasks."""
    return TimeRange(min(task.start_ns for task in tasks), max(task.last_heard_ns for task in tasks) + 1)


def _priced(tokens: str, rate: str) -> str:
    return f"toInt64(intDiv(toInt128({tokens}) * {rate} + 500000, 1000000))"


def _during(time_range: TimeRange) -> str:
    return f"(ts >= {moment(time_range.start_ns)} AND ts < {moment(time_range.end_ns)})"


def _around(time_range: TimeRange) -> str:
    return _during(TimeRange(time_range.start_ns - _HOUR_NS, time_range.end_ns + _HOUR_NS))


def _attempts_in(time_range: TimeRange) -> str:
    begun = f"if(executing < {NEVER}, executing, first)"
    return f"""
        SELECT * FROM ({attempts_sql(days(time_range, 1, 1))})
        WHERE {begun} >= {time_range.start_ns:d} AND {begun} < {time_range.end_ns:d}
    """


def _line(row: Row, keys: int) -> CostLine:
    return CostLine(
        keys=tuple(row[f"key{number}"] for number in range(keys)),
        input_nd=row["s_input"],
        cached_nd=row["s_cached"],
        cache_write_nd=row["s_write"],
        output_nd=row["s_output"],
        cpu_nd=row["s_cpu"],
        memory_nd=row["s_memory"],
        network_nd=row["s_network"],
        tasks=row["task_count"],
        calls=row["call_count"],
        unpriced_calls=row["unpriced_count"],
        unpriced_models=tuple(row["unpriced_models"]),
        input_tokens=row["t_input"],
        cached_tokens=row["t_cached"],
        cache_write_tokens=row["t_write"],
        output_tokens=row["t_output"],
        reasoning_tokens=row["t_reasoning"],
        cpu_s=row["cpu_seconds"],
        memory_byte_s=row["byte_seconds"],
        network_bytes=row["moved"],
        busy_ns=row["busy_total"],
    )
