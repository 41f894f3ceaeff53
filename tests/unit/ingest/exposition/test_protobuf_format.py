"""The protobuf format, with native histograms."""

import math
import random

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.protobuf_format import MetricFamily, ProtobufParser
from gnomon.ingest.exposition.samples import Exemplar, Exposition, Metadata
from gnomon.ingest.histogram_messages import find_fault
from gnomon.model.labels import Labels


def delimited(*families: object) -> bytes:
    out = b""
    for family in families:
        body = family.SerializeToString()  # type: ignore[attr-defined]
        size, prefix = len(body), bytearray()
        while size >= 0x80:
            prefix.append(size & 0x7F | 0x80)
            size >>= 7
        out += bytes([*prefix, size]) + body
    return out


def read(*families: object, native: bool = False, classic: bool = False) -> Exposition[Labels]:
    return ProtobufParser(lambda labels: labels, native=native, classic=classic).parse(delimited(*families))


def family(name: str, number: int, **about: str) -> MetricFamily:
    return MetricFamily(name=name, type=number, **about)


def histogram_family() -> MetricFamily:
    one = family("rpc_seconds", 4, help="Time.", unit="seconds")
    metric = one.metric.add()
    metric.label.add(name="path", value="/")
    histogram = metric.histogram
    histogram.sample_count, histogram.sample_sum = 7, 18.5
    for bound, count in ((0.5, 2), (1, 4)):
        bucket = histogram.bucket.add(cumulative_count=count, upper_bound=bound)
        bucket.exemplar.value = bound
        bucket.exemplar.label.add(name="trace_id", value=str(bound))
    histogram.schema, histogram.zero_threshold, histogram.zero_count = 3, 1e-9, 1
    histogram.positive_span.add(offset=0, length=2)
    histogram.positive_span.add(offset=3, length=0)
    histogram.positive_span.add(offset=1, length=1)
    histogram.positive_delta.extend([1, 1, 1])
    exemplar = histogram.exemplars.add(value=0.75)
    exemplar.timestamp.seconds, exemplar.timestamp.nanos = 12, 345_000_000
    exemplar.label.add(name="trace_id", value="abc")
    histogram.exemplars.add(value=1.5)
    return one


def test_counters_gauges_and_untyped_with_times_and_exemplars() -> None:
    counter, gauge, untyped = family("c_total", 0, help="C."), family("g", 1), family("u.ü", 3)
    metric = counter.metric.add(timestamp_ms=1500)
    metric.counter.value = 5
    metric.counter.exemplar.value = 0.5
    metric.counter.exemplar.label.add(name="trace_id", value="x")
    gauge.metric.add().gauge.value = -math.inf
    labelled = untyped.metric.add()
    labelled.untyped.value = 3
    labelled.label.add(name="b", value="2")
    labelled.label.add(name="a", value="1")
    exposition = read(counter, gauge, untyped)
    assert [dict(labels) for labels in exposition.series] == [
        {"__name__": "c_total"},
        {"__name__": "g"},
        {"__name__": "u.ü", "a": "1", "b": "2"},
    ]
    assert exposition.values.tolist() == [5, -math.inf, 3]
    assert exposition.times_ms == {0: 1500}
    assert exposition.exemplars == {0: [Exemplar(Labels([("trace_id", "x")]), 0.5)]}
    assert exposition.metadata["c_total"] == Metadata("counter", "C.")
    assert exposition.metadata["u.ü"] == Metadata("unknown")


def test_summaries_are_count_sum_and_quantiles() -> None:
    one = family("s", 2)
    summary = one.metric.add().summary
    summary.sample_count, summary.sample_sum = 3, 4.5
    summary.quantile.add(quantile=1, value=2)
    exposition = read(one)
    assert [dict(labels) for labels in exposition.series] == [
        {"__name__": "s_count"},
        {"__name__": "s_sum"},
        {"__name__": "s", "quantile": "1.0"},
    ]
    assert exposition.values.tolist() == [3, 4.5, 2]


def test_a_histogram_is_classic_unless_native_ones_are_wanted() -> None:
    """The bucket to infinity is added where the target leaves it out, as client_golang does."""
    exposition = read(histogram_family())
    assert [(labels.metric_name, labels.get("le")) for labels in exposition.series] == [
        ("rpc_seconds_count", ""),
        ("rpc_seconds_sum", ""),
        ("rpc_seconds_bucket", "0.5"),
        ("rpc_seconds_bucket", "1.0"),
        ("rpc_seconds_bucket", "+Inf"),
    ]
    assert exposition.values.tolist() == [7, 18.5, 2, 4, 7]
    assert {position: one[0].value for position, one in exposition.exemplars.items()} == {2: 0.5, 3: 1}
    assert not exposition.histograms


def test_a_native_histogram_is_one_sample_that_prometheus_would_store() -> None:
    """Spans of nothing give their offset to the next; exemplars without a time are left out."""
    exposition = read(histogram_family(), native=True)
    assert [labels.metric_name for labels in exposition.series] == ["rpc_seconds"]
    histogram = exposition.histograms[0]
    assert [(span.offset, span.length) for span in histogram.positive_spans] == [(0, 2), (4, 1)]
    assert list(histogram.positive_deltas) == [1, 1, 1]
    assert (histogram.count_int, histogram.sum, histogram.zero_count_int) == (7, 18.5, 1)
    assert not find_fault(histogram)
    assert exposition.exemplars == {0: [Exemplar(Labels([("trace_id", "abc")]), 0.75, 12345)]}
    assert len(read(histogram_family(), native=True, classic=True).series) == 6


def test_a_float_gauge_histogram_keeps_its_counts() -> None:
    one = family("g", 5)
    histogram = one.metric.add().histogram
    histogram.sample_count_float, histogram.zero_count_float, histogram.zero_threshold = 2.5, 0.5, 0.001
    histogram.positive_span.add(offset=1, length=1)
    histogram.positive_count.append(2.0)
    (message,) = read(one, native=True).histograms.values()
    assert (message.count_float, message.zero_count_float, list(message.positive_counts)) == (2.5, 0.5, [2.0])
    assert message.reset_hint == 3


def test_a_repeated_scrape_resolves_nothing_anew() -> None:
    asked: list[Labels] = []

    def resolve(labels: Labels) -> Labels:
        asked.append(labels)
        return labels

    one = ProtobufParser(resolve)
    first = one.parse(delimited(histogram_family()))
    assert one.parse(delimited(histogram_family())).series is first.series
    assert len(asked) == 5


def test_damaged_messages_are_read_or_refused_and_never_anything_else() -> None:
    body = delimited(histogram_family(), family("a", 0, help="ä"))
    rolls = random.Random(7)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(body)
        start = rolls.randrange(len(damaged))
        if rolls.random() < 0.5:
            damaged[start] = rolls.randrange(256)
        else:
            del damaged[start : start + rolls.randint(1, 9)]
        try:
            ProtobufParser(lambda labels: labels, native=True).parse(bytes(damaged))
        except ExpositionError:
            refused += 1
    assert 300 < refused < 3000
