"""Read samples as they came: floats, native histograms and start timestamps of many series at once."""

import asyncio
from collections.abc import Awaitable, Callable
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
        order = np.argsort(series.ids)
        ids = series.ids[order]
        statement = (
            "SELECT id, toUnixTimestamp64Milli(ts) AS time, value FROM samples"
            f" WHERE {self._where(ids, start_ms, end_ms)} ORDER BY id, ts"
        )
        found = await self._within_limit(lambda limits: self._engine.query_numbers(statement, settings=limits))
        columns = (found["id"], found["time"], found["value"])
        asked = self.with_histograms(series)
        if not len(asked) and len(columns[0]) > _MANY:
            samples = await asyncio.to_thread(lambda: _reorder(_gather(*columns, ids), np.argsort(order)))
            return await self._add_starts(series, samples, start_ms, end_ms)
        samples = _gather(*columns, ids)
        if len(asked):
            samples = await self._add_histograms(samples, ids, np.sort(series.ids[asked]), start_ms, end_ms)
        samples = _reorder(samples, np.argsort(order))
        return await self._add_starts(series, samples, start_ms, end_ms)

    async def query(self, statement: str) -> ArrowTable:
        """Return a table of no more rows than samples may be read."""
        return await self._within_limit(lambda limits: self._engine.query_arrow(statement, settings=limits))

    def with_histograms(self, series: SeriesSet) -> Integers:
        """Return the positions of the series that have native histograms at some time."""
        return np.flatnonzero(np.isin(series.ids, self._catalog.histogram_ids))

    async def _add_histograms(self, floats: Samples, ids: Ids, asked: Ids, start_ms: int, end_ms: int) -> Samples:
        """Return samples, in the order of ids, with native histograms among them."""
        table = await self.query(
            "SELECT *, toUnixTimestamp64Milli(ts) AS time FROM native_histograms"
            f" WHERE {self._where(asked, start_ms, end_ms)} ORDER BY id, ts LIMIT 1 BY id, ts"
        )
        places = places_of(column(table, "id"), ids, presorted=True)
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


def _gather(found: Ids, times: Integers, values: Floats, ids: Ids) -> Samples:
    """Return rows, sorted by id and time, as samples in the order of `ids`: each once, and those of no others."""
    if not len(found):
        return Samples(np.zeros(len(ids) + 1, np.int64), times, values)
    starts = np.concatenate(([0], np.flatnonzero(found[1:] != found[:-1]) + 1))
    sizes = np.diff(np.concatenate((starts, [len(found)])))
    places = places_of(found[starts], ids, presorted=True)
    wanted = places >= 0
    keep = None if wanted.all() else np.repeat(wanted, sizes)
    same = times[1:] == times[:-1]
    if same.any():
        same &= found[1:] == found[:-1]
        once = np.concatenate((~same, [True]))
        keep = once if keep is None else keep & once
    if keep is not None:
        sizes = np.add.reduceat(keep, starts, dtype=np.int64)
        times, values = times[keep], values[keep]
    counts = np.zeros(len(ids), np.int64)
    counts[places[wanted]] = sizes[wanted]
    return Samples(_offsets(counts), times, values)


def _reorder(samples: Samples, ranks: Integers) -> Samples:
    """Return samples series by series in another order: `ranks` are the places of the series now."""
    if np.array_equal(ranks, np.arange(len(ranks))):
        return samples
    counts = np.diff(samples.offsets)[ranks]
    offsets = _offsets(counts)
    if len(samples) > _LONG_RUN * len(ranks):
        runs = [
            slice(begin, end)
            for begin, end in zip(samples.offsets[ranks].tolist(), samples.offsets[ranks + 1].tolist(), strict=True)
        ]
        times = np.concatenate([samples.times_ms[run] for run in runs])
        values = np.concatenate([samples.values[run] for run in runs])
        picked: Objects | None = None
        if samples.histograms is not None:
            picked = np.concatenate([samples.histograms[run] for run in runs])
        return Samples(offsets, times, values, picked)
    places = np.arange(len(samples)) + np.repeat(samples.offsets[ranks] - offsets[:-1], counts)
    histograms = None if samples.histograms is None else samples.histograms[places]
    return Samples(offsets, samples.times_ms[places], samples.values[places], histograms)


def _offsets(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
