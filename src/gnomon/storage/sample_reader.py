"""Read samples as they came: floats, native histograms and start timestamps of many series at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gnomon.model.errors import LimitExceededError
from gnomon.model.series import Floats, Integers, Objects, Samples, SeriesSet, is_stale
from gnomon.storage.engine import ArrowTable, Engine, Setting
from gnomon.storage.errors import QueryLimitError
from gnomon.storage.metric_rows import column, read_histograms
from gnomon.storage.series_catalog import SeriesCatalog
from gnomon.storage.series_ids import condition_on_ids, condition_on_times, places_of, time_literal
from gnomon.storage.settings import MetricSettings

Ids = NDArray[np.uint64]
T = TypeVar("T")
N = TypeVar("N", bound=np.generic)

# With so many samples a series, copying whole runs is quicker than picking samples.
_LONG_RUN = 32
# From so many samples on, others are served while they are put in order.
_MANY = 200_000


class SampleReader:
    """Read samples of series that a catalog knows."""

    def __init__(self, engine: Engine, catalog: SeriesCatalog, settings: MetricSettings) -> None:
        """Read from an engine; `settings` bound what one query reads."""
        self._engine = engine
        self._catalog = catalog
        self._settings = settings

    async def read(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples in `(start_ms, end_ms]`, each once."""
        where = self._where(series.ids, start_ms, end_ms)
        try:
            samples = await self._read_floats(series.ids, f"samples WHERE {where}")
        except _ContradictionError:
            # Which was stored last, the engine knows.
            samples = await self._read_floats(series.ids, f"samples FINAL WHERE {where}")
        asked = self.with_histograms(series)
        if len(asked):
            samples = await self._add_histograms(series, samples, series.ids[asked], start_ms, end_ms)
        return await self._add_starts(series, samples, start_ms, end_ms)

    async def _read_floats(self, ids: Ids, source: str) -> Samples:
        statement = f"SELECT id, toUnixTimestamp64Milli(ts) AS time, value FROM {source}"
        found = await self._within_limit(lambda limits: self._engine.query_numbers(statement, settings=limits))
        rows = _Rows(found["id"], found["time"], found["value"])
        return await asyncio.to_thread(rows.arrange, ids) if len(rows.ids) > _MANY else rows.arrange(ids)

    async def query(self, statement: str) -> ArrowTable:
        """Return a table of no more rows than samples may be read."""
        return await self._within_limit(lambda limits: self._engine.query_arrow(statement, settings=limits))

    def with_histograms(self, series: SeriesSet) -> Integers:
        """Return the positions of the series that have native histograms at some time."""
        return np.flatnonzero(np.isin(series.ids, self._catalog.histogram_ids))

    async def _add_histograms(
        self, series: SeriesSet, floats: Samples, asked: Ids, start_ms: int, end_ms: int
    ) -> Samples:
        """Return samples with the native histograms of some series among them."""
        table = await self.query(
            "SELECT *, toUnixTimestamp64Milli(ts) AS time FROM native_histograms"
            f" WHERE {self._where(asked, start_ms, end_ms)} ORDER BY id, ts LIMIT 1 BY id, ts"
        )
        ids = series.ids
        places = places_of(column(table, "id"), ids)
        kept = places >= 0
        if not kept.any():
            return floats
        owners = np.concatenate((np.repeat(np.arange(len(ids)), np.diff(floats.offsets)), places[kept]))
        times = np.concatenate((floats.times_ms, column(table, "time")[kept]))
        values = np.concatenate((floats.values, column(table, "sum")[kept]))
        histograms: Objects = np.full(len(owners), None, object)
        histograms[len(floats) :] = read_histograms(table)[kept]
        # A staleness marker is the same whatever it ends.
        histograms[is_stale(values)] = None
        # Where a float and a histogram have the same time, the histogram, which comes last, counts.
        order = np.lexsort((np.arange(len(owners)), times, owners))
        later = np.flatnonzero((np.diff(owners[order]) == 0) & (np.diff(times[order]) == 0))
        order = np.delete(order, later)
        counts = np.bincount(owners[order], minlength=len(ids))
        return Samples(_offsets(counts), times[order], values[order], histograms[order])

    async def _add_starts(self, series: SeriesSet, samples: Samples, start_ms: int, end_ms: int) -> Samples:
        """Return the samples with their start timestamps, where there are any."""
        if not self._catalog.has_starts:
            return samples
        table = await self.query(
            "SELECT id, toUnixTimestamp64Milli(start) AS start_ms, toUnixTimestamp64Milli(min(first)) AS first_ms,"
            " toUnixTimestamp64Milli(max(last)) AS last_ms FROM sample_starts"
            f" WHERE {condition_on_ids(series.ids, self._catalog.index)}"
            f" AND first <= {time_literal(end_ms)} AND last > {time_literal(start_ms)}"
            " GROUP BY id, start ORDER BY id, start"
        )
        if not table.num_rows:
            return samples
        starts_ms = np.zeros(len(samples), np.int64)
        rows = places_of(column(table, "id"), series.ids)
        news = zip(
            rows.tolist(), *(column(table, name).tolist() for name in ("start_ms", "first_ms", "last_ms")), strict=True
        )
        for row, start, first, last in news:
            if row >= 0:
                begin, end = samples.offsets[row], samples.offsets[row + 1]
                low, high = np.searchsorted(samples.times_ms[begin:end], (first, last + 1))
                starts_ms[begin + low : begin + high] = start
        return Samples(samples.offsets, samples.times_ms, samples.values, samples.histograms, starts_ms)

    async def _within_limit(self, ask: Callable[[dict[str, Setting]], Awaitable[T]]) -> T:
        limit = self._settings.query_samples
        try:
            return await ask({"max_result_rows": limit})
        except QueryLimitError as error:
            if error.setting != "query.result_rows":
                raise
            message = (
                f"The query reads more samples than query.max_samples = {limit}. "
                "Narrow the time range or add a matcher."
            )
            raise LimitExceededError(message, setting="query.max_samples", value=limit) from error

    def _where(self, ids: Ids, start_ms: int, end_ms: int) -> str:
        return f"{condition_on_ids(ids, self._catalog.index)} AND {condition_on_times(start_ms, end_ms)}"


def join_samples(old: Samples, young: Samples) -> Samples:
    """Return the samples of both, series by series; the young ones may have histograms and start timestamps."""
    old_counts, young_counts = np.diff(old.offsets), np.diff(young.offsets)
    places = np.arange(len(old_counts))
    owners = np.concatenate((np.repeat(places, old_counts), np.repeat(places, young_counts)))
    order = np.argsort(owners, kind="stable")
    histograms = starts = None
    if young.histograms is not None:
        histograms = np.concatenate((np.full(len(old), None, object), young.histograms))[order]
    if young.starts_ms is not None:
        starts = np.concatenate((np.zeros(len(old), np.int64), young.starts_ms))[order]
    return Samples(
        old.offsets + young.offsets,
        np.concatenate((old.times_ms, young.times_ms))[order],
        np.concatenate((old.values, young.values))[order],
        histograms,
        starts,
        max(old.resolution_ms, young.resolution_ms),
    )


class _ContradictionError(Exception):
    """Tell that a series has two values at the same time."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows as the engine reads them: stretches that are in order, of several series and parts, in no order themselves.

    To put whole stretches in place takes a third of the time of having the engine put rows in order.
    """

    ids: Ids
    times: Integers
    values: Floats

    def arrange(self, ids: Ids) -> Samples:
        """Return the samples of some series, each once; raises _ContradictionError."""
        if not len(self.ids):
            return Samples(np.zeros(len(ids) + 1, np.int64), self.times, self.values)
        ends_run = (self.times[1:] <= self.times[:-1]) | (self.ids[1:] != self.ids[:-1])
        ends = np.concatenate((np.flatnonzero(ends_run) + 1, [len(self.ids)]))
        starts = np.concatenate(([0], ends[:-1]))
        owners = places_of(self.ids[starts], ids)
        order = np.lexsort((self.times[starts], owners))
        order = order[np.searchsorted(owners[order], 0) :]
        owners, starts, ends = owners[order], starts[order], ends[order]
        offsets = np.concatenate(([0], np.cumsum(ends - starts)))[np.searchsorted(owners, np.arange(len(ids) + 1))]
        times, values = _take_runs(self.times, starts, ends), _take_runs(self.values, starts, ends)
        overlaps = (owners[1:] == owners[:-1]) & (self.times[starts[1:]] <= self.times[ends[:-1] - 1])
        if not overlaps.any():
            return Samples(offsets, times, values)
        return _without_repeats(offsets, times, values, np.unique(owners[1:][overlaps]))


def _take_runs(array: NDArray[N], starts: Integers, ends: Integers) -> NDArray[N]:
    """Return `array[start:end]` of each run, one after the other."""
    if not len(starts):
        return array[:0]
    if np.array_equal(starts[1:], ends[:-1]):
        return array[starts[0] : ends[-1]]
    sizes = ends - starts
    after = np.cumsum(sizes)
    if after[-1] > _LONG_RUN * len(starts):
        runs = zip(starts.tolist(), ends.tolist(), strict=True)
        return np.concatenate([array[start:end] for start, end in runs])
    taken: NDArray[N] = array[np.arange(after[-1]) + np.repeat(starts - (after - sizes), sizes)]
    return taken


def _without_repeats(offsets: Integers, times: Integers, values: Floats, mixed: Integers) -> Samples:
    """Return samples by time, each once; `mixed` are the series whose runs overlap."""
    times, values = times.copy(), values.copy()
    for place in mixed.tolist():
        part = slice(offsets[place], offsets[place + 1])
        order = np.argsort(times[part], kind="stable")
        times[part], values[part] = times[part][order], values[part][order]
    repeated = np.zeros(len(times), np.bool_)
    np.equal(times[1:], times[:-1], out=repeated[:-1])
    firsts = offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(times))]
    repeated[firsts - 1] = False
    bits = values.view(np.uint64)
    if (bits[:-1] != bits[1:])[repeated[:-1]].any():
        raise _ContradictionError
    before = np.concatenate(([0], np.cumsum(~repeated)))
    return Samples(before[offsets], times[~repeated], values[~repeated])


def _offsets(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
