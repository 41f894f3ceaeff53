"""Recorded counters of requests, and a plain loop that counts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.model.labels import Labels
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.settings import EngineSettings
from gnomon.slo.indicator_queries import EXTENDED_RANGES

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_790_000_100_000 // (5 * MINUTE_MS) * (5 * MINUTE_MS)

SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout, displayName: Checkout works}
spec:
  service: shop
  indicator:
    metadata: {name: checkout-availability}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'requests_total{code="200"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: requests_total}}}
  timeWindow: [{duration: 1d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server had counted at a time."""

    time_ms: int
    good: int
    bad: int


def record(length_ms: int, bad_in_minute: Sequence[int], *, per_minute: int = 60) -> list[Sample]:
    """Return a sample a minute up to now; `bad_in_minute` repeats itself, and counters are reset halfway."""
    samples, good, bad = [], 0, 0
    steps = length_ms // MINUTE_MS
    for step in range(steps + 1):
        if step:
            failed = bad_in_minute[step % len(bad_in_minute)]
            good, bad = good + per_minute - failed, bad + failed
        if step == steps // 2:
            good, bad = 0, 0
        samples.append(Sample(NOW_MS - length_ms + step * MINUTE_MS, good, bad))
    return samples


def count(samples: Sequence[Sample], start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return good and all events after the start and until the end; a counter that fell began anew."""
    good = bad = 0
    before: Sample | None = None
    for sample in samples:
        if before is not None and start_ms < sample.time_ms <= end_ms:
            good += sample.good - before.good if sample.good >= before.good else sample.good
            bad += sample.bad - before.bad if sample.bad >= before.bad else sample.bad
        before = sample
    return good, good + bad


def source_of(samples: Sequence[Sample]) -> MemorySource:
    """Return a source with these samples."""
    source = MemorySource()
    for code, field in (("200", "good"), ("500", "bad")):
        labels = Labels.of({"__name__": "requests_total", "code": code})
        for sample in samples:
            source.add(labels, sample.time_ms, float(getattr(sample, field)))
    return source


def engine_over(source: MemorySource) -> QueryEngine:
    """Return an engine as the monitor needs it."""
    return QueryEngine(source, EngineSettings(features=EXTENDED_RANGES))


def write(directory: Path, text: str = SLO) -> str:
    """Write a file of objectives and return its path."""
    path = directory / "slo.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


class FixedClock:
    """Time that stands still until it is moved."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def now_ns(self) -> int:
        return self.now_ms * 1_000_000

    def monotonic(self) -> float:
        return self.now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
