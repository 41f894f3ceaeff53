"""What counts as a change."""

from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.service_store import OperationTotals, Statistics, Version
from gnomon.traces.overview import find_changes
from gnomon.traces.service_views import RedTotals, ServiceHealth

RANGE = TimeRange(3600 * NANOSECONDS, 7200 * NANOSECONDS)


def totals(spans: int = 1000, errors: int = 0, p95_ms: float = 10) -> RedTotals:
    return RedTotals(spans, errors, spans / 3600, errors / spans, p95_ms * 5e5, p95_ms * 1e6, p95_ms * 2e6)


def row(service: str, now: RedTotals, before: RedTotals | None) -> ServiceHealth:
    return ServiceHealth(service, now, before, (), (), ())


def earlier(service: str, spans: int = 1000) -> Statistics:
    return Statistics(service, "", 0, None, spans, 0, 0, 0, 1.0, 1.0, 1.0)


def operation(service: str, name: str, minute: int = 70) -> OperationTotals:
    return OperationTotals(service, name, 2, 10, 0, 10, minute * 60 * NANOSECONDS)


def kinds(*services: ServiceHealth, before: tuple[Statistics, ...] = (earlier("a"),)) -> list[tuple[str, str]]:
    changes = find_changes(RANGE, services, before, [], [], [])
    return [(change.kind, change.service) for change in changes]


def test_nothing_is_new_while_there_is_no_range_before() -> None:
    assert kinds(row("a", totals(), None), before=()) == []


def test_more_errors_are_told_with_both_shares() -> None:
    change = find_changes(RANGE, [row("a", totals(errors=50), totals(errors=10))], [earlier("a")], [], [], [])[0]
    assert (change.kind, change.before, change.after) == ("more_errors", "1.0% failed", "5.0% failed")


def test_a_few_errors_are_no_change() -> None:
    assert kinds(row("a", totals(spans=100, errors=4), totals(spans=100))) == []


def test_a_slower_service_is_told() -> None:
    assert kinds(row("a", totals(p95_ms=40), totals(p95_ms=20))) == [("slower", "a")]


def test_services_come_and_go() -> None:
    assert kinds(row("new", totals(), None)) == [("gone_service", "a"), ("new_service", "new")]


def test_a_version_is_new_only_after_another() -> None:
    def version(service: str, name: str, at_s: int) -> Version:
        return Version(service, name, at_s * NANOSECONDS, 9000 * NANOSECONDS)

    versions = [
        version("a", "1", 10),
        version("a", "2", 4000),
        version("b", "1", 4000),
        version("c", "1", 1),
        version("c", "2", 2),
    ]
    changes = find_changes(RANGE, [], [], [], [], versions)
    assert [(change.service, change.before, change.after, change.at_ns) for change in changes] == [
        ("a", "1", "2", 4000 * NANOSECONDS)
    ]


def test_an_operation_is_new_only_in_a_service_that_was_there() -> None:
    operations = [operation("a", "old"), operation("a", "new", 80), operation("b", "first")]
    changes = find_changes(
        RANGE, [row("a", totals(), totals())], [earlier("a")], operations, [operation("a", "old", 10)], []
    )
    assert [(change.kind, change.name, change.at_ns) for change in changes] == [
        ("new_operation", "new", 80 * 60 * NANOSECONDS)
    ]
