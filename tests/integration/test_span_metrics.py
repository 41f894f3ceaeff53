"""Span metrics: the counters are what the spans say, bucket by bucket, and every span counts once."""

import os
import time
from collections.abc import Sequence

import numpy as np
import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.samples import MetricFamily, Sample
from gnomon.model.series import STALE_BITS, is_stale
from gnomon.storage.span_metric_store import SpanMetricStore
from gnomon.traces.span_metrics import CALLS, DURATION, SpanMetrics, SpanMetricsSettings
from tests.opened_storage import OpenedStorage
from tests.span_requests import SentSpan, make_span_request

TRACE = "a" * 32
SERVE = {"service_name": "worker", "span_name": "serve", "span_kind": "SPAN_KIND_SERVER"}


class RecordingSink:
    """Keep the newest value of every series, and all exemplars."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    async def write_samples(self, samples: Sequence[Sample], families: Sequence[MetricFamily]) -> None:
        self.samples += samples

    def value(self, metric: str, **labels: str) -> float:
        wanted = Labels(((METRIC_NAME, metric), *labels.items()))
        return next(sample.value for sample in reversed(self.samples) if sample.labels == wanted)

    def values(self, metric: str, **labels: str) -> list[float]:
        wanted = Labels(((METRIC_NAME, metric), *labels.items()))
        return [sample.value for sample in self.samples if sample.labels == wanted]


class SteppedClock(SystemClock):
    """The real time, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def now_ns(self) -> int:
        return time.time_ns() + self.ahead_ns


def span(number: int, duration_us: int, status: int = 0, name: str = "serve") -> SentSpan:
    return SentSpan(TRACE, f"{number:016x}", "", "worker", name, 2, 0, duration_us, status=status)


async def send(storage: OpenedStorage, *spans: SentSpan) -> None:
    await storage.journal.append("otlp_traces", make_span_request(spans, time.time_ns()), os.urandom(16))
    await storage.journal.flush()
    time.sleep(0.002)  # noqa: ASYNC251  # what came in within this millisecond counts with the next update


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


def count_spans(storage: OpenedStorage, sink: RecordingSink, clock: SystemClock, most: int = 100) -> SpanMetrics:
    settings = SpanMetricsSettings(max_operations=most)
    metrics = SpanMetrics(SpanMetricStore(storage.engine), storage.journal, sink, clock, settings)
    time.sleep(0.002)
    return metrics


async def test_counters_are_what_the_spans_say(opened_storage: OpenedStorage, sink: RecordingSink) -> None:
    metrics = count_spans(opened_storage, sink, SystemClock())
    await send(opened_storage, span(1, 2_000), span(2, 3_000), span(3, 20_000_000), span(4, 7_000, status=2))
    await metrics.update()
    fine = {**SERVE, "status_code": "STATUS_CODE_UNSET"}
    assert sink.values(CALLS, **fine) == [0.0, 3.0]
    assert sink.value(CALLS, **SERVE, status_code="STATUS_CODE_ERROR") == 1
    buckets = {le: sink.value(f"{DURATION}_bucket", **fine, le=le) for le in ("0.002", "0.004", "15", "+Inf")}
    assert buckets == {"0.002": 1, "0.004": 2, "15": 2, "+Inf": 3}
    assert sink.value(f"{DURATION}_count", **fine) == 3
    assert sink.value(f"{DURATION}_sum", **fine) == pytest.approx(20.005)


async def test_each_span_counts_once(opened_storage: OpenedStorage, sink: RecordingSink) -> None:
    metrics = count_spans(opened_storage, sink, SystemClock())
    await send(opened_storage, span(1, 2_000))
    await metrics.update()
    await metrics.update()
    await send(opened_storage, span(2, 2_000))
    await metrics.update()
    assert sink.values(CALLS, **SERVE, status_code="STATUS_CODE_UNSET") == [0, 1, 2]


async def test_the_slowest_span_of_a_bucket_is_its_exemplar(opened_storage: OpenedStorage, sink: RecordingSink) -> None:
    metrics = count_spans(opened_storage, sink, SystemClock())
    await send(opened_storage, span(1, 20_000), span(2, 40_000))
    await metrics.update()
    found = {
        sample.labels.get("le"): sample.exemplar.labels.get("span_id") for sample in sink.samples if sample.exemplar
    }
    assert found == {"0.05": f"{2:016x}"}


async def test_operations_beyond_the_limit_count_together(opened_storage: OpenedStorage, sink: RecordingSink) -> None:
    metrics = count_spans(opened_storage, sink, SystemClock(), most=1)
    await send(opened_storage, span(1, 10), span(2, 10), span(3, 10, name="other"))
    await metrics.update()
    assert sink.value(CALLS, **SERVE, status_code="STATUS_CODE_UNSET") == 2
    assert sink.value(CALLS, otel_metric_overflow="true") == 1


async def test_a_counter_that_stands_still_is_written_on_and_ends_with_a_marker(
    opened_storage: OpenedStorage, sink: RecordingSink
) -> None:
    clock = SteppedClock()
    metrics = count_spans(opened_storage, sink, clock)
    await send(opened_storage, span(1, 10))
    await metrics.update()
    clock.ahead_ns = 61_000_000_000
    await metrics.update()
    fine = {**SERVE, "status_code": "STATUS_CODE_UNSET"}
    assert sink.values(CALLS, **fine) == [0, 1, 1]
    clock.ahead_ns = 3_700_000_000_000
    await metrics.update()
    marker = sink.values(CALLS, **fine)[-1]
    assert is_stale_value(marker), f"{STALE_BITS:x}"


def is_stale_value(value: float) -> bool:
    """Tell whether a value is a staleness marker."""
    return bool(is_stale(np.array([value]))[0])
