"""Sum up what OTLP sends as deltas, so that it can be stored as Prometheus' cumulative series.

The sums live in memory, the least recently used are given up first. A stream that was given up, or that a restart
forgot, begins again from zero with a start of its own, which every counter function takes for a reset.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import Counter, Gauge

STREAMS = Gauge("gnomon_otlp_delta_streams", "Streams of delta points that are being summed up.")
EVICTED = Counter(
    "gnomon_otlp_delta_streams_evicted_total",
    "Streams whose sum was given up because there were more than otlp.max_delta_streams.",
)

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ExponentialSum:
    """What is known of exponential histograms at one scale; buckets are counts by OTLP's index."""

    scale: int
    zero_threshold: float
    zero_count: int
    positive: dict[int, int]
    negative: dict[int, int]

    def add(self, other: "ExponentialSum") -> "ExponentialSum":
        """Return both together, at the coarser scale and with the wider zero bucket."""
        scale = min(self.scale, other.scale)
        one, two = self.rescale(scale), other.rescale(scale)
        return ExponentialSum(
            scale,
            max(one.zero_threshold, two.zero_threshold),
            one.zero_count + two.zero_count,
            _add(one.positive, two.positive),
            _add(one.negative, two.negative),
        )

    def rescale(self, scale: int) -> "ExponentialSum":
        """Return the same at a scale that is not finer."""
        shift = self.scale - scale
        if not shift:
            return self
        positive, negative = _merge(self.positive, shift), _merge(self.negative, shift)
        return ExponentialSum(scale, self.zero_threshold, self.zero_count, positive, negative)


class Total(NamedTuple):
    """What a stream comes to: `parts` are added place by place (value; or sum, count and bucket counts)."""

    start_ns: int
    time_ns: int
    parts: tuple[float, ...]
    bounds: tuple[float, ...] = ()
    exponential: ExponentialSum | None = None


class DeltaSums:
    """Sums of delta streams, bounded. Changes since the last `keep` can be taken back."""

    def __init__(self, max_streams: int) -> None:
        """Keep sums of at most `max_streams`."""
        self._max = max_streams
        self._totals: OrderedDict[Key, Total] = OrderedDict()
        self._before: dict[Key, Total | None] = {}

    def add(self, key: Key, point: Total) -> Total | None:
        """Return the sum with `point` in it, or None where that is not later than what was summed up before."""
        before = self._totals.get(key)
        if before is None:
            total = point
        elif point.time_ns <= before.time_ns:
            return None
        elif before.bounds != point.bounds or len(before.parts) != len(point.parts):
            # Another layout cannot be added to: the stream begins again.
            total = point
        else:
            total = Total(
                before.start_ns,
                point.time_ns,
                tuple(map(sum, zip(before.parts, point.parts, strict=True))),
                point.bounds,
                before.exponential.add(point.exponential) if before.exponential and point.exponential else None,
            )
        self._before.setdefault(key, before)
        self._totals[key] = total
        self._totals.move_to_end(key)
        return total

    def keep(self) -> None:
        """Make the changes last, and give up what is too much."""
        self._before = {}
        while len(self._totals) > self._max:
            self._totals.popitem(last=False)
            EVICTED.inc()
        STREAMS.set(len(self._totals))

    def take_back(self) -> None:
        """Undo the changes since the last `keep`: what was summed up could not be stored."""
        for key, before in self._before.items():
            if before is None:
                self._totals.pop(key, None)
            else:
                self._totals[key] = before
        self._before = {}


def index_counts(offset: int, counts: Sequence[int]) -> dict[int, int]:
    """Return the counts of buckets that are not empty, by OTLP's index."""
    return {offset + place: count for place, count in enumerate(counts) if count}


def _merge(buckets: dict[int, int], shift: int) -> dict[int, int]:
    return _add({}, ((index >> shift, count) for index, count in buckets.items()))


def _add(one: dict[int, int], two: dict[int, int] | Iterable[tuple[int, int]]) -> dict[int, int]:
    total = dict(one)
    for index, count in two.items() if isinstance(two, dict) else two:
        total[index] = total.get(index, 0) + count
    return total
