"""Agents: how they fared, and how work passed from one to another."""

from dataclasses import dataclass

from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine
from gnomon.storage.span_sql import moment
from gnomon.storage.task_sql import NEVER, attempts_sql, days, tasks_sql
from gnomon.storage.task_store import STREAMS
from gnomon.storage.trace_store import Freshness

_AGENT = "if(agent.2 != '', agent.2, agent_run.4)"
_BEGUN = f"if(executing < {NEVER}, executing, first)"
_OUTCOME = "multiIf(ended.1 > 0, ended.2, run.1 > 0, run.3, executing < 9223372036854775807, 0, agent_run.3 > 0, 3, 1)"
_LENGTH = f"if(span_ns > 0, span_ns, if(agent_run.1 < {NEVER}, agent_run.2 - agent_run.1, 0))"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """Hold what is known of an agent's attempts in a range; quantiles are NaN where none ended."""

    agent: str
    time_ns: int
    tasks: int
    attempts: int
    running: int
    succeeded: int
    failed: int
    busy_ns: int
    p50_ns: float
    p95_ns: float
    trust: float | None
    trust_low: float | None
    trust_high: float | None
    types: tuple[str, ...]
    tenants: tuple[str, ...]
    last_ns: int


@dataclass(frozen=True, slots=True)
class PassedOn:
    """Count how often work went from one agent to another in one step of time."""

    time_ns: int
    from_agent: str
    to_agent: str
    kind: str
    count: int


class AgentStore:
    """Read agents; times are Unix nanoseconds."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def summarize(self, time_range: TimeRange, step_ns: int, now_ns: int) -> list[AgentRow]:
        """Return each agent's attempts that began in a range, by steps of time."""
        await self._journal.catch_up(*STREAMS)
        start = time_range.start_ns
        statement = f"""
            SELECT who, intDiv(begun - {start:d}, {step_ns:d}) AS step, uniqExact(task_id) AS task_count,
                count() AS n, countIf(outcome = 0) AS running, countIf(outcome = 1) AS good,
                countIf(outcome > 2) AS bad,
                sum(if(outcome = 0, greatest(0, {now_ns:d} - begun), length_ns)) AS busy,
                quantilesIf(0.5, 0.95)(length_ns, outcome > 0) AS lengths,
                max(trust) AS newest, minIf(trust.2, trust.1 > 0) AS low, maxIf(trust.2, trust.1 > 0) AS high,
                arraySort(groupUniqArrayIf(20)(kind, kind != '')) AS kinds,
                arraySort(groupUniqArrayIf(20)(tenant, tenant != '')) AS owners, max(last) AS last_ns
            FROM (
                SELECT *, toValidUTF8({_AGENT}) AS who, {_BEGUN} AS begun, {_OUTCOME} AS outcome,
                    {_LENGTH} AS length_ns,
                    if(type = '' AND NOT named, agent_run.4, type) AS kind
                FROM ({attempts_sql(days(time_range, 1, 1))})
                WHERE executing < {NEVER} OR run.1 > 0 OR agent_run.1 < {NEVER}
            )
            WHERE who != '' AND begun >= {start:d} AND begun < {time_range.end_ns:d}
            GROUP BY who, step ORDER BY who, step LIMIT 20000
        """
        return [
            AgentRow(
                agent=row["who"],
                time_ns=start + row["step"] * step_ns,
                tasks=row["task_count"],
                attempts=row["n"],
                running=row["running"],
                succeeded=row["good"],
                failed=row["bad"],
                busy_ns=row["busy"],
                p50_ns=row["lengths"][0],
                p95_ns=row["lengths"][1],
                trust=row["newest"][1] if row["newest"][0] else None,
                trust_low=row["low"] if row["newest"][0] else None,
                trust_high=row["high"] if row["newest"][0] else None,
                types=tuple(row["kinds"]),
                tenants=tuple(row["owners"]),
                last_ns=row["last_ns"],
            )
            for row in (await self._engine.query(statement)).rows()
        ]

    async def passed_on(self, time_range: TimeRange, step_ns: int) -> list[PassedOn]:
        """Return the hand-offs that were told, and the delegations that parents and their children show."""
        await self._journal.catch_up(*STREAMS)
        start, end = time_range.start_ns, time_range.end_ns
        recent = days(time_range, 7, 1)
        statement = f"""
            SELECT intDiv(at - {start:d}, {step_ns:d}) AS step, toValidUTF8(giver) AS giving,
                toValidUTF8(taker) AS taking,
                kind, count() AS n
            FROM (
                SELECT toUnixTimestamp64Nano(ts) AS at, attributes['agent.id'] AS giver,
                    attributes['agent.to_id'] AS taker, 'handoff' AS kind
                FROM work_events
                WHERE name = 'agent.handed_off' AND ts >= {moment(start)} AND ts < {moment(end)}
                LIMIT 1 BY task_id, ts, id
                UNION ALL
                SELECT c.start AS at, p.agent AS giver, c.agent AS taker, 'delegation' AS kind
                FROM (
                    SELECT parent_id, start, agent FROM ({tasks_sql(days(time_range, 1, 1), recent)})
                    WHERE parent_id != '' AND agent != '' AND start >= {start:d} AND start < {end:d}
                ) AS c
                INNER JOIN (
                    SELECT task_id, max(tasks.agent).2 AS agent FROM tasks WHERE {recent} GROUP BY task_id
                ) AS p ON c.parent_id = p.task_id
                WHERE p.agent != ''
            )
            WHERE giver != '' AND taker != ''
            GROUP BY step, giving, taking, kind ORDER BY step, n DESC LIMIT 20000
        """
        return [
            PassedOn(start + row["step"] * step_ns, row["giving"], row["taking"], row["kind"], row["n"])
            for row in (await self._engine.query(statement)).rows()
        ]
