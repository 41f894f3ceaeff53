"""Single samples, as parts of Gnomon that produce their own series hand them on."""

from dataclasses import dataclass

from gnomon.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An example behind a sample: `labels` name it (`trace_id`, `span_id`), the time is in Unix milliseconds."""

    labels: Labels
    time_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of one series, its time in Unix milliseconds."""

    labels: Labels
    time_ms: int
    value: float
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """What is known about a metric: `type` is one of Prometheus' (counter, gauge, histogram …)."""

    name: str
    type: str
    help: str
    unit: str = ""
