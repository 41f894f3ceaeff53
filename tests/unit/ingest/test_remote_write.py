"""Remote write 1.0 and 2.0: what is taken, what is refused and in which words."""

import math
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.remote_write_v2_validation import WriteRequestV2Checker
from gnomon.ingest.remote_write_validation import WriteRequestChecker
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import UnavailableError
from gnomon.model.series import STALE, STALE_BITS
from tests.unit.ingest.conftest import LIMIT, MemoryJournal
from tests.write_requests import (
    NOW_MS,
    V1,
    V2,
    Series,
    WriteRequest,
    WriteRequestV2,
    bits_of,
    compress,
    sound_histogram,
    write_request,
    write_request_v2,
)

UP = [("__name__", "up"), ("job", "shop")]
URL = "/api/v1/write"
LATE_MS = 9_000_000_000_000


class Version:
    """One version of the protocol, so that a test can run with each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first = name == "v1"
        self.headers = V1 if self.first else V2
        self.encode: Callable[[list[Series]], bytes] = write_request if self.first else write_request_v2
        self.stream = "remote_write" if self.first else "remote_write_v2"

    def checker(self) -> Callable[[bytes], Checked]:
        checker = WriteRequestChecker if self.first else WriteRequestV2Checker
        return checker(SystemClock()).check

    def read(self, body: bytes) -> list[tuple[dict[str, str], list[tuple[int, int]], int, int]]:
        """Return labels, times and bits of the samples, and the numbers of histograms and exemplars."""
        message = (WriteRequest if self.first else WriteRequestV2).FromString(body)
        found = []
        for series in message.timeseries:
            if self.first:
                labels = {label.name.decode(): label.value.decode() for label in series.labels}
            else:
                texts = [message.symbols[reference].decode() for reference in series.labels_refs]
                labels = dict(zip(texts[0::2], texts[1::2], strict=True))
            samples = [(sample.timestamp, bits_of(sample.value)) for sample in series.samples]
            found.append((labels, samples, len(series.histograms), len(series.exemplars)))
        return found


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest) -> Version:
    """Return one version after the other."""
    return Version(request.param)


async def test_a_request_is_kept_as_it_came(
    client: httpx.AsyncClient, journal: MemoryJournal, version: Version
) -> None:
    """Nothing is encoded anew; 2.0 is told what was written."""
    body = version.encode(
        [
            Series(UP, [(NOW_MS, STALE)]),
            Series([*UP, ("le", "+Inf")], [(NOW_MS, None)], exemplars=[([("trace_id", "ab")], 1.0, NOW_MS)]),
            Series([("__name__", "h")], (), [sound_histogram()]),
        ]
    )
    answer = await client.post(URL, content=compress(body), headers=version.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [(stream, kept) for stream, kept, _ in journal.requests] == [(version.stream, body)]
    written = [
        answer.headers.get(f"X-Prometheus-Remote-Write-{kind}-Written")
        for kind in ("Samples", "Histograms", "Exemplars")
    ]
    assert written == ([None] * 3 if version.first else ["2", "1", "1"])


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ([], "invalid metric name or labels, got {}"),
        ([("job", "shop")], 'invalid metric name or labels, got {job="shop"}'),
        ([("__name__", ""), ("job", "shop")], "invalid metric name or labels"),
        ([("__name__", "up"), ("", "x")], "invalid metric name or labels"),
        ([("__name__", "up"), ("a", b"\xff")], "invalid metric name or labels"),
        ([("__name__", "up"), (b"\xff", "a")], "invalid metric name or labels"),
        ([("__name__", "up"), ("__name__", "down")], "duplicated label __name__"),
        ([("__name__", "up"), ("a", "1"), ("a", "1")], "duplicated label a"),
        ([("__name__", "up"), ("a", "1"), ("b", "1"), ("a", "2")], "duplicated label a"),
    ],
)
async def test_invalid_labels_are_refused_and_the_rest_is_kept(
    client: httpx.AsyncClient, journal: MemoryJournal, version: Version, labels: Any, fault: str
) -> None:
    """A partial write: 400, and the message names what was wrong."""
    good = [Series([*UP, ("n", str(number))]) for number in range(3)]
    body = version.encode([good[0], Series(labels), *good[1:]])
    answer = await client.post(URL, content=compress(body), headers=version.headers)
    assert answer.status_code == 400
    assert "1 of 4 samples were refused" in answer.text
    assert fault in answer.text
    assert [labels["n"] for labels, *_ in version.read(journal.requests[0][1])] == ["0", "1", "2"]
    if not version.first:
        assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "3"


def test_labels_without_a_value_are_left_out(version: Version) -> None:
    """A label with an empty value is the same as none."""
    checked = version.checker()(version.encode([Series([*UP, ("zone", ""), ("x", "y")])]))
    assert version.read(checked.body)[0][0] == {"__name__": "up", "job": "shop", "x": "y"}
    assert not checked.rejected


def test_unsorted_and_long_labels_are_taken(version: Version) -> None:
    """Order does not matter to the store, nor does length."""
    labels = [("zz", "x" * 5000), ("__name__", "up"), ("Ä" * 200, "ö"), ("a", "b" * 127), ("b", "c" * 128)]
    check = version.checker()
    body = version.encode([Series(labels), Series(UP)])
    for _ in range(2):
        checked = check(body)
        assert (checked.body, checked.items, checked.rejected) == (body, 2, {})


@pytest.mark.parametrize("time_ms", [LATE_MS, 2**62, -(2**62)])
def test_samples_out_of_bounds_are_refused_one_by_one(version: Version, time_ms: int) -> None:
    """More than ten minutes ahead, as in Prometheus, or before 1900."""
    check = version.checker()
    body = version.encode([Series(UP), Series(UP, [(NOW_MS, 1.0), (time_ms, 2.0), (NOW_MS + 1, 3.0)])])
    for _ in range(2):
        checked = check(body)
        assert checked.items == 3
        assert sum(checked.rejected.values()) == 1
        assert "out of bounds" in checked.message
        assert [time for _, samples, *_ in version.read(checked.body) for time, _ in samples] == [
            NOW_MS,
            NOW_MS,
            NOW_MS + 1,
        ]


def test_a_late_sample_of_known_series_is_refused(version: Version) -> None:
    """The quick way looks at times, too."""
    check = version.checker()
    many = [Series([*UP, ("n", str(number))]) for number in range(50)]
    check(version.encode(many))
    many[20].samples = [(LATE_MS, 1.0)]
    many[21].samples = [(LATE_MS, None)]
    checked = check(version.encode(many))
    assert (checked.items, sum(checked.rejected.values())) == (48, 2)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"count_int": 6}, "5 observations found in buckets, but the Count field is 6"),
        ({"schema": -5}, "invalid schema -5"),
        ({"positive_spans": [{"offset": 0, "length": 2}]}, "spans need 2 buckets, have 3 buckets"),
        ({"positive_spans": [{"offset": 0, "length": 2}, {"offset": -3, "length": 1}]}, "offset -3"),
        ({"positive_deltas": [2, -3, 0], "count_int": 1}, "observation count of -1"),
        ({"schema": -53, "custom_values": [1, 2]}, "zero count"),
        ({"custom_values": [1.0]}, "must not have custom bounds"),
        ({"timestamp": LATE_MS}, "too far in the future"),
    ],
)
def test_unsound_histograms_are_refused(version: Version, changes: dict[str, Any], fault: str) -> None:
    """The checks are those of Prometheus' store."""
    series = Series(UP, (), [sound_histogram(**changes), sound_histogram()])
    checked = version.checker()(version.encode([series]))
    assert (checked.items, sum(checked.rejected.values())) == (1, 1)
    assert fault in checked.message


def test_histograms_that_are_too_fine_are_made_coarser(version: Version) -> None:
    """Schemas 9 to 52 are reserved; their buckets are merged to schema 8."""
    fine = sound_histogram(schema=10, positive_spans=[{"offset": 1, "length": 3}])
    checked = version.checker()(version.encode([Series(UP, (), [fine])]))
    message = (WriteRequest if version.first else WriteRequestV2).FromString(checked.body)
    histogram = message.timeseries[0].histograms[0]
    assert histogram.schema == 8
    assert [(span.offset, span.length) for span in histogram.positive_spans] == [(1, 1)]
    assert list(histogram.positive_deltas) == [4]


def test_what_contradicts_itself_is_made_plain(version: Version) -> None:
    """Starts that lie behind the sample, reset hints that mean nothing, counts of both kinds."""
    odd = sound_histogram(reset_hint=99, zero_count_float=3.0, positive_counts=[1.0], start_timestamp=NOW_MS + 1)
    late = Series([*UP, ("late", "")], [(NOW_MS, 1.0)], start_ms=NOW_MS + 5)
    check = version.checker()
    body = version.encode([Series(UP, (), [odd]), late])
    for _ in range(2):
        checked = check(body)
        message = (WriteRequest if version.first else WriteRequestV2).FromString(checked.body)
        histogram = message.timeseries[0].histograms[0]
        assert (histogram.reset_hint, histogram.start_timestamp, list(histogram.positive_counts)) == (0, 0, [])
        assert not histogram.HasField("zero_count_float")
        assert message.timeseries[1].samples[0].start_timestamp == 0
        assert not checked.rejected


def test_exemplars_that_nobody_keeps_are_dropped_silently(version: Version) -> None:
    """128 characters are the limit; the sample is kept, and nobody is told."""
    exemplars = [([("a", "x" * 128)], 1.0, NOW_MS), ([("a", "x" * 127)], 1.0, NOW_MS)]
    checked = version.checker()(version.encode([Series(UP, exemplars=exemplars)]))
    assert (checked.items, checked.rejected, checked.counts["exemplars"], checked.counts["exemplars_dropped"]) == (
        1,
        {},
        1,
        1,
    )
    assert version.read(checked.body)[0][3] == 1


def test_series_without_samples_are_refused_in_version_two() -> None:
    """2.0 demands at least one sample or histogram."""
    checked = WriteRequestV2Checker(SystemClock()).check(write_request_v2([Series(UP, ()), Series(UP)]))
    assert "TimeSeries must contain at least one sample or histogram" in checked.message
    assert checked.items == 1


@pytest.mark.parametrize("references", [[1], [1, 2, 99, 2], [1, 2, 3], [2**32 - 1, 0]])
def test_references_outside_the_symbols_are_refused(references: list[int]) -> None:
    """One such series does not take the others with it."""
    request = WriteRequestV2.FromString(write_request_v2([Series(UP), Series([("__name__", "x")])]))
    request.timeseries[1].labels_refs[:] = references
    checked = WriteRequestV2Checker(SystemClock()).check(request.SerializeToString())
    assert (checked.items, checked.rejected) == (1, {"symbols": 1})
    assert "outside of the symbols table" in checked.message


def test_equal_texts_among_the_symbols_do_not_hide_a_repeated_label() -> None:
    """The table may hold a text twice."""
    request = WriteRequestV2.FromString(write_request_v2([Series([("__name__", "up"), ("a", "1"), ("b", "2")])]))
    request.symbols[request.timeseries[0].labels_refs[4]] = b"a"
    checked = WriteRequestV2Checker(SystemClock()).check(request.SerializeToString())
    assert "duplicated label a" in checked.message


def test_staleness_markers_keep_their_bits_when_a_series_is_encoded_anew(version: Version) -> None:
    """An empty label makes the series be written anew; the NaN's payload stays."""
    checked = version.checker()(
        version.encode([Series([*UP, ("zone", "")], [(NOW_MS, STALE), (NOW_MS + 1, math.nan)])])
    )
    assert version.read(checked.body)[0][1][0][1] == STALE_BITS


async def test_metadata_is_kept(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    """Prometheus sends it in requests of its own."""
    body = write_request([], [{"type": 1, "metric_family_name": b"x", "help": b"Help.", "unit": b"s"}])
    answer = await client.post(URL, content=compress(body), headers=V1)
    assert answer.status_code == 204
    assert journal.requests[0][1] == body


def test_metadata_that_cannot_be_stored_is_left_out() -> None:
    """No name, bytes that are no text; unknown types are unknown."""
    body = write_request(
        [Series(UP)],
        [
            {"type": 1},
            {"type": 99, "metric_family_name": b"x"},
            {"type": 1, "metric_family_name": b"y", "help": b"\xff"},
        ],
    )
    message = WriteRequest.FromString(WriteRequestChecker(SystemClock()).check(body).body)
    assert [(entry.type, entry.metric_family_name) for entry in message.metadata] == [(0, b"x")]
    assert len(message.timeseries) == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("", 204),
        ("application/x-protobuf", 204),
        ("application/x-protobuf;proto=prometheus.WriteRequest", 204),
        ("application/x-protobuf; proto=prometheus.WriteRequest", 204),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", 415),
        ("application/x-protobuf;proto", 415),
        ("application/json", 415),
    ],
)
async def test_the_content_type_names_the_message(client: httpx.AsyncClient, content_type: str, status: int) -> None:
    """Unknown ones are refused with 415, so that a sender can fall back."""
    headers = V1 | {"content-type": content_type}
    answer = await client.post(URL, content=compress(write_request([Series(UP)])), headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_only_snappy_is_taken(client: httpx.AsyncClient, encoding: str, version: Version) -> None:
    """The specification knows no other compression."""
    answer = await client.post(URL, content=b"x", headers=version.headers | {"content-encoding": encoding})
    assert answer.status_code == 415


@pytest.mark.parametrize("content", [b"", b"no snappy", compress(b"\x0a\xff"), compress(b"\x08\x01\x0b")])
async def test_what_is_no_request_is_refused_whole(client: httpx.AsyncClient, content: bytes, version: Version) -> None:
    """400: sending it again will not help."""
    answer = await client.post(URL, content=content, headers=version.headers)
    assert answer.status_code == (204 if content == compress(b"") else 400)


async def test_a_request_that_is_too_large_is_refused(client: httpx.AsyncClient, version: Version) -> None:
    """The limit counts after decompression."""
    answer = await client.post(URL, content=compress(bytes(LIMIT + 1)), headers=version.headers)
    assert answer.status_code == 413


async def test_a_journal_that_cannot_write_asks_the_sender_to_wait(
    client: httpx.AsyncClient, journal: MemoryJournal, version: Version
) -> None:
    """503 and Retry-After: remote write senders try 5xx again."""
    journal.failure = UnavailableError("The disk is full.", reason="disk_full", retry_after_s=2.5)
    answer = await client.post(URL, content=compress(version.encode([Series(UP)])), headers=version.headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")


texts = st.one_of(st.sampled_from(["__name__", "a", "b", "job", "", "ä", b"\xff", "x" * 130]), st.text(max_size=5))
times = st.sampled_from([NOW_MS, NOW_MS + 1, 0, -5, 2**35, 2**42, LATE_MS, 1])
series_strategy = st.builds(
    Series,
    labels=st.lists(st.tuples(texts, texts), max_size=4).map(lambda pairs: [("__name__", "up"), *pairs])
    | st.lists(st.tuples(texts, texts), max_size=3),
    samples=st.lists(st.tuples(times, st.one_of(st.none(), st.floats(), st.just(0.0))), max_size=3),
    histograms=st.lists(
        st.builds(sound_histogram, schema=st.integers(-6, 54), count_int=st.integers(4, 6)), max_size=1
    ),
    exemplars=st.lists(st.tuples(st.lists(st.tuples(texts, texts), max_size=2), st.floats(), times), max_size=1),
    start_ms=st.sampled_from([0, NOW_MS - 5]),
    metadata=st.one_of(st.none(), st.tuples(st.integers(0, 9), st.text(max_size=3), st.just("s"))),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(series_strategy, max_size=6), st.sampled_from(["v1", "v2"]))
def test_known_series_are_judged_like_new_ones(series: list[Series], name: str) -> None:
    """The quick way and the thorough way come to the same: same series kept, same number refused."""
    version = Version(name)
    body = version.encode(series)
    check = version.checker()
    first, again = check(body), check(body)
    assert sorted(version.read(first.body), key=repr) == sorted(version.read(again.body), key=repr)
    assert (first.items, first.rejected, first.counts) == (again.items, again.rejected, again.counts)
    checked_anew = version.checker()(first.body)
    assert (checked_anew.items, checked_anew.rejected) == (first.items, {})


@settings(max_examples=300, deadline=None)
@given(st.lists(series_strategy, min_size=1, max_size=4), st.sampled_from(["v1", "v2"]), st.randoms())
def test_bytes_that_are_wrong_never_pass_for_known_series(
    series: list[Series], name: str, chance: random.Random
) -> None:
    """A checker that knows the series judges a damaged request like one that knows nothing."""
    version = Version(name)
    body = bytearray(version.encode(series))
    check = version.checker()
    check(bytes(body))
    if body:
        body[chance.randrange(len(body))] = chance.randrange(256)

    def outcome(judge: Callable[[bytes], Checked]) -> Any:
        try:
            checked = judge(bytes(body))
        except MalformedRequestError:
            return "malformed"
        return checked.items, checked.rejected, sorted(version.read(checked.body), key=repr)

    assert outcome(check) == outcome(version.checker())
