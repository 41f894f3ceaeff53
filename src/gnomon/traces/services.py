"""Services and operations: rate, errors and duration over a range, and the map of who calls whom."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gnomon.model.spans import KINDS
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.edge_store import Edge
from gnomon.storage.service_store import ServiceStore, Statistics, first_step_s
from gnomon.traces.journey import name_of
from gnomon.traces.service_edges import ServiceEdges
from gnomon.traces.service_views import (
    MapEdge,
    MapNode,
    OperationList,
    OperationSummary,
    RedSeries,
    RedTotals,
    ServiceList,
    ServiceMap,
    ServiceSummary,
)

_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_NOTHING = RedTotals(0, 0, 0.0, 0.0, None, None, None)


class ServiceStatistics:
    """Answer questions about services."""

    def __init__(self, store: ServiceStore, edges: ServiceEdges) -> None:
        """Read from `store`, calls from `edges`."""
        self._store = store
        self._edges = edges

    async def services(self, time_range: TimeRange) -> ServiceList:
        """Return the services of a range, the busiest first."""
        found = await self._store.services(time_range, None)
        operations: dict[str, int] = {}
        for operation in await self._store.list_operations(time_range):
            operations[operation.service] = operations.get(operation.service, 0) + 1
        versions: dict[str, list[str]] = {}
        for version in await self._store.versions():
            if version.first_seen_ns < time_range.end_ns and version.last_seen_ns >= _day_start(time_range.start_ns):
                versions.setdefault(version.service, []).append(version.version)
        summaries = [
            ServiceSummary(
                service=each.service,
                operations=operations.get(each.service, 0),
                totals=total_of(each, time_range),
                versions=tuple(versions.get(each.service, ())),
            )
            for each in found
        ]
        return ServiceList(tuple(sorted(summaries, key=lambda each: (-each.totals.spans, each.service))))

    async def operations(
        self, time_range: TimeRange, *, service: str, name: str, limit: int, steps: int
    ) -> OperationList:
        """Return operations, the one that takes most time first, with their course over about `steps` steps."""
        step_s = choose_step_s(time_range, steps)
        listed = await self._store.list_operations(time_range, service, name)
        shown = listed[:limit]
        keys = [(each.service, each.name, each.kind) for each in shown]
        statistics: dict[tuple[str, str, int], list[Statistics]] = {}
        for found in await self._store.operations(time_range, step_s, keys):
            statistics.setdefault((found.service, found.name, found.kind), []).append(found)
        whole = await self._store.whole(time_range, step_s, service, name)
        count = len(steps_ms(time_range, step_s))
        summaries = []
        for key in keys:
            of_key = statistics.get(key, [])
            total = whole_of(of_key)
            summaries.append(
                OperationSummary(
                    service=key[0],
                    name=key[1],
                    kind=name_of(key[2], KINDS),
                    totals=total_of(total, time_range),
                    total_ns=total.total_ns if total else 0,
                    max_ns=total.max_ns if total else 0,
                    series=series_of(of_key, step_s, count),
                )
            )
        return OperationList(
            step_s=step_s,
            steps_ms=steps_ms(time_range, step_s),
            totals=total_of(whole_of(whole), time_range),
            series=series_of(whole, step_s, count),
            operations=tuple(summaries),
            others=len(listed) - len(shown),
        )

    async def service_map(self, time_range: TimeRange) -> ServiceMap:
        """Return services, what they call, and the calls."""
        edges = await self._edges.read(time_range)
        services = {each.service: each for each in await self._store.services(time_range, None)}
        nodes = [MapNode(name, "service", total_of(found, time_range)) for name, found in services.items()]
        called: dict[str, list[Edge]] = {}
        for edge in edges:
            if edge.client not in services:
                called.setdefault(edge.client, [])
            if edge.server not in services:
                called.setdefault(edge.server, []).append(edge)
        nodes += [_external(name, into, time_range) for name, into in called.items()]
        return ServiceMap(
            nodes=tuple(sorted(nodes, key=lambda node: (-node.totals.spans, node.name))),
            edges=tuple(_map_edge(edge, time_range) for edge in edges),
            sample_share=1 / max((edge.share for edge in edges), default=1),
        )


def choose_step_s(time_range: TimeRange, steps: int) -> int:
    """Return a round step, in seconds and at least a minute, that cuts a range into about `steps`."""
    wanted_s = time_range.duration_ns / NANOSECONDS / steps
    return min(_STEPS_S, key=lambda step_s: abs(step_s - wanted_s))


def steps_ms(time_range: TimeRange, step_s: int) -> tuple[int, ...]:
    """Return where the steps of a range begin, in Unix milliseconds."""
    first_s = first_step_s(time_range, step_s)
    return tuple(range(first_s * 1000, -(-time_range.end_ns // 1_000_000), step_s * 1000))


def whole_of(statistics: Iterable[Statistics]) -> Statistics | None:
    """Return the statistics of the whole range among those of its steps."""
    return next((found for found in statistics if found.step is None), None)


def total_of(found: Statistics | None, time_range: TimeRange) -> RedTotals:
    """Return the totals of a range."""
    if found is None or not found.spans:
        return _NOTHING
    return RedTotals(
        spans=found.spans,
        errors=found.errors,
        rate_per_s=found.spans * NANOSECONDS / time_range.duration_ns,
        error_share=found.errors / found.spans,
        p50_ns=found.p50_ns,
        p95_ns=found.p95_ns,
        p99_ns=found.p99_ns,
    )


def series_of(statistics: Sequence[Statistics], step_s: int, count: int) -> RedSeries:
    """Return the course over `count` steps; where nothing ran, rates are 0 and quantiles null."""
    by_step = {found.step: found for found in statistics if found.step is not None}
    found = [by_step.get(step) for step in range(count)]
    return RedSeries(
        rate_per_s=tuple(each.spans / step_s if each else 0.0 for each in found),
        errors_per_s=tuple(each.errors / step_s if each else 0.0 for each in found),
        p50_ns=tuple(each.p50_ns if each else None for each in found),
        p95_ns=tuple(each.p95_ns if each else None for each in found),
        p99_ns=tuple(each.p99_ns if each else None for each in found),
    )


def _external(name: str, edges: Sequence[Edge], time_range: TimeRange) -> MapNode:
    """Return a node that sends no spans itself, as its callers see it."""
    kinds = {edge.kind for edge in edges}
    kind = next((kind for kind in ("database", "messaging") if kind in kinds), "external")
    calls, errors = sum(edge.calls for edge in edges), sum(edge.errors for edge in edges)
    busiest = max(edges, key=lambda edge: edge.calls, default=None)
    totals = RedTotals(
        spans=calls,
        errors=errors,
        rate_per_s=calls * NANOSECONDS / time_range.duration_ns,
        error_share=errors / calls if calls else 0.0,
        p50_ns=busiest.p50_ns if busiest else None,
        p95_ns=busiest.p95_ns if busiest else None,
        p99_ns=None,
    )
    return MapNode(name, kind, totals)


def _map_edge(edge: Edge, time_range: TimeRange) -> MapEdge:
    return MapEdge(
        client=edge.client,
        server=edge.server,
        kind=edge.kind,
        calls=edge.calls,
        errors=edge.errors,
        rate_per_s=edge.calls * NANOSECONDS / time_range.duration_ns,
        error_share=edge.errors / edge.calls,
        mean_ns=edge.duration_sum_ns / edge.calls,
        p50_ns=edge.p50_ns,
        p95_ns=edge.p95_ns,
    )


def _day_start(moment_ns: int) -> int:
    """Return the start of the day: sightings of a version are written down by the day."""
    day = datetime.fromtimestamp(moment_ns / NANOSECONDS, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp()) * NANOSECONDS
