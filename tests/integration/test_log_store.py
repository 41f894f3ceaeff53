"""Log lines in a real engine: pages, surroundings, histograms, facets, patterns, arrivals."""

import asyncio
import os
import time
from collections.abc import Sequence

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from gnomon.logs.patterns import merge_patterns
from gnomon.model.errors import InvalidInputError
from gnomon.model.filter_language import parse_filter
from gnomon.model.filters import EVERYTHING
from gnomon.model.log_records import FieldKind, Level
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.log_statistics import LogStatistics
from gnomon.storage.log_store import LogStore
from tests.opened_storage import OpenedStorage

S = 10**9
MINUTE = 60 * S


class Lines:
    """A request in the making; times are nanoseconds after `start_ns`."""

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self.request = ExportLogsServiceRequest()

    def sender(self, **resource: str) -> "Lines":
        of_resource = self.request.resource_logs.add()
        of_resource.resource.attributes.extend(
            KeyValue(key=key.replace("_", "."), value=AnyValue(string_value=value)) for key, value in resource.items()
        )
        of_resource.scope_logs.add().scope.name = "logger"
        return self

    def add(self, offset_ns: int, body: str | AnyValue, severity: int = 9, **attributes: AnyValue) -> LogRecord:
        record = self.request.resource_logs[-1].scope_logs[0].log_records.add()
        record.time_unix_nano = self.start_ns + offset_ns
        record.observed_time_unix_nano = self.start_ns + offset_ns
        record.severity_number = SeverityNumber.ValueType(severity)
        record.body.CopyFrom(body if isinstance(body, AnyValue) else AnyValue(string_value=body))
        record.attributes.extend(KeyValue(key=key, value=value) for key, value in attributes.items())
        return record

    async def store(self, storage: OpenedStorage) -> None:
        await storage.journal.append("otlp_logs", self.request.SerializeToString(), os.urandom(16))
        await storage.journal.flush()


@pytest.fixture
def start_ns() -> int:
    """A quarter past some hour today or yesterday, away from midnight or not."""
    return (time.time_ns() // (60 * MINUTE) - 3) * 60 * MINUTE + 15 * MINUTE


def open_store(storage: OpenedStorage) -> LogStore:
    return LogStore(storage.engine, storage.journal)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_hold_every_line_once_and_in_order(
    opened_storage: OpenedStorage, start_ns: int, newest_first: bool
) -> None:
    """Also where many lines share a time, and where some are copies of each other."""
    lines = Lines(start_ns).sender(service_name="a")
    for i in range(40):
        lines.add(i % 7 * 20 * MINUTE, f"line {i}")
    for _ in range(15):
        lines.add(20 * MINUTE, "copy")
    lines.sender(service_name="b")
    for i in range(10):
        lines.add(i * S, f"other {i}")
    await lines.store(opened_storage)
    store, whole = open_store(opened_storage), TimeRange(start_ns, start_ns + 200 * MINUTE)
    bodies: list[str] = []
    times: list[int] = []
    cursor = ""
    for _ in range(40):
        page = await store.search(EVERYTHING, whole, limit=7, cursor=cursor, newest_first=newest_first)
        bodies += [record.body for record in page.records]
        times += [record.ts_ns for record in page.records]
        cursor = page.cursor
        if not cursor:
            break
    assert sorted(bodies) == sorted(
        [f"line {i}" for i in range(40)] + ["copy"] * 15 + [f"other {i}" for i in range(10)]
    )
    assert times == sorted(times, reverse=newest_first)
    both = await store.search(EVERYTHING, whole, limit=1000, newest_first=newest_first)
    assert [record.body for record in both.records] == bodies
    assert len({record.id for record in both.records}) == len(bodies)


async def test_a_wrong_cursor_is_refused(opened_storage: OpenedStorage, start_ns: int) -> None:
    store = open_store(opened_storage)
    for cursor in ("x", "1.2", "1.2.3.4.5.6", "-1.1.1.1.1", "ffffffffffffffffffff.1.1.1.1"):
        with pytest.raises(InvalidInputError, match="Invalid cursor"):
            await store.search(EVERYTHING, TimeRange(0, start_ns), limit=1, cursor=cursor)


async def test_a_line_keeps_what_its_sender_said(opened_storage: OpenedStorage, start_ns: int) -> None:
    lines = Lines(start_ns).sender(service_name="a", host_name="h")
    nested = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(int_value=1))]))
    listed = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="x"), AnyValue(bool_value=True)]))
    record = lines.add(
        1, "hello", 13, text=AnyValue(string_value="é"), number=AnyValue(int_value=2**60), nested=nested, listed=listed
    )
    record.trace_id, record.span_id, record.severity_text = b"\x01" * 16, b"\x02" * 8, "WARNING"
    lines.add(2, nested)
    await lines.store(opened_storage)
    store = open_store(opened_storage)
    page = await store.search(EVERYTHING, TimeRange(start_ns, start_ns + S), limit=10, newest_first=False)
    first, second = page.records
    assert (first.ts_ns, first.level, first.severity_text, first.service) == (start_ns + 1, Level.WARN, "WARNING", "a")
    assert (first.trace_id, first.span_id) == ("01" * 16, "02" * 8)
    assert first.attributes == {"text": "é", "number": 2**60, "nested": {"k": 1}, "listed": ["x", True]}
    assert (second.body, second.structured_body, second.trace_id) == ('{"k":1}', {"k": 1}, "")
    origin = page.origins[first.origin_id]
    assert (origin.resource, origin.scope_name) == ({"service.name": "a", "host.name": "h"}, "logger")
    found = await store.line(first.id)
    assert found is not None
    assert found == (first, origin)
    assert await store.line(f"{start_ns:x}-{1:016x}") is None
    with pytest.raises(InvalidInputError):
        await store.line("nonsense")


async def test_lines_of_a_trace_and_of_a_span_are_found(opened_storage: OpenedStorage, start_ns: int) -> None:
    lines = Lines(start_ns).sender(service_name="a")
    for i in range(20):
        record = lines.add(i, f"line {i}")
        record.trace_id, record.span_id = bytes([i % 4 + 1]) * 16, bytes([i % 8 + 1]) * 8
    await lines.store(opened_storage)
    store = open_store(opened_storage)
    whole = TimeRange(start_ns, start_ns + S)
    page = await store.search(parse_filter(f"trace_id:{'02' * 16}"), whole, limit=100)
    assert [record.body for record in page.records] == [f"line {i}" for i in (17, 13, 9, 5, 1)]
    page = await store.search(parse_filter(f"trace_id:{'02' * 16} span_id:{'06' * 8}"), whole, limit=100)
    assert [record.body for record in page.records] == ["line 13", "line 5"]


async def test_surroundings_come_from_the_same_instance(opened_storage: OpenedStorage, start_ns: int) -> None:
    lines = Lines(start_ns).sender(service_name="a", host_name="one")
    for i in range(20):
        lines.add(i // 3 * MINUTE, f"one {i}")
    lines.sender(service_name="a", host_name="two")
    for i in range(20):
        lines.add(i // 3 * MINUTE, f"two {i}")
    await lines.store(opened_storage)
    store = open_store(opened_storage)
    page = await store.search(EVERYTHING, TimeRange(start_ns, start_ns + 60 * MINUTE), limit=100, newest_first=False)
    ones = [record for record in page.records if record.body.startswith("one")]
    found = await store.around(ones[9].id, before=4, after=5)
    assert found is not None
    assert [record.body for record in found.records] == [record.body for record in ones[5:15]]
    assert (found.position, found.more_before, found.more_after) == (4, True, True)
    edge = await store.around(ones[0].id, before=5, after=100)
    assert edge is not None
    assert [record.body for record in edge.records] == [record.body for record in ones]
    assert (edge.position, edge.more_before, edge.more_after) == (0, False, False)


@pytest.mark.parametrize("query", ["", "level>=warn", "service:b", "hello", "service:a hello or level:error"])
@pytest.mark.parametrize("width_ns", [7 * S, 5 * MINUTE])
async def test_a_histogram_counts_what_a_search_finds(
    opened_storage: OpenedStorage, start_ns: int, query: str, width_ns: int
) -> None:
    """Whole minutes from the projection and the rest from lines, for ranges that begin and end anywhere."""
    lines = Lines(start_ns)
    for service in "ab":
        lines.sender(service_name=service)
        for i in range(300):
            lines.add(i * 4 * S + ord(service), "hello" if i % 3 else "there", i % 25)
    await lines.store(opened_storage)
    whole = TimeRange(start_ns + 17 * S + 5, start_ns + 18 * MINUTE + 31 * S)
    store, tree = open_store(opened_storage), parse_filter(query)
    histogram = await store.histogram(tree, whole, width_ns)
    page = await store.search(tree, whole, limit=5000)
    expected: dict[Level, list[int]] = {}
    for record in page.records:
        counts = expected.setdefault(record.level, [0] * len(histogram.starts_ns))
        counts[record.ts_ns // width_ns - histogram.starts_ns[0] // width_ns] += 1
    assert histogram.counts == expected
    assert histogram.total == len(page.records) > 0
    assert list(histogram.starts_ns) == list(range(whole.start_ns // width_ns * width_ns, whole.end_ns, width_ns))


async def test_facets_count_exactly_while_lines_are_few(opened_storage: OpenedStorage, start_ns: int) -> None:
    lines = Lines(start_ns)
    for service, host, count in (("a", "one", 30), ("b", "two", 10)):
        lines.sender(service_name=service, host_name=host)
        for i in range(count):
            code, number = AnyValue(int_value=200 + 300 * (i % 5 == 0)), AnyValue(int_value=i)
            lines.add(i, "hello", 17 if i % 10 == 0 else 9, **{"http.status_code": code, "request.id": number})
    await lines.store(opened_storage)
    statistics = LogStatistics(opened_storage.engine, opened_storage.journal)
    whole = TimeRange(start_ns, start_ns + S)
    found = await statistics.facets(EVERYTHING, whole, values=10, attributes=10)
    counts = {facet.field: {value.value: value.count for value in facet.values} for facet in found.facets}
    assert counts == {
        "service": {"a": 30, "b": 10},
        "level": {"info": 36, "error": 4},
        "host.name": {"one": 30, "two": 10},
        "http.status_code": {"200": 32, "500": 8},
    }
    assert (found.lines, found.partial) == (40, None)
    fewer = await statistics.facets(parse_filter("service:b level:error"), whole, values=10, attributes=10)
    assert fewer.lines == 1
    assert [value.value for value in fewer.facets[0].values] == ["b"]


async def test_a_sample_says_so_and_is_about_right(opened_storage: OpenedStorage, start_ns: int) -> None:
    await opened_storage.engine.command(
        f"""
        INSERT INTO logs (ts, service, severity, body, body_type, attributes, attribute_types)
        SELECT fromUnixTimestamp64Nano({start_ns} + number * 10000000, 'UTC'), concat('s', toString(number % 5)), 9,
            concat('took ', toString(number), ' ms'), 1, map('half', toString(number % 2)), [1]
        FROM numbers(300000)
        """
    )
    statistics = LogStatistics(opened_storage.engine, opened_storage.journal)
    whole = TimeRange(start_ns, start_ns + 3000 * S)
    found = await statistics.facets(EVERYTHING, whole, values=5, attributes=5)
    counts = {facet.field: {value.value: value.count for value in facet.values} for facet in found.facets}
    assert counts["service"] == {f"s{i}": 60_000 for i in range(5)}
    assert found.partial is not None
    assert found.partial.left_out == 300_000 - found.lines
    assert 40_000 < found.lines < 60_000
    assert counts["half"]["0"] == pytest.approx(150_000, rel=0.02)
    patterns = await statistics.patterns(EVERYTHING, whole, 300 * S, limit=10)
    assert [pattern.template for pattern in patterns.patterns] == ["took <num> ms"]
    assert patterns.matching == 300_000
    assert patterns.partial is not None
    assert patterns.lines == patterns.patterns[0].count < 60_000
    assert min(patterns.patterns[0].trend[1:-1]) > 0.8 * max(patterns.patterns[0].trend)


async def test_fields_and_values_complete_what_is_typed(opened_storage: OpenedStorage, start_ns: int) -> None:
    lines = Lines(start_ns).sender(service_name="gateway", host_name="h1")
    for i in range(10):
        lines.add(i, "hello", user=AnyValue(string_value=f"User-{i % 3}"), tags=AnyValue(array_value=ArrayValue()))
    await lines.store(opened_storage)
    statistics = LogStatistics(opened_storage.engine, opened_storage.journal)
    whole = TimeRange(start_ns, start_ns + S)
    fields = {field.name: field for field in await statistics.fields(whole)}
    assert (fields["user"].kind, fields["user"].count) == (FieldKind.ATTRIBUTE, 10)
    assert fields["host.name"].kind is FieldKind.RESOURCE
    assert fields["level"].kind is FieldKind.BUILT_IN

    async def values(field: str, prefix: str = "") -> list[tuple[str, int]]:
        return [(value.value, value.count) for value in await statistics.values(field, whole, prefix=prefix, limit=10)]

    assert await values("user", "user-") == [("User-0", 4), ("User-1", 3), ("User-2", 3)]
    assert await values("attributes.user", "user-1") == [("User-1", 3)]
    assert await values("host.name") == await values("resource.host.name") == [("h1", 10)]
    assert await values("service", "G") == [("gateway", 10)]
    assert ("info", 10) in await values("level")
    assert await values("trace_id") == await values("nothing") == []


async def test_patterns_replace_what_varies(opened_storage: OpenedStorage, start_ns: int) -> None:
    bodies: dict[str, Sequence[str]] = {
        "GET /orders/<num> took <num>ms": ["GET /orders/17 took 3.5ms", "GET /orders/18 took 12ms"],
        "peer <ip> reset at <time>": [
            "peer 10.0.0.1:80 reset at 2026-11-21T10:00:00Z",
            "peer 10.1.2.3 reset at 2026-11-21 10:00:01.5",
        ],
        "task <uuid> of <email> said <str>": ['task 6f1c0e7a-0000-4000-8000-00000000000a of a@b.org said "x y"'],
        "key <hex> accede": ["key 0x1f accede", "key 4bf92f3577b34da6 accede"],
    }  # fmt: skip
    lines = Lines(start_ns).sender(service_name="a")
    users = ("ann", "bob", "carol", "dave", "erin")
    for i, body in enumerate(
        [body for group in bodies.values() for body in group] + [f"user {u} came in" for u in users]
    ):
        lines.add(i * S, body, 17 if "reset" in body else 9)
    await lines.store(opened_storage)
    statistics = LogStatistics(opened_storage.engine, opened_storage.journal)
    found = merge_patterns(
        await statistics.patterns(EVERYTHING, TimeRange(start_ns, start_ns + 60 * S), 10 * S, limit=100), 50
    )
    counts = {pattern.template: pattern.count for pattern in found.patterns}
    assert counts == {template: len(group) for template, group in bodies.items()} | {"user <*> came in": 5}
    reset = next(pattern for pattern in found.patterns if "reset" in pattern.template)
    assert (reset.levels, reset.services, sum(reset.trend), found.partial) == ({Level.ERROR: 2}, ["a"], 2, None)
    store = open_store(opened_storage)
    for pattern in found.patterns:
        page = await store.search(parse_filter(pattern.query), TimeRange(start_ns, start_ns + 60 * S), limit=50)
        assert len(page.records) >= pattern.count, pattern


async def test_followers_get_each_line_once_and_know_what_they_missed(
    opened_storage: OpenedStorage, start_ns: int
) -> None:
    store, tree = open_store(opened_storage), parse_filter("level>=info")
    mark = (await store.arrivals(tree, "", limit=0)).mark
    seen: list[str] = []
    skipped = 0
    for batch in range(4):
        lines = Lines(start_ns).sender(service_name="a")
        for i in range(5):
            lines.add(-i * MINUTE, f"{batch} {i}")
            lines.add(i, "quiet", 5)
        waiting = asyncio.create_task(store.wait_for_arrivals(mark, 5))
        await asyncio.sleep(0)
        await lines.store(opened_storage)
        await waiting
        found = await store.arrivals(tree, mark, limit=3 if batch == 3 else 100)
        mark, skipped = found.mark, skipped + found.skipped
        assert [record.ts_ns for record in found.records] == sorted(record.ts_ns for record in found.records)
        seen += [record.body for record in found.records]
    assert sorted(seen) == [f"{batch} {i}" for batch in range(3) for i in range(5)] + [f"3 {i}" for i in range(3)]
    assert skipped == 2


async def test_a_regular_expression_that_the_engine_cannot_read_is_the_callers_fault(
    opened_storage: OpenedStorage, start_ns: int
) -> None:
    lines = Lines(start_ns).sender(service_name="a")
    lines.add(0, "hello")
    await lines.store(opened_storage)
    with pytest.raises(InvalidInputError, match=r"invalid named capture group: \(\?P<x\. The syntax"):
        await open_store(opened_storage).search(
            parse_filter('body=~"(?P<x"'), TimeRange(start_ns, start_ns + S), limit=1
        )
