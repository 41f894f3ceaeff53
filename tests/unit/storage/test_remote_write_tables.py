"""What remote write brings is the same series and samples, whichever version, order and lengths it comes in."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from gnomon.model.histogram_forms import from_fields
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.samples import Exemplar, MetricFamily
from gnomon.model.series import STALE, is_stale
from gnomon.storage.metric_facts import MetricFacts
from gnomon.storage.settings import MetricSettings
from tests.opened_metrics import OpenedMetrics
from tests.write_requests import Series, sound_histogram, write_request, write_request_v2

NOW_MS = time.time_ns() // 1_000_000
FIRST_MS = NOW_MS - 60_000
EVERYTHING = [Matcher("__name__", MatchOperator.NOT_EQUAL, "")]
ALL = (FIRST_MS - 1, NOW_MS)

Version = tuple[str, Callable[[list[Series]], bytes]]
VERSIONS = pytest.mark.parametrize(
    "version", [("remote_write", write_request), ("remote_write_v2", write_request_v2)], ids=["v1", "v2"]
)

ODD_LABELS = [
    [("__name__", "plain")],
    [("__name__", "many"), ("a", "1"), ("b", "2"), ("c", "3")],
    [("a", "1")],
    [("__name__", "utf-8 ✓"), ("ключ", "значение"), ("emoji", "🌞")],
    [("A_before_name", "x"), ("__name__", "late_name")],
    *([("__name__", "long_value"), ("value", "v" * size)] for size in (125, 126, 127, 128, 129, 16_383, 16_384)),
    *([("__name__", "long_name"), ("n" * size, "v")] for size in (126, 127, 128, 300)),
    [("__name__", "m" * 200)],
]


@VERSIONS
async def test_labels_of_any_length_come_back(opened_metrics: OpenedMetrics, version: Version) -> None:
    """Labels around the lengths at which protobuf needs another byte are taken apart rightly."""
    stream, encode = version
    requests = [Series(labels, [(FIRST_MS, float(place))]) for place, labels in enumerate(ODD_LABELS)]
    await opened_metrics.load(encode(requests), stream=stream)
    series = await opened_metrics.store.find_series([], *ALL)
    assert set(series.labels) == {Labels(labels) for labels in ODD_LABELS}
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert tuple(Labels(ODD_LABELS[int(value)]) for value in samples.values) == series.labels


async def test_all_producers_agree_on_ids(opened_metrics: OpenedMetrics) -> None:
    """Both versions, with labels in any order, write to the same series."""
    await opened_metrics.load(write_request([Series(labels, [(FIRST_MS, 1.0)]) for labels in ODD_LABELS]))
    turned = [Series(labels[::-1], [(FIRST_MS + 1, 2.0)]) for labels in ODD_LABELS]
    await opened_metrics.load(write_request(turned))
    later = [Series(labels, [(FIRST_MS + 2, 3.0)]) for labels in ODD_LABELS]
    await opened_metrics.load(write_request_v2(later), stream="remote_write_v2")
    series = await opened_metrics.store.find_series([], *ALL)
    assert len(opened_metrics.catalog.index) == len(series) == len(ODD_LABELS)
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert samples.values.tolist() == [1.0, 2.0, 3.0] * len(ODD_LABELS)
    assert opened_metrics.catalog.index.collisions == 0


async def test_series_of_a_metric_lie_side_by_side(opened_metrics: OpenedMetrics) -> None:
    """Ids of one metric start with the same sixteen bits, those of others hardly ever."""
    names = [f"metric_{place % 10}" for place in range(100)]
    requests = [Series([("__name__", name), ("i", str(place))]) for place, name in enumerate(names)]
    await opened_metrics.load(write_request([Series(one.labels, [(FIRST_MS, 1.0)]) for one in requests]))
    series = await opened_metrics.store.find_series([], *ALL)
    prefixes = {labels.metric_name: set() for labels in series.labels}  # type: dict[str, set[int]]
    for number, labels in zip(series.ids.tolist(), series.labels, strict=True):
        prefixes[labels.metric_name].add(number >> 48)
    assert all(len(found) == 1 for found in prefixes.values())
    assert len(set.union(*prefixes.values())) == 10


@VERSIONS
async def test_histograms_come_back(opened_metrics: OpenedMetrics, version: Version) -> None:
    """Integer and float histograms, custom buckets and a staleness marker are read as what they were, among floats."""
    stream, encode = version
    floats = {
        "count_float": 5.5,
        "sum": 2.0,
        "schema": -53,
        "positive_spans": [{"offset": 0, "length": 3}],
        "positive_counts": [1.0, 2.0, 2.5],
        "custom_values": [0.5, 1.0],
        "timestamp": FIRST_MS + 2,
        "reset_hint": 3,
    }
    marker = {"sum": STALE, "timestamp": FIRST_MS + 3}
    labels = [("__name__", "h")]
    await opened_metrics.load(
        encode([Series(labels, [(FIRST_MS, 7.0)], [sound_histogram(timestamp=FIRST_MS + 1), floats, marker])]),
        stream=stream,
    )
    series = await opened_metrics.store.find_series(EVERYTHING, *ALL)
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert (samples.times_ms - FIRST_MS).tolist() == [0, 1, 2, 3]
    assert samples.histograms is not None
    assert samples.histograms[0] is None
    assert samples.values[0] == 7.0
    assert samples.histograms[1] == from_fields(
        schema=1, count=5, total=7.5, zero_threshold=0.001, zero_count=1,
        positive_spans=[(0, 2), (3, 1)], positive_counts=[2.0, 1.0, 1.0],
    )  # fmt: skip
    assert samples.histograms[2] == from_fields(
        schema=-53, count=5.5, total=2.0, positive_spans=[(0, 3)], positive_counts=[1.0, 2.0, 2.5],
        custom_values=[0.5, 1.0], reset_hint=3,
    )  # fmt: skip
    assert is_stale(samples.values).tolist() == [False, False, False, True]


@VERSIONS
async def test_start_timestamps_come_back(opened_metrics: OpenedMetrics, version: Version) -> None:
    """Each sample has the start timestamp that it came with; where none came, zero."""
    stream, encode = version
    for start_ms, times in ((FIRST_MS - 500, (0, 10)), (FIRST_MS + 15, (20, 30))):
        requests = [Series([("__name__", "c")], [(FIRST_MS + ms, 1.0) for ms in times], start_ms=start_ms)]
        await opened_metrics.load(encode(requests), stream=stream)
    await opened_metrics.load(encode([Series([("__name__", "d")], [(FIRST_MS, 1.0)])]), stream=stream)
    series = await opened_metrics.store.find_series(EVERYTHING, *ALL)
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert samples.starts_ms is not None
    assert samples.starts_ms.tolist() == [*[FIRST_MS - 500] * 2, *[FIRST_MS + 15] * 2, 0]


@VERSIONS
async def test_exemplars_and_metadata_come_back(opened_metrics: OpenedMetrics, version: Version) -> None:
    """Exemplars stand with their series; metadata with its metric."""
    stream, encode = version
    exemplar = ([("trace_id", "abc"), ("span_id", "d" * 130)], 0.5, FIRST_MS)
    series_given = Series(
        [("__name__", "requests_total")],
        [(FIRST_MS, 1.0)],
        exemplars=[exemplar, exemplar],
        metadata=(1, "Requests.", "s"),
    )
    entry = {"type": 1, "metric_family_name": b"requests_total", "help": b"Requests.", "unit": b"s"}
    body = write_request([series_given], [entry]) if stream == "remote_write" else encode([series_given])
    await opened_metrics.load(body, stream=stream)
    facts = MetricFacts(opened_metrics.storage.engine, opened_metrics.catalog, MetricSettings())
    series = await opened_metrics.store.find_series(EVERYTHING, *ALL)
    (found,) = await facts.read_exemplars(series, FIRST_MS, NOW_MS)
    assert found.labels == Labels.of({"__name__": "requests_total"})
    assert found.exemplars == (Exemplar(Labels.of({"trace_id": "abc", "span_id": "d" * 130}), FIRST_MS, 0.5),)
    assert await facts.metadata() == [MetricFamily("requests_total", "counter", "Requests.", "s")]
    assert await facts.metadata("other") == []


@VERSIONS
async def test_a_segment_is_stored_once(opened_metrics: OpenedMetrics, version: Version) -> None:
    """Loaded again under its token, also after the series have become known, a segment changes no table."""
    stream, encode = version
    body = encode(
        [
            Series(
                [("__name__", "m"), ("i", str(place))],
                [(FIRST_MS, 1.0)],
                [sound_histogram(timestamp=FIRST_MS + 1)],
                [([("trace_id", "a")], 1.0, FIRST_MS)],
                start_ms=FIRST_MS,
            )
            for place in range(100)
        ]
    )
    counts = (
        "SELECT (SELECT count() FROM series), (SELECT count() FROM samples), (SELECT count() FROM native_histograms),"
        " (SELECT count() FROM exemplars), (SELECT count() FROM sample_starts)"
    )
    await opened_metrics.load(body, stream=stream, token="same")
    first = (await opened_metrics.storage.engine.query(counts)).rows()
    await opened_metrics.load(body, stream=stream, token="same")
    assert (await opened_metrics.storage.engine.query(counts)).rows() == first
    assert set(first[0].values()) == {100}


async def test_a_known_series_is_written_once_a_day(opened_metrics: OpenedMetrics) -> None:
    """Labels are stored when a series is new, and again on each other day, also within one request."""
    day_ms = 86_400_000
    labels = [("__name__", "m")]
    await opened_metrics.load(write_request([Series(labels, [(FIRST_MS, 1.0)])]))
    await opened_metrics.load(write_request([Series(labels, [(FIRST_MS + 1, 1.0)])]))
    count = "SELECT count() FROM series"
    assert (await opened_metrics.storage.engine.query(count)).value() == 1
    times = [(FIRST_MS - days * day_ms, 1.0) for days in (5, 4, 2)]
    await opened_metrics.load(write_request([Series(labels, times)]))
    assert (await opened_metrics.storage.engine.query(count)).value() == 4
    found = await opened_metrics.store.find_series(EVERYTHING, FIRST_MS - 6 * day_ms, FIRST_MS - 5 * day_ms)
    assert len(found) == 1
    assert np.array_equal(found.ids, opened_metrics.catalog.index.select([], 0, 99_999).ids)
