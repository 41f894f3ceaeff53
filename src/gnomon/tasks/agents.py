"""Agents: load, success, trust and latency, and the graph of hand-offs between them."""

import math

from gnomon.lifecycle import Clock
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.agent_store import AgentRow, AgentStore
from gnomon.tasks.task_views import AgentCourse, AgentPoint, AgentSummary, HandOffEdge, HandOffGraph

_STEPS = 60


class Agents:
    """Answer how agents fare."""

    def __init__(self, store: AgentStore, clock: Clock) -> None:
        """Read from `store`."""
        self._store = store
        self._clock = clock

    async def summarize(self, time_range: TimeRange) -> list[AgentSummary]:
        """Return every agent that worked in a range, the busiest first."""
        now_ns = self._clock.now_ns()
        rows = await self._store.summarize(time_range, max(1, time_range.duration_ns), now_ns)
        agents = [_summarize(row, time_range) for row in rows]
        return sorted(agents, key=lambda agent: (-agent.busy_ns, agent.agent))

    async def points(self, time_range: TimeRange) -> AgentCourse:
        """Return how every agent fared over time."""
        step_ns = _step(time_range)
        rows = await self._store.summarize(time_range, step_ns, self._clock.now_ns())
        points = [
            AgentPoint(row.agent, row.time_ns, row.attempts, row.failed, row.busy_ns, _known(row.p50_ns), row.trust)
            for row in rows
        ]
        return AgentCourse(time_range.start_ns, step_ns, points)

    async def hand_offs(self, time_range: TimeRange) -> HandOffGraph:
        """Return how work passed between agents, over time."""
        step_ns = _step(time_range)
        edges = [
            HandOffEdge(found.time_ns, found.from_agent, found.to_agent, found.kind, found.count)
            for found in await self._store.passed_on(time_range, step_ns)
        ]
        return HandOffGraph(step_ns, sorted({name for e in edges for name in (e.from_agent, e.to_agent)}), edges)


def _step(time_range: TimeRange) -> int:
    return max(NANOSECONDS, -(-time_range.duration_ns // _STEPS))


def _summarize(row: AgentRow, time_range: TimeRange) -> AgentSummary:
    ended = row.succeeded + row.failed
    return AgentSummary(
        agent=row.agent,
        tasks=row.tasks,
        attempts=row.attempts,
        running=row.running,
        succeeded=row.succeeded,
        failed=row.failed,
        success_share=row.succeeded / ended if ended else None,
        load=row.busy_ns / max(1, time_range.duration_ns),
        busy_ns=row.busy_ns,
        p50_ns=_known(row.p50_ns),
        p95_ns=_known(row.p95_ns),
        trust_score=row.trust,
        trust_low=row.trust_low,
        trust_high=row.trust_high,
        types=row.types,
        tenants=row.tenants,
        last_seen_ns=row.last_ns,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
