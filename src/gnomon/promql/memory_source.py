"""Series in memory, to be queried: for tests of rules and queries."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import Grid, Objects, Samples, SeriesSet
from gnomon.promql.source import Windows

Value = float | NativeHistogram


@dataclass(slots=True)
class _Series:
    number: int
    times_ms: list[int] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)
    starts_ms: dict[int, int] = field(default_factory=dict)


class MemorySource:
    """Keep series and hand them out (a SeriesSource).

    Histograms get their counter reset hints as in Prometheus' own store: a counter that was not reset since the sample
    before says so, any other one says nothing.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._series: dict[Labels, _Series] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._series.clear()

    def add(self, labels: Labels, time_ms: int, value: Value, *, start_ms: int = 0) -> None:
        """Add a sample; one that is there at the same time stays. `start_ms` is its start timestamp (0: unknown)."""
        series = self._series.setdefault(labels, _Series(len(self._series)))
        if time_ms in series.values:
            return
        if isinstance(value, NativeHistogram):
            before = series.times_ms and series.times_ms[-1] < time_ms and series.values[series.times_ms[-1]]
            value = _hinted(value, before if isinstance(before, NativeHistogram) else None)
        series.values[time_ms] = value
        if not series.times_ms or time_ms > series.times_ms[-1]:
            series.times_ms.append(time_ms)
        else:
            insort(series.times_ms, time_ms)
        if start_ms:
            series.starts_ms[time_ms] = start_ms

    def labels(self) -> list[Labels]:
        """Return the labels of all series."""
        return sorted(self._series)

    def values(self, labels: Labels) -> dict[int, Value]:
        """Return the samples of a series by time."""
        return dict(self._series[labels].values)

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Return series that satisfy every matcher and have samples in the interval."""
        found = sorted(
            labels
            for labels, series in self._series.items()
            if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
            and bisect_right(series.times_ms, start_ms) < bisect_right(series.times_ms, end_ms)
        )
        ids = np.array([self._series[labels].number for labels in found], np.uint64)
        return SeriesSet(ids, tuple(found))

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples of these series in the interval."""
        offsets, times = [0], list[int]()
        values, starts = list[Value](), list[int]()
        for labels in series.labels:
            own = self._series[labels]
            inside = own.times_ms[bisect_right(own.times_ms, start_ms) : bisect_right(own.times_ms, end_ms)]
            times += inside
            values += (own.values[time_ms] for time_ms in inside)
            starts += (own.starts_ms.get(time_ms, 0) for time_ms in inside)
            offsets.append(len(times))
        histograms: Objects | None = None
        if any(isinstance(value, NativeHistogram) for value in values):
            histograms = np.full(len(values), None, dtype=object)
            for place, value in enumerate(values):
                if isinstance(value, NativeHistogram):
                    histograms[place] = value
        floats = np.zeros(len(values))
        for place, value in enumerate(values):
            if not isinstance(value, NativeHistogram):
                floats[place] = value
        return Samples(
            np.array(offsets, np.int64),
            np.array(times, np.int64),
            floats,
            histograms,
            np.array(starts, np.int64) if any(starts) else None,
        )

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Return None: nothing is computed here."""


def _hinted(histogram: NativeHistogram, before: NativeHistogram | None) -> NativeHistogram:
    if histogram.counter_reset is CounterReset.GAUGE:
        return histogram
    goes_on = (
        before is not None
        and histogram.counter_reset is not CounterReset.RESET
        and before.counter_reset is not CounterReset.GAUGE
        and _layout(histogram) == _layout(before)
        and not histogram.with_counter_reset(CounterReset.UNKNOWN).is_reset_from(before)
    )
    return histogram.with_counter_reset(CounterReset.NOT_RESET if goes_on else CounterReset.UNKNOWN)


def _layout(histogram: NativeHistogram) -> tuple[int, float, tuple[float, ...]]:
    return histogram.schema, histogram.zero_threshold, histogram.custom_values
