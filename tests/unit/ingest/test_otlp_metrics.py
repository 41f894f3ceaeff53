"""OTLP metrics: what points become, what is rejected, how deltas are summed up."""

import json
import time
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.otlp_metrics import OtlpMetrics
from gnomon.ingest.otlp_names import (
    MetricKind,
    TranslationStrategy,
    translate_label_name,
    translate_metric_name,
    translate_unit,
)
from gnomon.ingest.otlp_values import format_float, format_plain
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.settings import OtlpSettings
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import InvalidInputError, UnavailableError
from gnomon.model.series import STALE_BITS
from tests.metric_points import CUMULATIVE, DELTA, MetricsRequest, read_series, read_values
from tests.unit.ingest.conftest import MemoryJournal
from tests.write_requests import WriteRequest, bits_of

NOW_NS = time.time_ns()
NOW_MS = NOW_NS // 1_000_000
SECOND = 1_000_000_000


class Translator:
    """Translate requests as a server does, and return what was written."""

    def __init__(self, journal: MemoryJournal, settings: OtlpSettings | None = None) -> None:
        self.journal = journal
        self.metrics = OtlpMetrics(Receiver(journal), settings or OtlpSettings(), SystemClock())
        self.rejected = 0
        self.message = ""

    async def send(self, request: MetricsRequest) -> bytes:
        accepted = await self.metrics.accept(request.encode(), protocol="test")
        self.rejected, self.message = accepted.rejected, accepted.message
        return self.journal.requests[-1][1] if self.journal.requests else b""


@pytest.fixture
def translator(journal: MemoryJournal) -> Translator:
    """Return a translator with default settings."""
    return Translator(journal)


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.duration", "ms", MetricKind.HISTOGRAM, "http_server_duration_milliseconds"),
        ("requests", "1", MetricKind.COUNTER, "requests_total"),
        ("requests.total", "{request}", MetricKind.COUNTER, "requests_total"),
        ("disk.usage", "1", MetricKind.GAUGE, "disk_usage_ratio"),
        ("disk.usage", "1", MetricKind.UP_DOWN_COUNTER, "disk_usage"),
        ("network.io", "By/s", MetricKind.GAUGE, "network_io_bytes_per_second"),
        ("network_bytes", "By", MetricKind.COUNTER, "network_bytes_total"),
        ("speed", "km/h", MetricKind.GAUGE, "speed_km_per_hour"),
        ("1st.metric", "", MetricKind.GAUGE, "_1st_metric"),
        ("a__b:c", "", MetricKind.GAUGE, "a_b:c"),
        ("load", "{thread}/s", MetricKind.GAUGE, "load_per_second"),
        ("größe", "Cel", MetricKind.GAUGE, "gr_e_celsius"),
    ],
)
def test_names_get_units_and_types(name: str, unit: str, kind: MetricKind, expected: str) -> None:
    """The default strategy: everything in ASCII, with suffixes."""
    assert translate_metric_name(name, unit, kind, TranslationStrategy.UNDERSCORES_WITH_SUFFIXES) == expected


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (TranslationStrategy.UNDERSCORES, "http_requests"),
        (TranslationStrategy.UTF8_WITH_SUFFIXES, "http.requests_bytes_total"),
        (TranslationStrategy.NONE, "http.requests"),
    ],
)
def test_other_strategies_keep_more_of_a_name(strategy: TranslationStrategy, expected: str) -> None:
    """UTF-8 names stay where the setting says so."""
    assert translate_metric_name("http.requests", "By", MetricKind.COUNTER, strategy) == expected


def test_labels_are_escaped_as_prometheus_does() -> None:
    """Digits and lone underscores get a prefix; repeated underscores stay."""
    escape = TranslationStrategy.UNDERSCORES_WITH_SUFFIXES
    names = ["http.method", "1st", "_hidden", "__meta", "a..b"]
    assert [translate_label_name(name, escape) for name in names] == [
        "http_method",
        "key_1st",
        "key_hidden",
        "__meta",
        "a__b",
    ]
    assert translate_label_name("http.method", TranslationStrategy.NONE) == "http.method"
    with pytest.raises(InvalidInputError):
        translate_label_name("...", escape)


def test_units_are_told_in_words() -> None:
    """For the metadata."""
    assert [translate_unit(unit) for unit in ("s", "By/s", "{x}", "1", "foo-bar")] == [
        "seconds",
        "bytes_per_second",
        "",
        "",
        "foo_bar",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (-2.5e-10, "-2.5e-10"),
        (1.5e300, "1.5e+300"),
    ],
)
def test_floats_are_written_as_go_does(value: float, text: str) -> None:
    """Labels have to be the same as those of Prometheus' own receiver."""
    assert format_float(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (2.5e-3, "0.0025"),
        (-1.25e17, "-125000000000000000"),
        (1.2345e2, "123.45"),
    ],
)
def test_bounds_are_written_without_exponents(value: float, text: str) -> None:
    """`le` and `quantile`."""
    assert format_plain(value) == text
    assert float(text) == value


async def test_a_point_becomes_a_series_with_job_and_instance(translator: Translator) -> None:
    """Attributes become labels, identity comes from the resource."""
    request = MetricsRequest({"service.name": "shop", "service.namespace": "eu", "service.instance.id": "i1"})
    request.gauge(
        "queue.depth", 3.5, NOW_NS, {"queue.name": "mail", "n": 5, "ok": True, "none": "", "list": [1, "<a>"]}
    )
    body = await translator.send(request)
    assert set(read_series(body)) == {
        (
            ("__name__", "queue_depth"),
            ("instance", "i1"),
            ("job", "eu/shop"),
            ("list", '[1,"\\u003ca\\u003e"]'),
            ("n", "5"),
            ("ok", "true"),
            ("queue_name", "mail"),
        )
    }
    sample = WriteRequest.FromString(body).timeseries[0].samples[0]
    assert (sample.value, sample.timestamp) == (3.5, NOW_MS)


async def test_colliding_attributes_are_joined(translator: Translator) -> None:
    """In the order of their names."""
    request = MetricsRequest()
    request.gauge("x", 1.0, NOW_NS, {"a_b": "2", "a.b": "1"})
    assert list(read_values(await translator.send(request))) == ['x{a_b="1;2"}']


async def test_a_resource_that_tells_more_has_target_info(translator: Translator) -> None:
    """All but what identifies it; nothing without a job or an instance."""
    request = MetricsRequest({"service.name": "shop", "host.name": "h1"})
    request.gauge("x", 1.0, NOW_NS)
    assert read_values(await translator.send(request)) == {"x": 1.0, 'target_info{host_name="h1"}': 1.0}
    nameless = MetricsRequest({"host.name": "h1"})
    nameless.gauge("x", 1.0, NOW_NS)
    assert read_values(await translator.send(nameless)) == {"x": 1.0}


async def test_settings_promote_resource_and_scope(journal: MemoryJournal) -> None:
    """Resource attributes and the scope become labels."""
    settings = OtlpSettings(promote_resource_attributes=frozenset({"host.name"}), promote_scope_metadata=True)
    request = MetricsRequest({"service.name": "shop", "host.name": "h1", "os.type": "linux"})
    request.gauge("x", 1.0, NOW_NS)
    (labels, *_) = read_series(await Translator(journal, settings).send(request))
    assert dict(labels) == {
        "__name__": "x",
        "host_name": "h1",
        "job": "shop",
        "otel_scope_name": "library",
        "otel_scope_version": "1.2",
        "otel_scope_schema_url": "https://example.test/schema",
        "otel_scope_team": "core",
    }


async def test_sums_carry_their_start(translator: Translator) -> None:
    """The start timestamp stands beside the sample."""
    request = MetricsRequest()
    request.sum("requests", 7, NOW_NS, start_ns=NOW_NS - 60 * SECOND)
    (series,) = read_series(await translator.send(request)).values()
    assert [(sample.value, sample.start_timestamp) for sample in series.samples] == [(7.0, NOW_MS - 60_000)]


async def test_points_without_a_value_are_staleness_markers(translator: Translator) -> None:
    """In every kind of metric."""
    request = MetricsRequest()
    request.gauge("g", 1.0, NOW_NS, flags=1)
    request.sum("s", 1.0, NOW_NS, flags=1)
    request.histogram("h", NOW_NS, count=1, sum=1, explicit_bounds=[1.0], bucket_counts=[1, 0], flags=1)
    request.summary("q", NOW_NS, [(0.5, 1.0)], flags=1)
    request.exponential("e", NOW_NS, flags=1)
    message = WriteRequest.FromString(await translator.send(request))
    values = [sample.value for series in message.timeseries for sample in series.samples]
    values += [histogram.sum for series in message.timeseries for histogram in series.histograms]
    assert len(values) == 10
    assert {bits_of(value) for value in values} == {STALE_BITS}


async def test_explicit_histograms_are_classic_ones(translator: Translator) -> None:
    """Cumulative buckets, and exemplars in the bucket that they belong to."""
    request = MetricsRequest()
    point = request.histogram(
        "latency", NOW_NS, unit="s", count=6, sum=9.5, explicit_bounds=[0.5, 1.0], bucket_counts=[1, 2, 3]
    )
    for value in (7.0, 0.4):
        point.exemplars.add(as_double=value, time_unix_nano=NOW_NS, trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    body = await translator.send(request)
    assert read_values(body) == {
        "latency_seconds_sum": 9.5,
        "latency_seconds_count": 6,
        'latency_seconds_bucket{le="0.5"}': 1,
        'latency_seconds_bucket{le="1"}': 3,
        'latency_seconds_bucket{le="+Inf"}': 6,
    }
    exemplars = {
        dict(labels)["le"]: [
            (one.value, [(label.name, label.value) for label in one.labels]) for one in series.exemplars
        ]
        for labels, series in read_series(body).items()
        if "le" in dict(labels)
    }
    ids = [(b"span_id", b"02" * 8), (b"trace_id", b"01" * 16)]
    assert exemplars == {"0.5": [(0.4, ids)], "1": [], "+Inf": [(7.0, ids)]}


async def test_exponential_histograms_are_native_ones(translator: Translator) -> None:
    """Bucket indices move by one, finer scales become schema 8."""
    request = MetricsRequest()
    request.exponential(
        "e", NOW_NS, count=7, sum=9.0, scale=10, zero_count=1,
        positive={"offset": 3, "bucket_counts": [1, 2, 0, 1]}, negative={"offset": -1, "bucket_counts": [2]},
    )  # fmt: skip
    (series,) = read_series(await translator.send(request)).values()
    histogram = series.histograms[0]
    assert (histogram.schema, histogram.count_int, histogram.zero_count_int, histogram.sum) == (8, 7, 1, 9.0)
    assert [(span.offset, span.length) for span in histogram.positive_spans] == [(1, 2)]
    assert list(histogram.positive_deltas) == [1, 2]
    assert [(span.offset, span.length) for span in histogram.negative_spans] == [(0, 1)]


async def test_summaries_have_quantiles(translator: Translator) -> None:
    """And a sum and a count."""
    request = MetricsRequest()
    request.summary("s", NOW_NS, [(0.5, 1.5), (1.0, 3.0)], count=4, sum=6.0)
    assert read_values(await translator.send(request)) == {
        's{quantile="0.5"}': 1.5,
        's{quantile="1"}': 3.0,
        "s_sum": 6.0,
        "s_count": 4.0,
    }


async def test_deltas_are_summed_up(translator: Translator) -> None:
    """Sums and both kinds of histograms; the start stays that of the first point."""
    body = b""
    for number in range(3):
        request = MetricsRequest()
        times = {"start_ns": NOW_NS + number * SECOND, "temporality": DELTA}
        now_ns = NOW_NS + (number + 1) * SECOND
        request.sum("s", 2, now_ns, **times)  # type: ignore[arg-type]
        start: dict[str, Any] = {"start_time_unix_nano": NOW_NS + number * SECOND}
        request.histogram(
            "h", now_ns, temporality=DELTA, count=2, sum=1.5, explicit_bounds=[1.0], bucket_counts=[1, 1], **start
        )
        scale = (5, 3, 4)[number]
        request.exponential(
            "e", now_ns, temporality=DELTA, count=2, sum=1.0, scale=scale, **start,
            positive={"offset": 8 * number, "bucket_counts": [1, 1]},
        )  # fmt: skip
        body = await translator.send(request)
    assert read_values(body) == {
        "s_total": 6.0,
        "h_sum": 4.5,
        "h_count": 6.0,
        'h_bucket{le="1"}': 3.0,
        'h_bucket{le="+Inf"}': 6.0,
    }
    series = {dict(labels)["__name__"]: found for labels, found in read_series(body).items()}
    assert series["s_total"].samples[0].start_timestamp == NOW_MS
    histogram = series["e"].histograms[0]
    assert (histogram.schema, histogram.count_int, histogram.start_timestamp) == (3, 6, NOW_MS)
    assert not translator.rejected


async def test_a_delta_that_comes_twice_counts_once(translator: Translator) -> None:
    """A sender that repeats a request it got no answer to does no harm; the point is told as rejected."""
    request = MetricsRequest()
    request.sum("s", 2, NOW_NS, temporality=DELTA)
    await translator.send(request)
    await translator.send(request)
    assert translator.rejected == 1
    later = MetricsRequest()
    later.sum("s", 3, NOW_NS + SECOND, temporality=DELTA)
    assert read_values(await translator.send(later)) == {"s_total": 5.0}


async def test_a_delta_that_could_not_be_stored_is_not_counted(translator: Translator, journal: MemoryJournal) -> None:
    """The sender tries again, and the sum is right."""
    request = MetricsRequest()
    request.sum("s", 2, NOW_NS, temporality=DELTA)
    await translator.send(request)
    journal.failure = UnavailableError("full", reason="disk_full")
    later = MetricsRequest()
    later.sum("s", 3, NOW_NS + SECOND, temporality=DELTA)
    with pytest.raises(UnavailableError):
        await translator.send(later)
    journal.failure = None
    assert read_values(await translator.send(later)) == {"s_total": 5.0}


async def test_sums_of_deltas_are_bounded(journal: MemoryJournal) -> None:
    """The stream that was longest without a point begins again."""
    translator = Translator(journal, OtlpSettings(max_delta_streams=2))
    body = b""
    for number, name in enumerate(("a", "b", "c", "a")):
        request = MetricsRequest()
        request.sum(name, 1, NOW_NS + number, temporality=DELTA)
        body = await translator.send(request)
    assert read_values(body) == {"a_total": 1.0}


async def test_points_that_cannot_be_stored_are_rejected_alone(translator: Translator) -> None:
    """A partial success, with reasons."""
    request = MetricsRequest()
    request.gauge("good", 1.0, NOW_NS)
    request.gauge("late", 1.0, NOW_NS + 3600 * SECOND)
    request.gauge("timeless", 1.0, 0)
    request.gauge("...", 1.0, NOW_NS)
    request.gauge("unlabelled", 1.0, NOW_NS, {"___": "x"})
    request.sum("untold", 1.0, NOW_NS, temporality=0)
    request.exponential("coarse", NOW_NS, scale=-5)
    request.exponential("wrong", NOW_NS, count=9, scale=1, positive={"bucket_counts": [1]})
    assert read_values(await translator.send(request)) == {"good": 1.0}
    assert translator.rejected == 7
    assert translator.message.startswith("7 of 8 data points were rejected")


async def test_other_settings_hold_from_the_next_request_on(translator: Translator) -> None:
    """A reload changes names, and sums of deltas go on."""
    request = MetricsRequest()
    request.sum("shop.sales", 2, NOW_NS, temporality=DELTA)
    assert read_values(await translator.send(request)) == {"shop_sales_total": 2.0}
    translator.metrics.reconfigure(OtlpSettings(translation_strategy=TranslationStrategy.NONE))
    assert read_values(await translator.send(request)) == {"shop.sales": 2.0}
    translator.metrics.reconfigure(OtlpSettings())
    later = MetricsRequest()
    later.sum("shop.sales", 3, NOW_NS + SECOND, temporality=DELTA)
    assert read_values(await translator.send(later)) == {"shop_sales_total": 5.0}


async def test_metadata_is_told_once_an_hour(translator: Translator) -> None:
    """Not with every request."""
    request = MetricsRequest()
    request.metric("requests", "By", "How many.").sum.data_points.add(as_int=1, time_unix_nano=NOW_NS)
    request.scope.metrics[0].sum.aggregation_temporality = CUMULATIVE
    request.scope.metrics[0].sum.is_monotonic = True
    entries = WriteRequest.FromString(await translator.send(request)).metadata
    told = [(entry.metric_family_name, entry.type, entry.help, entry.unit) for entry in entries]
    assert told == [(b"requests_bytes_total", 1, b"How many.", b"bytes")]
    assert not WriteRequest.FromString(await translator.send(request)).metadata


@pytest.mark.parametrize("body", [b"\x0a\xff", b"no protobuf at all", b"\x0a\x04\x0a\x02\x0a\xff"])
async def test_what_is_no_request_is_malformed(translator: Translator, body: bytes) -> None:
    """At any depth, also where bytes are only looked at when they are new."""
    if body.startswith(b"\x0a\x04"):
        request = MetricsRequest()
        request.gauge("x", 1.0, NOW_NS)
        body += request.encode()
    with pytest.raises(MalformedRequestError):
        await translator.metrics.accept(body, protocol="test")


async def test_json_is_taken_with_hexadecimal_ids(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    """OTLP's JSON has its own form of ids, in exemplars, too."""
    point: dict[str, Any] = {
        "timeUnixNano": str(NOW_NS),
        "asInt": "5",
        "attributes": [{"key": "a", "value": {"stringValue": "b"}}],
        "exemplars": [{"timeUnixNano": str(NOW_NS), "asDouble": 1, "traceId": "0A" * 16, "spanId": "0b" * 8}],
    }
    metric = {"name": "m", "sum": {"dataPoints": [point], "aggregationTemporality": 2, "isMonotonic": True}}
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
    answer = await client.post("/v1/metrics", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {})
    (series,) = read_series(journal.requests[0][1]).values()
    assert [label.value for label in series.exemplars[0].labels] == [b"0b" * 8, b"0a" * 16]


async def test_a_partial_success_counts_points(client: httpx.AsyncClient) -> None:
    """OTLP's response says how many were rejected, and why."""
    request = MetricsRequest()
    request.gauge("x", 1.0, NOW_NS)
    request.gauge("timeless", 1.0, 0)
    answer = await client.post(
        "/v1/metrics", content=request.encode(), headers={"content-type": "application/x-protobuf"}
    )
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_data_points) == (200, 1)
    assert "has no time" in partial.error_message
