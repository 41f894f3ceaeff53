"""What came in lately: the ingest counters, read every few seconds and kept for some minutes."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.web.services import IngestRate

SAMPLE_INTERVAL_S: Final = 5.0
_HISTORY_S = 300.0

_REQUESTS = "gnomon_ingest_requests"
_ITEMS = "gnomon_ingest_items"
_BYTES = "gnomon_ingest_bytes"
_REFUSED = "gnomon_ingest_refused"

_Series = dict[tuple[str, str, str, str], float]


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    values: _Series


class IngestActivity:
    """Turn the ingest counters of `registry` into rates over a window."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        """Remember where the counters are."""
        self._registry = registry
        self._clock = clock
        self._samples: deque[_Sample] = deque(maxlen=int(_HISTORY_S / SAMPLE_INTERVAL_S) + 1)
        self._periodic = PeriodicService("ingest activity", self._take_sample, SAMPLE_INTERVAL_S, clock)

    async def start(self) -> None:
        """Begin to sample."""
        await self._take_sample()
        await self._periodic.start()

    async def stop(self) -> None:
        """Stop sampling."""
        await self._periodic.stop()

    def rates(self, window_s: float) -> list[IngestRate]:
        """Return the rates of each protocol and signal over the last `window_s` seconds, or since the start."""
        now = _Sample(self._clock.monotonic(), self._read())
        first = next((sample for sample in self._samples if sample.at_s >= now.at_s - window_s), now)
        elapsed_s = max(now.at_s - first.at_s, 1e-9) if first is not now else 1.0
        grouped: dict[tuple[str, str], dict[tuple[str, str], float]] = defaultdict(dict)
        for (name, protocol, signal, reason), value in now.values.items():
            before = first.values.get((name, protocol, signal, reason), 0)
            grouped[protocol, signal][name, reason] = (value - before) / elapsed_s
        return [_rate(protocol, signal, values) for (protocol, signal), values in sorted(grouped.items())]

    async def _take_sample(self) -> None:
        self._samples.append(_Sample(self._clock.monotonic(), self._read()))

    def _read(self) -> _Series:
        values: _Series = {}
        metrics: list[Metric] = list(self._registry.restricted_registry(_names()).collect())
        for metric in metrics:
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    labels = sample.labels
                    key = (metric.name, labels.get("protocol", ""), labels.get("signal", ""), labels.get("reason", ""))
                    values[key] = values.get(key, 0) + sample.value
        return values


def _names() -> list[str]:
    return [f"{name}_total" for name in (_REQUESTS, _ITEMS, _BYTES, _REFUSED)]


def _rate(protocol: str, signal: str, values: dict[tuple[str, str], float]) -> IngestRate:
    refusals = {reason: rate for (name, reason), rate in values.items() if name == _REFUSED and rate > 0}
    return IngestRate(
        protocol=protocol,
        signal=signal,
        items_per_s=_sum(values, _ITEMS),
        bytes_per_s=_sum(values, _BYTES),
        requests_per_s=_sum(values, _REQUESTS),
        refused_per_s=_sum(values, _REFUSED),
        refusals=refusals,
    )


def _sum(values: dict[tuple[str, str], float], name: str) -> float:
    return sum(rate for (metric, _reason), rate in values.items() if metric == name)
