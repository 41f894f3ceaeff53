"""The system at a glance: services against the range before, operations that stand out, errors, changes."""

import asyncio
from collections.abc import Iterable, Sequence

from gnomon.model.durations import format_duration
from gnomon.model.spans import KINDS
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.service_store import OperationTotals, ServiceStore, Statistics, Version
from gnomon.traces.journey import name_of
from gnomon.traces.service_views import Change, ErrorGroup, OperationHealth, Overview, ServiceHealth
from gnomon.traces.services import choose_step_s, series_of, steps_ms, total_of, whole_of

_OPERATIONS = 8
_ERRORS = 20
_CHANGES = 40
_NEW_OPERATIONS = 10
_FEWEST_SPANS = 20
_FEWEST_ERRORS = 5
_MORE_ERRORS = 0.01
_MORE_ERRORS_TIMES = 2.0
_SLOWER_TIMES = 1.5
_SLOWER_NS = 5_000_000

_Operation = tuple[str, str, int]


class OverviewReader:
    """Tell how the system does."""

    def __init__(self, store: ServiceStore) -> None:
        """Read from `store`."""
        self._store = store

    async def overview(self, time_range: TimeRange, steps: int) -> Overview:
        """Return the overview of a range, in about `steps` steps."""
        step_s = choose_step_s(time_range, steps)
        earlier = TimeRange(time_range.start_ns - time_range.duration_ns, time_range.start_ns)
        statistics, before, operations, operations_before, errors, versions = await asyncio.gather(
            self._store.services(time_range, step_s),
            self._store.services(earlier, None),
            self._store.list_operations(time_range),
            self._store.list_operations(earlier),
            self._store.errors(time_range, _ERRORS),
            self._store.versions(),
        )
        services = _services(statistics, before, time_range, step_s)
        chosen = _choose(operations)
        keys = sorted({key for group in chosen for key in group})
        now, then = await asyncio.gather(
            self._store.operations(time_range, None, keys), self._store.operations(earlier, None, keys)
        )
        health = _operations(now, then, time_range)
        busiest, failing, slowest = ([health[key] for key in group if key in health] for group in chosen)
        return Overview(
            step_s=step_s,
            steps_ms=steps_ms(time_range, step_s),
            services=tuple(services),
            busiest=tuple(busiest),
            failing=tuple(failing),
            slowest=tuple(slowest),
            errors=tuple(
                ErrorGroup(
                    service=error.service,
                    name=error.name,
                    error_type=error.error_type,
                    message=error.message,
                    spans=error.spans,
                    last_ns=error.last_ns,
                    trace_id=error.trace_id,
                    span_id=error.span_id,
                )
                for error in errors
            ),
            changes=tuple(find_changes(time_range, services, before, operations, operations_before, versions)),
        )


def find_changes(
    time_range: TimeRange,
    services: Sequence[ServiceHealth],
    before: Sequence[Statistics],
    operations: Sequence[OperationTotals],
    operations_before: Sequence[OperationTotals],
    versions: Sequence[Version],
) -> list[Change]:
    """Return what changed against the range before, the gravest first; nothing while there is no range before."""
    changes = [*_new_versions(time_range, versions)]
    if before:
        changes += _worse(services)
        changes += _come_and_gone(services, before, operations)
        changes += _new_operations(operations, operations_before)
    order = ("more_errors", "gone_service", "slower", "new_version", "new_service", "new_operation")
    return sorted(changes, key=lambda change: order.index(change.kind))[:_CHANGES]


def _services(
    statistics: Sequence[Statistics], before: Sequence[Statistics], time_range: TimeRange, step_s: int
) -> list[ServiceHealth]:
    """Return services as rows, those with the highest share of errors first, then the busiest."""
    count = len(steps_ms(time_range, step_s))
    by_service: dict[str, list[Statistics]] = {}
    for found in statistics:
        by_service.setdefault(found.service, []).append(found)
    earlier = {found.service: total_of(found, time_range) for found in before}
    rows = []
    for service, of_service in by_service.items():
        series = series_of(of_service, step_s, count)
        pairs = zip(series.rate_per_s, series.errors_per_s, strict=True)
        rows.append(
            ServiceHealth(
                service=service,
                totals=total_of(whole_of(of_service), time_range),
                before=earlier.get(service),
                rate_per_s=series.rate_per_s,
                error_share=tuple(errors / rate if rate else None for rate, errors in pairs),
                p95_ns=series.p95_ns,
            )
        )
    return sorted(rows, key=lambda row: (-round(row.totals.error_share, 3), -row.totals.spans, row.service))


def _choose(operations: Sequence[OperationTotals]) -> tuple[list[_Operation], list[_Operation], list[_Operation]]:
    """Return the busiest, the failing and the slowest operations."""

    def keys(found: Iterable[OperationTotals]) -> list[_Operation]:
        return [(each.service, each.name, each.kind) for each in found][:_OPERATIONS]

    return (
        keys(sorted(operations, key=lambda each: -each.spans)),
        keys(sorted((each for each in operations if each.errors), key=lambda each: -each.errors)),
        keys(sorted(operations, key=lambda each: -each.total_ns / each.spans)),
    )


def _operations(
    now: Sequence[Statistics], then: Sequence[Statistics], time_range: TimeRange
) -> dict[_Operation, OperationHealth]:
    earlier = {(found.service, found.name, found.kind): total_of(found, time_range) for found in then}
    return {
        (found.service, found.name, found.kind): OperationHealth(
            service=found.service,
            name=found.name,
            kind=name_of(found.kind, KINDS),
            totals=total_of(found, time_range),
            before=earlier.get((found.service, found.name, found.kind)),
        )
        for found in now
    }


def _worse(services: Sequence[ServiceHealth]) -> Iterable[Change]:
    for row in services:
        now, then = row.totals, row.before
        if then is None or now.spans < _FEWEST_SPANS or then.spans < _FEWEST_SPANS:
            continue
        more = now.error_share - then.error_share
        if (
            now.errors >= _FEWEST_ERRORS
            and more >= _MORE_ERRORS
            and now.error_share >= then.error_share * _MORE_ERRORS_TIMES
        ):
            yield Change(
                "more_errors", row.service, "", f"{then.error_share:.1%} failed", f"{now.error_share:.1%} failed", None
            )
        p95_ns, p95_before_ns = now.p95_ns or 0.0, then.p95_ns or 0.0
        if p95_ns >= p95_before_ns * _SLOWER_TIMES and p95_ns - p95_before_ns >= _SLOWER_NS:
            times = f"p95 {format_duration(p95_before_ns)}", f"p95 {format_duration(p95_ns)}"
            yield Change("slower", row.service, "", *times, None)


def _come_and_gone(
    services: Sequence[ServiceHealth], before: Sequence[Statistics], operations: Sequence[OperationTotals]
) -> Iterable[Change]:
    here = {row.service for row in services}
    known = {found.service for found in before}
    first: dict[str, int] = {}
    for operation in operations:
        first[operation.service] = min(
            operation.first_minute_ns, first.get(operation.service, operation.first_minute_ns)
        )
    for service in sorted(here - known):
        yield Change("new_service", service, "", "", "", first.get(service))
    for found in before:
        if found.service not in here and found.spans >= _FEWEST_SPANS:
            yield Change("gone_service", found.service, "", f"{found.spans} spans", "none", None)


def _new_versions(time_range: TimeRange, versions: Sequence[Version]) -> Iterable[Change]:
    latest: dict[str, Version] = {}
    for version in versions:
        previous = latest.get(version.service)
        latest[version.service] = version
        if previous and time_range.start_ns <= version.first_seen_ns < time_range.end_ns + NANOSECONDS:
            yield Change("new_version", version.service, "", previous.version, version.version, version.first_seen_ns)


def _new_operations(
    operations: Sequence[OperationTotals], operations_before: Sequence[OperationTotals]
) -> Iterable[Change]:
    known = {(each.service, each.name) for each in operations_before}
    services = {each.service for each in operations_before}
    new = [each for each in operations if each.service in services and (each.service, each.name) not in known]
    for each in sorted(new, key=lambda each: -each.spans)[:_NEW_OPERATIONS]:
        yield Change("new_operation", each.service, each.name, "", f"{each.spans} spans", each.first_minute_ns)
