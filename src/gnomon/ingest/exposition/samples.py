"""What one scrape brought, whatever its format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.series import Floats

S = TypeVar("S")
Resolve = Callable[[Labels], S]

# Prometheus stores this very NaN for every NaN that a target exposes; Python's own differs in the last bit.
NORMAL_NAN_BITS = 0x7FF8000000000001
NORMAL_NAN = float(np.uint64(NORMAL_NAN_BITS).view(np.float64))


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about a metric family; `type` is one of the words of OpenMetrics, `unknown` when nobody said."""

    type: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation behind a sample; `time_ms` is None where the target gave none."""

    labels: Labels
    value: float
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Exposition(Generic[S]):
    """Samples side by side: `values[i]` is one of `series[i]`, which `Resolve` made of its labels.

    The other fields are sparse, by position. `times_ms` are those that the target gave itself. Where `histograms` has
    an entry, a `prometheus.Histogram` without its timestamp, the value means nothing. `series` is the very
    same object as in the scrape before as long as the target exposes the same series in the same order.
    """

    series: Sequence[S]
    values: Floats
    metadata: Mapping[str, Metadata]
    times_ms: Mapping[int, int] = field(default_factory=dict)
    exemplars: Mapping[int, Sequence[Exemplar]] = field(default_factory=dict)
    histograms: Mapping[int, Any] = field(default_factory=dict)


class Parser(Protocol[S]):
    """Read one target's expositions, one after the other.

    A parser remembers the series of the scrape before, so that it asks `resolve` about new ones only; what `resolve`
    raises ends the parse and changes nothing.
    """

    def parse(self, body: bytes) -> Exposition[S]:
        """Return what is exposed; raises ExpositionError."""


def to_values(numbers: Sequence[float]) -> Floats:
    """Return numbers as an array in which every NaN is the one that means a value."""
    values = np.array(numbers, dtype=np.float64)
    values[np.isnan(values)] = NORMAL_NAN
    return values
