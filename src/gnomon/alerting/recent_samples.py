"""What rules have stored just now, in front of a store that shows it only a moment later."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from gnomon.alerting.rule_results import Result, Value
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import Floats, Grid, GridValues, Integers, Mask, Objects, Samples, SeriesSet, Windows
from gnomon.promql.source import SeriesSource

_KEPT_MS = 60_000
# Ids of series that the store has not seen yet: from the top, where hashes are as rare as anywhere.
_FIRST_ID = (1 << 64) - 1


class RecentSamples:
    """A SeriesSource: another one, and the samples of the last minute that were kept here."""

    def __init__(self, store: SeriesSource) -> None:
        """Ask `store` for everything older."""
        self._store = store
        self._kept: dict[Labels, dict[int, Value]] = {}
        self._by_name: dict[str, dict[Labels, None]] = {}
        self._own_ids: dict[Labels, int] = {}
        self._newest_ms = 0

    def keep(self, results: Sequence[Result], time_ms: int) -> None:
        """Show results at a time from now on; forget what is older than a minute by then."""
        self._newest_ms = max(self._newest_ms, time_ms)
        for labels in [labels for labels, samples in self._kept.items() if max(samples) < self._newest_ms - _KEPT_MS]:
            del self._kept[labels]
            del self._by_name[labels.metric_name][labels]
            self._own_ids.pop(labels, None)
        for result in results:
            self._kept.setdefault(result.labels, {})[time_ms] = result.value
            self._by_name.setdefault(result.labels.metric_name, {})[result.labels] = None

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Return the store's series and those that only this knows."""
        stored = await self._store.find_series(matchers, start_ms, end_ms)
        candidates = [
            labels
            for labels in self._candidates(matchers)
            if any(start_ms < time_ms <= end_ms for time_ms in self._kept[labels])
            and all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
        ]
        known = set(stored.labels) if candidates else set()
        more = [labels for labels in candidates if labels not in known]
        if not more:
            return stored
        for labels in more:
            self._own_ids.setdefault(labels, _FIRST_ID - len(self._own_ids))
        ids = np.concatenate((stored.ids, np.array([self._own_ids[labels] for labels in more], np.uint64)))
        found = (*stored.labels, *more)
        order = sorted(range(len(found)), key=lambda place: found[place].pairs)
        return SeriesSet(ids[order], tuple(found[place] for place in order))

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples of these series in the interval."""
        if not self._touches(series):
            return await self._store.read_samples(series, start_ms, end_ms)
        stored = self._stored(series)
        samples = await self._store.read_samples(series.take(stored), start_ms, end_ms)
        rows = np.cumsum(stored) - 1
        parts = [
            self._merge(labels, samples, int(row) if is_stored else None, start_ms, end_ms)
            for labels, row, is_stored in zip(series.labels, rows, stored, strict=True)
        ]
        return _concatenate(parts)

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Return what the store computes; series with samples of this are left out of it."""
        if not self._touches(series):
            return await self._store.read_windows(series, function, grid, window_ms)
        stored = self._stored(series)
        found = await self._store.read_windows(series.take(stored), function, grid, window_ms)
        if found is None:
            return None
        values = np.zeros((len(series), grid.steps))
        present = np.zeros(values.shape, np.bool_)
        values[stored], present[stored] = found.grid.values, found.grid.present
        left_out = np.array([labels in self._kept for labels in series.labels], np.bool_)
        left_out[np.flatnonzero(stored)[found.left_out]] = True
        return Windows(GridValues(values, present), np.flatnonzero(left_out))

    def _touches(self, series: SeriesSet) -> bool:
        return any(labels in self._kept for labels in series.labels)

    def _candidates(self, matchers: Sequence[Matcher]) -> Iterable[Labels]:
        for matcher in matchers:
            if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL:
                return self._by_name.get(matcher.value, ())
        return self._kept

    def _stored(self, series: SeriesSet) -> Mask:
        own = [
            self._own_ids.get(labels) == int(number) for labels, number in zip(series.labels, series.ids, strict=True)
        ]
        return ~np.array(own, np.bool_)

    def _merge(self, labels: Labels, samples: Samples, row: int | None, start_ms: int, end_ms: int) -> "_Part":
        """Return one series' samples of the store and of this; those of the store win."""
        first, after = (0, 0) if row is None else (int(samples.offsets[row]), int(samples.offsets[row + 1]))
        times = samples.times_ms[first:after]
        kept = self._kept.get(labels, {})
        more = sorted(time_ms for time_ms in kept if start_ms < time_ms <= end_ms and not _holds(times, time_ms))
        values, histograms = samples.values[first:after], None
        if samples.histograms is not None:
            histograms = samples.histograms[first:after]
        starts = None if samples.starts_ms is None else samples.starts_ms[first:after]
        if not more:
            return times, values, histograms, starts
        places = np.searchsorted(times, more)
        added = [kept[time_ms] for time_ms in more]
        values = np.insert(values, places, [0.0 if isinstance(value, NativeHistogram) else value for value in added])
        cells: Objects = np.full(len(values), None, dtype=object)
        old = np.delete(np.arange(len(values)), places + np.arange(len(more)))
        cells[old] = None if histograms is None else histograms
        cells[places + np.arange(len(more))] = [
            value if isinstance(value, NativeHistogram) else None for value in added
        ]
        return np.insert(times, places, more), values, cells, None if starts is None else np.insert(starts, places, 0)


_Part = tuple[Integers, Floats, Objects | None, Integers | None]


def _holds(times: Integers, time_ms: int) -> bool:
    place = bisect_right(times, time_ms)
    return bool(place and times[place - 1] == time_ms)


def _concatenate(parts: Sequence[_Part]) -> Samples:
    lengths = [len(part[0]) for part in parts]
    histograms: Objects | None = None
    if any(part[2] is not None and any(cell is not None for cell in part[2]) for part in parts):
        histograms = np.concatenate(
            [np.full(len(part[0]), None, dtype=object) if part[2] is None else part[2] for part in parts]
        )
    starts: Integers | None = None
    if any(part[3] is not None for part in parts):
        starts = np.concatenate([np.zeros(len(part[0]), np.int64) if part[3] is None else part[3] for part in parts])
    return Samples(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.concatenate([part[0] for part in parts]).astype(np.int64),
        np.concatenate([part[1] for part in parts]),
        histograms,
        starts,
    )
