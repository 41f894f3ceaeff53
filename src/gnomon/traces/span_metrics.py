"""Rate, errors and duration of every operation as Prometheus series, counted from the spans inside the engine.

Names, labels and buckets are those of the OpenTelemetry Collector's span metrics connector, in seconds. Counters begin
at zero when Gnomon starts, as those of any process do; a span counts at the time at which it was stored.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import Counter, Gauge

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.samples import Exemplar, MetricFamily, Sample
from gnomon.model.series import STALE
from gnomon.storage.span_metric_store import SpanCount, SpanMetricStore

CALLS = "traces_span_metrics_calls_total"
DURATION = "traces_span_metrics_duration_seconds"
BOUNDS_S = (0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0)
FAMILIES = (
    MetricFamily(CALLS.removesuffix("_total"), "counter", "Spans, by operation and status."),
    MetricFamily(DURATION, "histogram", "Duration of spans, by operation and status.", "seconds"),
)

OPERATIONS = Gauge("gnomon_span_metrics_operations", "Operations (by kind and status) that span metrics count.")
OVERFLOWED = Counter(
    "gnomon_span_metrics_overflowed_spans_total",
    "Spans counted without their operation, because span_metrics.max_operations was reached.",
)

_NANOSECONDS = 1_000_000_000
_BOUNDS_NS = tuple(round(bound * _NANOSECONDS) for bound in BOUNDS_S)
_BOUND_TEXTS = (*(f"{bound:g}" for bound in BOUNDS_S), "+Inf")
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
# A series that stands still is written all the same before queries take it for gone (after five minutes).
_REPEAT_MS = 60_000
_FORGET_MS = 3_600_000

_Key = tuple[str, str, int, int]
_OVERFLOW: _Key = ("", "", -1, -1)


@dataclass(frozen=True, slots=True)
class SpanMetricsSettings:
    """Whether spans are counted as metrics, how often, and for how many operations (by kind and status)."""

    enabled: bool = True
    interval_s: float = 15.0
    max_operations: int = 2_000


class Arrivals(Protocol):
    """Tell up to when all that came in is stored; the journal does."""

    @property
    def complete_until_ms(self) -> int:
        """Return the time of receipt, in Unix milliseconds, before which nothing more will be stored."""


class SampleSink(Protocol):
    """Take samples of Gnomon's own making."""

    async def write_samples(self, samples: Sequence[Sample], families: Sequence[MetricFamily]) -> None:
        """Return once they are kept; raises UnavailableError when that cannot be now."""


@dataclass(slots=True)
class _Operation:
    """The counters of one operation and status, and which series they make."""

    calls_labels: Labels
    bucket_labels: tuple[Labels, ...]
    count_labels: Labels
    sum_labels: Labels
    buckets: list[int] = field(default_factory=lambda: [0] * len(_BOUND_TEXTS))
    total_ns: int = 0
    exemplars: dict[int, Exemplar] = field(default_factory=dict)
    new: bool = True
    changed_ms: int = 0
    written_ms: int = 0

    def add(self, row: SpanCount, now_ms: int) -> None:
        self.buckets[row.bucket] += row.spans
        self.total_ns += row.total_ns
        self.changed_ms = now_ms
        labels = Labels((("trace_id", row.trace_id), ("span_id", row.span_id)))
        self.exemplars[row.bucket] = Exemplar(labels, row.start_ms, row.slowest_ns / _NANOSECONDS)

    def samples(self, time_ms: int) -> list[Sample]:
        """Return what the counters show, each exemplar once."""
        counts = list(itertools.accumulate(self.buckets))
        found = [
            Sample(labels, time_ms, float(count), self.exemplars.get(bucket))
            for bucket, (labels, count) in enumerate(zip(self.bucket_labels, counts, strict=True))
        ]
        self.exemplars.clear()
        rest = ((self.calls_labels, counts[-1]), (self.count_labels, counts[-1]))
        found += [Sample(labels, time_ms, float(count)) for labels, count in rest]
        return [*found, Sample(self.sum_labels, time_ms, self.total_ns / _NANOSECONDS)]

    def constant(self, time_ms: int, value: float) -> list[Sample]:
        """Return the same value for every series: zero before the first count, a staleness marker after the last."""
        every = (*self.bucket_labels, self.calls_labels, self.count_labels, self.sum_labels)
        return [Sample(labels, time_ms, value) for labels in every]


class SpanMetrics:
    """Count what came in since the last time, and write the counters (a Service)."""

    def __init__(
        self,
        store: SpanMetricStore,
        arrivals: Arrivals,
        sink: SampleSink,
        clock: Clock,
        settings: SpanMetricsSettings | None = None,
    ) -> None:
        """Count from now on."""
        self._settings = settings or SpanMetricsSettings()
        self._store = store
        self._arrivals = arrivals
        self._sink = sink
        self._clock = clock
        self._periodic = PeriodicService("span metrics", self.update, self._settings.interval_s, clock)
        self._operations: dict[_Key, _Operation] = {}
        self._counted_to_ms = self._now_ms()
        self._previous_ms = self._counted_to_ms
        self._told = False

    async def start(self) -> None:
        """Begin to count."""
        if self._settings.enabled:
            await self._periodic.start()

    async def stop(self) -> None:
        """End."""
        await self._periodic.stop()

    async def update(self) -> None:
        """Count what was stored since the last time and write what is due."""
        now_ms, to_ms = self._now_ms(), self._arrivals.complete_until_ms
        if to_ms > self._counted_to_ms:
            for row in await self._store.read(self._counted_to_ms, to_ms, _BOUNDS_NS):
                self._operation_of(row).add(row, now_ms)
            self._counted_to_ms = to_ms
        await self._write(now_ms)
        self._previous_ms = now_ms

    async def _write(self, now_ms: int) -> None:
        samples: list[Sample] = []
        for key, operation in list(self._operations.items()):
            if now_ms - operation.changed_ms >= _FORGET_MS:
                samples += operation.constant(now_ms, STALE)
                del self._operations[key]
            elif operation.changed_ms == now_ms or now_ms - operation.written_ms >= _REPEAT_MS:
                if operation.new:
                    samples += operation.constant(self._previous_ms, 0.0)
                    operation.new = False
                samples += operation.samples(now_ms)
                operation.written_ms = now_ms
        OPERATIONS.set(len(self._operations))
        if samples:
            await self._sink.write_samples(samples, () if self._told else FAMILIES)
            self._told = True

    def _operation_of(self, row: SpanCount) -> _Operation:
        key = (row.service, row.name, row.kind, row.status)
        operation = self._operations.get(key)
        if operation is None and len(self._operations) >= self._settings.max_operations:
            OVERFLOWED.inc(row.spans)
            key = _OVERFLOW
            operation = self._operations.get(key)
        if operation is None:
            operation = self._operations[key] = _create_operation(key)
        return operation

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000


def _create_operation(key: _Key) -> _Operation:
    service, name, kind, status = key
    labels: tuple[tuple[str, str], ...] = (("otel_metric_overflow", "true"),)
    if key != _OVERFLOW:
        labels = (
            ("service_name", service),
            ("span_name", name),
            ("span_kind", f"SPAN_KIND_{_KINDS[kind] if 0 <= kind < len(_KINDS) else kind}"),
            ("status_code", f"STATUS_CODE_{_STATUSES[status] if 0 <= status < len(_STATUSES) else status}"),
        )

    def named(metric: str, *more: tuple[str, str]) -> Labels:
        return Labels(((METRIC_NAME, metric), *labels, *more))

    return _Operation(
        calls_labels=named(CALLS),
        bucket_labels=tuple(named(f"{DURATION}_bucket", ("le", bound)) for bound in _BOUND_TEXTS),
        count_labels=named(f"{DURATION}_count"),
        sum_labels=named(f"{DURATION}_sum"),
    )
