"""The same OTLP requests to Gnomon's translation and to a real Prometheus: the same series with the same values."""

import asyncio
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.ingest.otlp_metrics import OtlpMetrics
from gnomon.ingest.otlp_names import TranslationStrategy
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.settings import OtlpSettings
from gnomon.lifecycle import SystemClock
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, MAXIMAL_SCHEMA
from gnomon.model.series import STALE_BITS
from tests.metric_points import MetricsRequest, read_series
from tests.peers.fixtures import require
from tests.peers.installation import PROMETHEUS
from tests.peers.prometheus import Prometheus, prometheus_running
from tests.write_requests import bits_of

NAMES = (
    "http.server.duration",
    "requests",
    "a.b.total",
    "größe",
    "1st",
    "mem_bytes",
    "x:y",
    "ratio",
    "_led",
    "cpu__time",
)
UNITS = ("", "1", "s", "ms", "By", "By/s", "{request}", "{request}/s", "km/h", "%", "Cel", "foo-bar", "m/s", "/s")
KEYS = ("http.method", "http_method", "1st", "_hidden", "a..b", "__x..y__", "größe", "code", "host name", "ok")
TEXTS = (
    "GET",
    "ä",
    "",
    5,
    -1,
    True,
    0.1,
    1e21,
    2.5e-9,
    100.0,
    ["a", 1, 0.5, None],
    {"k": "<v>", "a": [True]},
    b"\x00\xff",
)
SETTINGS = {
    "escaped": OtlpSettings(),
    "without suffixes": OtlpSettings(translation_strategy=TranslationStrategy.UNDERSCORES),
    "utf-8": OtlpSettings(
        translation_strategy=TranslationStrategy.UTF8_WITH_SUFFIXES,
        promote_resource_attributes=frozenset({"host.name", "cloud.region"}),
        promote_scope_metadata=True,
    ),
    "untranslated": OtlpSettings(
        translation_strategy=TranslationStrategy.NONE,
        promote_all_resource_attributes=True,
        ignore_resource_attributes=frozenset({"cloud.region"}),
        keep_identifying_resource_attributes=True,
    ),
    "plain labels, custom buckets": OtlpSettings(
        convert_histograms_to_nhcb=True,
        label_name_underscore_sanitization=False,
        label_name_preserve_multiple_underscores=False,
    ),
    "promoted": OtlpSettings(promote_resource_attributes=frozenset({"host.name"}), promote_scope_metadata=True),
}


class KeptBodies:
    """A journal that keeps bodies in memory."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def append(self, stream: str, body: bytes, fingerprint: bytes) -> None:
        assert (stream, len(fingerprint)) == ("remote_write", 16)
        self.bodies.append(body)


@pytest.fixture(params=list(SETTINGS))
def settings(request: pytest.FixtureRequest) -> OtlpSettings:
    """Return one set of settings after the other."""
    return SETTINGS[str(request.param)]


@pytest.fixture
def prometheus(tmp_path: Path, settings: OtlpSettings) -> Iterator[Prometheus]:
    """Run a Prometheus with the same settings."""
    require(PROMETHEUS)
    otlp: dict[str, Any] = {
        "translation_strategy": settings.translation_strategy.value,
        "promote_scope_metadata": settings.promote_scope_metadata,
        "keep_identifying_resource_attributes": settings.keep_identifying_resource_attributes,
        "convert_histograms_to_nhcb": settings.convert_histograms_to_nhcb,
        "label_name_underscore_sanitization": settings.label_name_underscore_sanitization,
        "label_name_preserve_multiple_underscores": settings.label_name_preserve_multiple_underscores,
    }
    if settings.promote_all_resource_attributes:
        otlp |= {
            "promote_all_resource_attributes": True,
            "ignore_resource_attributes": sorted(settings.ignore_resource_attributes),
        }
    else:
        otlp["promote_resource_attributes"] = sorted(settings.promote_resource_attributes)
    config = {"otlp": otlp, "storage": {"tsdb": {"out_of_order_time_window": "1h"}}}
    flags = ("--enable-feature=exemplar-storage",)
    with prometheus_running(tmp_path / "prometheus", config=config, flags=flags) as running:
        yield running


async def test_prometheus_makes_the_same_series(prometheus: Prometheus, settings: OtlpSettings) -> None:
    """Hundreds of metrics of all kinds, with awkward names, units and attributes."""
    chance = random.Random(settings.translation_strategy)
    kept = KeptBodies()
    metrics = OtlpMetrics(Receiver(kept), settings, SystemClock())
    now_ns = time.time_ns() - 60_000_000_000
    for round_ in range(4):
        request = _random_request(chance, now_ns + round_ * 15_000_000_000)
        accepted = await metrics.accept(request.encode(), protocol="test")
        assert not accepted.rejected, accepted.message
        headers = {"content-type": "application/x-protobuf"}
        url = f"{prometheus.url}/api/v1/otlp/v1/metrics"
        answer = await asyncio.to_thread(httpx.post, url, content=request.encode(), headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
    expected = _query_all(prometheus)
    found = _read_all(kept.bodies)
    assert found.keys() == expected.keys()
    differing = {key: (found[key], expected[key]) for key in expected if found[key] != expected[key]}
    assert not differing
    assert len(found) > 200


async def test_prometheus_makes_the_same_exemplars(tmp_path: Path) -> None:
    """With ids of traces, and without what is longer than 128 characters."""
    require(PROMETHEUS)
    now_ns = time.time_ns() - 10_000_000_000
    request = MetricsRequest()
    one = request.sum("requests", 5, now_ns)
    one.exemplars.add(as_int=3, time_unix_nano=now_ns, trace_id=b"\x0a" * 16, span_id=b"\x0b" * 8)
    two = request.histogram("latency", now_ns, count=3, sum=4, explicit_bounds=[1.0, 2.0], bucket_counts=[1, 1, 1])
    for number, value in enumerate((0.5, 1.5, 2.5)):
        exemplar = two.exemplars.add(as_double=value, time_unix_nano=now_ns + number * 1_000_000, trace_id=b"\x0c" * 16)
        exemplar.filtered_attributes.add(key="long", value={"string_value": "x" * (20 + 50 * number)})
    three = request.exponential("e", now_ns, count=1, sum=1, scale=2, positive={"offset": 0, "bucket_counts": [1]})
    three.exemplars.add(as_double=1.1, time_unix_nano=now_ns, span_id=b"\x0d" * 8)
    kept = KeptBodies()
    await OtlpMetrics(Receiver(kept), OtlpSettings(), SystemClock()).accept(request.encode(), protocol="test")
    with prometheus_running(tmp_path, features=("exemplar-storage",)) as prometheus:
        headers = {"content-type": "application/x-protobuf"}
        url = f"{prometheus.url}/api/v1/otlp/v1/metrics"
        answer = await asyncio.to_thread(httpx.post, url, content=request.encode(), headers=headers, trust_env=False)
        assert answer.status_code == 200
        asked = {
            "query": '{__name__=~"requests_total|latency_bucket|e"}',
            "start": now_ns / 1e9 - 60,
            "end": now_ns / 1e9 + 60,
        }
        expected = {
            (tuple(sorted(one["seriesLabels"].items())), tuple(sorted(exemplar["labels"].items())), exemplar["value"])
            for one in prometheus.data("query_exemplars", asked)
            for exemplar in one["exemplars"]
        }
    found = {
        (
            tuple(sorted(labels)),
            tuple((label.name.decode(), label.value.decode()) for label in exemplar.labels),
            _format(exemplar.value),
        )
        for labels, series in read_series(kept.bodies[0]).items()
        for exemplar in series.exemplars
    }
    assert found == expected
    assert len(found) == 5


def _random_request(chance: random.Random, now_ns: int) -> MetricsRequest:
    resource = {
        "service.name": "shop",
        "service.namespace": "eu",
        "service.instance.id": "1",
        "host.name": "h",
        "cloud.region": "",
    }
    request = MetricsRequest(dict(chance.sample(list(resource.items()), 4)) | {"service.name": "shop"})
    for number in range(80):
        # The number makes each point a series of its own, so that no two of a request fall together.
        attributes = {key: chance.choice(TEXTS) for key in chance.sample(KEYS, 3)} | {"number": number}
        name, unit = chance.choice(NAMES), chance.choice(UNITS)
        common: dict[str, Any] = {"start_time_unix_nano": now_ns - 10**9}
        stale = chance.random() < 0.05
        if stale:
            common["flags"] = 1
        encoded = MetricsRequest()
        match number % 5:
            case 0:
                request.gauge(
                    name, chance.choice((1.5, -0.0, 1e300, float("inf"))), now_ns, attributes, unit=unit, **common
                )
            case 1:
                more = {"flags": 1} if stale else {}
                request.sum(
                    name,
                    chance.choice((5, 2.5)),
                    now_ns,
                    attributes,
                    unit=unit,
                    monotonic=chance.random() < 0.7,
                    start_ns=now_ns - 10**9,
                    **more,
                )
            case 2:
                counts = [chance.randrange(5) for _ in range(4)]
                point = encoded.gauge("x", 0.0, now_ns, attributes)
                request.histogram(
                    name, now_ns, unit=unit, count=sum(counts), sum=1.25, bucket_counts=counts,
                    explicit_bounds=[1e-7, 0.25, 1e21], attributes=point.attributes, **common,
                )  # fmt: skip
            case 3:
                scale = chance.randrange(-4, 14)
                # Where finer buckets are merged, Prometheus puts a count that follows empty ones a bucket too low.
                least = 1 if scale > MAXIMAL_SCHEMA else 0
                positive = [chance.randrange(least, 4) for _ in range(chance.randrange(12))]
                negative = [chance.randrange(least, 4) for _ in range(chance.randrange(4))]
                point = encoded.gauge("x", 0.0, now_ns, attributes)
                request.exponential(
                    name, now_ns, count=sum(positive) + sum(negative) + 2, sum=-3.5, zero_count=2,
                    scale=scale, attributes=point.attributes,
                    positive={"offset": chance.randrange(-20, 20), "bucket_counts": positive},
                    negative={"offset": chance.randrange(-20, 20), "bucket_counts": negative}, **common,
                )  # fmt: skip
            case _:
                point = encoded.gauge("x", 0.0, now_ns, attributes)
                request.summary(
                    name, now_ns, [(0.0, 1.0), (0.999, 2.5)], count=3, sum=7.0, attributes=point.attributes, **common
                )
    return request


def _query_all(prometheus: Prometheus) -> dict[Any, Any]:
    """Return every sample; staleness markers are not told, so series may lack some."""
    found: dict[Any, Any] = {}
    for series in prometheus.data("query", {"query": '{__name__=~".+"}[10m]'})["result"]:
        key = tuple(sorted(series["metric"].items()))
        floats = [(round(when * 1000), value) for when, value in series.get("values", ())]
        found[key] = floats + [(round(when * 1000), _histogram(value)) for when, value in series.get("histograms", ())]
    return found


def _histogram(value: dict[str, Any]) -> Any:
    buckets = [(float(lower), float(upper), float(count)) for _, lower, upper, count in value.get("buckets", ())]
    return float(value["count"]), float(value["sum"]), buckets


def _read_all(bodies: list[bytes]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for body in bodies:
        for labels, series in read_series(body).items():
            points = [
                (sample.timestamp, _format(sample.value))
                for sample in series.samples
                if bits_of(sample.value) != STALE_BITS
            ]
            points += [(h.timestamp, _read_histogram(h)) for h in series.histograms if bits_of(h.sum) != STALE_BITS]
            if points:
                found.setdefault(tuple(sorted(labels)), []).extend(points)
    return found


def _read_histogram(histogram: Any) -> Any:
    bounds = [-math.inf, *histogram.custom_values, math.inf]
    base = 2.0 ** (2.0 ** -max(histogram.schema, -4))
    buckets = []
    for side in ("negative", "positive"):
        index, count = 0, 0
        deltas = iter(getattr(histogram, f"{side}_deltas"))
        for span in getattr(histogram, f"{side}_spans"):
            index += span.offset
            for _ in range(span.length):
                count += next(deltas)
                custom = histogram.schema == CUSTOM_SCHEMA
                lower, upper = bounds[index : index + 2] if custom else (base ** (index - 1), base**index)
                if count:
                    buckets.append((*((lower, upper) if side == "positive" else (-upper, -lower)), float(count)))
                index += 1
    if histogram.zero_count_int:
        buckets.append((-histogram.zero_threshold, histogram.zero_threshold, float(histogram.zero_count_int)))
    return (
        float(histogram.count_int),
        histogram.sum,
        [pytest.approx(bucket, rel=1e-9) for bucket in sorted(buckets)],
    )


def _format(value: float) -> str:
    """Return a value as Prometheus' API writes it."""
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    text = f"{value:.17g}" if float(f"{value:.16g}") != value else f"{value:.16g}"
    return "1e+300" if value == 1e300 else repr(value).removesuffix(".0") if "e" not in text else text
