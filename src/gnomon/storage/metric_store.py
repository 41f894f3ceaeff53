"""Series and samples for the query engine: what `gnomon.promql.source.SeriesSource` asks for.

Labels are answered from memory (series_index.py); a statement only ever names ids and an interval.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gnomon.model.errors import LimitExceededError
from gnomon.model.matchers import Matcher
from gnomon.model.series import (
    Floats,
    Grid,
    GridValues,
    Integers,
    Objects,
    Samples,
    SeriesSet,
    Windows,
    is_stale,
)
from gnomon.storage.arrivals import Late
from gnomon.storage.bucket_windows import COLUMNS as BUCKET_COLUMNS
from gnomon.storage.bucket_windows import FUNCTIONS as BUCKET_FUNCTIONS
from gnomon.storage.bucket_windows import Buckets
from gnomon.storage.downsampling import TABLES
from gnomon.storage.engine import ArrowTable, Engine, Setting
from gnomon.storage.errors import QueryLimitError
from gnomon.storage.metric_rows import column, read_grid, read_histograms
from gnomon.storage.resolutions import FIVE_MINUTES_MS, HOUR_MS, RAW_MS, Kept, Part, finest_for
from gnomon.storage.series_catalog import DAY_MS, SeriesCatalog
from gnomon.storage.series_ids import condition_on_ids, condition_on_times, places_of, time_literal
from gnomon.storage.settings import MetricSettings

Ids = NDArray[np.uint64]
T = TypeVar("T")

# What the engine computes as Prometheus does wherever all samples in reach are finite numbers.
_FUNCTIONS = {
    "rate": "timeSeriesRateToGrid",
    "increase": "timeSeriesIncreaseToGrid",
    "delta": "timeSeriesDeltaToGrid",
    "irate": "timeSeriesInstantRateToGrid",
    "idelta": "timeSeriesInstantDeltaToGrid",
    "deriv": "timeSeriesDerivToGrid",
    "changes": "timeSeriesChangesToGrid",
    "resets": "timeSeriesResetsToGrid",
    "min_over_time": "timeSeriesMinToGrid",
    "max_over_time": "timeSeriesMaxToGrid",
    "sum_over_time": "timeSeriesSumToGrid",
    "avg_over_time": "timeSeriesAvgToGrid",
    "count_over_time": "timeSeriesCountToGrid",
    "last_over_time": "timeSeriesLastToGrid",
}
_SELECTOR = "last"
_SELECTOR_FUNCTION = "timeSeriesResampleToGridWithStaleness"
_GRID = {"enable_time_series_aggregate_functions": 1, "max_result_rows": 0}


class MetricStore:
    """Answer the query engine; everything acknowledged half a second ago can be found."""

    def __init__(self, engine: Engine, catalog: SeriesCatalog, settings: MetricSettings) -> None:
        """Read from an engine what a catalog knows."""
        self._engine = engine
        self._catalog = catalog
        self._settings = settings

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Return series that satisfy every matcher and were seen on the days of `(start_ms, end_ms]`."""
        await self._catalog.catch_up()
        async with self._catalog.lock:
            return self._catalog.index.select(matchers, (start_ms + 1) // DAY_MS, end_ms // DAY_MS)

    def late_since(self, token: int) -> Late:
        """Return the time of the oldest sample that became queryable since a token (0 at first), and a new token."""
        return self._catalog.arrivals.since(token)

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples of these series in `(start_ms, end_ms]`.

        Of what is too old to be kept as it came, the last sample of each bucket.
        """
        if not len(series):
            return Samples(np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0))
        old_until_ms = min(self._kept().raw_from_ms, end_ms)
        if start_ms >= old_until_ms:
            return await self._read_raw_samples(series, start_ms, end_ms)
        old = await self._read_old_samples(series, start_ms, old_until_ms)
        young = await self._read_raw_samples(series, old_until_ms, end_ms)
        return _join(old, young)

    async def _read_old_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return the last sample of each bucket, by five minutes where these are kept, by the hour before."""
        middle_ms = min(max(self._kept().five_minutes_from_ms, start_ms), end_ms)
        found = []
        for resolution_ms, begin_ms, until_ms in ((HOUR_MS, start_ms, middle_ms), (FIVE_MINUTES_MS, middle_ms, end_ms)):
            if begin_ms < until_ms:
                buckets = await self._read_buckets(series, resolution_ms, begin_ms, until_ms)
                offsets = np.searchsorted(buckets.owners, np.arange(len(series) + 1))
                times = buckets.rows["last_ms"].astype(np.int64)
                found.append(Samples(offsets, times, buckets.rows["last"], resolution_ms=resolution_ms))
        return found[0] if len(found) == 1 else _join(*found)

    async def _read_raw_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return samples as they came."""
        statement = (
            "SELECT id, toUnixTimestamp64Milli(ts) AS time, value FROM samples"
            f" WHERE {self._where(series.ids, start_ms, end_ms)} ORDER BY id, ts"
        )
        order = np.argsort(series.ids)
        owners, times, values = await self._read_rows(statement, series.ids[order])
        histograms: Objects | None = None
        asked = self._with_histograms(series)
        if len(asked):
            owners, times, values, histograms = await self._add_histograms(
                series.ids[order], series.ids[asked], (start_ms, end_ms), (owners, times, values)
            )
        # From the order of ids to that of labels.
        counts = np.bincount(owners, minlength=len(series))
        ranks = np.argsort(order)
        ends = np.cumsum(counts)
        offsets = np.concatenate(([0], np.cumsum(counts[ranks])))
        if not np.array_equal(order, np.arange(len(order))):
            sizes = counts[ranks]
            places = np.arange(len(times)) + np.repeat((ends - counts)[ranks] - offsets[:-1], sizes)
            times, values = times[places], values[places]
            histograms = None if histograms is None else histograms[places]
        samples = Samples(offsets, times, values, histograms)
        return await self._add_starts(series, samples, start_ms, end_ms) if self._catalog.has_starts else samples

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Compute a range function over `(t - window_ms, t]` in the engine; None when it does not know how."""
        aggregate = _SELECTOR_FUNCTION if function == _SELECTOR else _FUNCTIONS.get(function)
        if aggregate is None or not len(series) or grid.steps == 0:
            return None
        finest_ms = finest_for(len(series), grid, window_ms, self._settings.query_samples)
        parts = self._kept().split(grid, window_ms, finest_ms)
        if all(part.resolution_ms == RAW_MS for part in parts):
            return await self._read_raw_windows(series, function, aggregate, grid, window_ms)
        if function not in BUCKET_FUNCTIONS:
            return None
        values, present = np.zeros((len(series), grid.steps)), np.zeros((len(series), grid.steps), np.bool_)
        left_out = np.zeros(len(series), np.bool_)
        for part in parts:
            if part.resolution_ms == RAW_MS:
                found = await self._read_raw_windows(series, function, aggregate, part.grid, window_ms)
                computed = found.grid
                left_out[found.left_out] = True
            else:
                computed = await self._read_bucket_windows(series, function, part, window_ms)
            place = slice(part.first, part.first + part.grid.steps)
            values[:, place], present[:, place] = computed.values, computed.present
        resolution_ms = max(part.resolution_ms for part in parts)
        return Windows(GridValues(values, present), np.flatnonzero(left_out), resolution_ms)

    async def _read_raw_windows(
        self, series: SeriesSet, function: str, aggregate: str, grid: Grid, window_ms: int
    ) -> Windows:
        """Compute a range function over samples as they came."""
        step_ms = grid.step_ms if grid.steps > 1 else max(window_ms, 1)
        end_ms = grid.start_ms + (grid.steps - 1) * step_ms
        parameters = ", ".join(_seconds(ms) for ms in (grid.start_ms, end_ms, step_ms, window_ms))
        # One pass over all samples is quicker than a filter in front: series with NaN of any kind or Inf are left out.
        watch = "" if function == _SELECTOR else ", countIf(NOT isFinite(value)) AS odd"
        where = self._where(series.ids, grid.start_ms - window_ms, end_ms)
        statement = (
            f"SELECT id, {aggregate}({parameters})(ts, value) AS grid{watch} FROM samples WHERE {where} GROUP BY id"
        )
        table = await self._engine.query_arrow(statement, settings=_GRID)
        rows = places_of(column(table, "id"), series.ids) if table.num_rows else np.empty(0, np.int64)
        found = read_grid(table.column("grid"), rows, len(series), grid.steps)
        if function == _SELECTOR:
            found = GridValues(found.values, found.present & ~is_stale(found.values))
        left_out = np.zeros(len(series), np.bool_)
        if watch and table.num_rows:
            odd = (column(table, "odd") > 0) & (rows >= 0)
            left_out[rows[odd]] = True
        left_out[self._with_histograms(series)] = True
        return Windows(found, np.flatnonzero(left_out))

    async def _read_bucket_windows(self, series: SeriesSet, function: str, part: Part, window_ms: int) -> GridValues:
        """Compute a range function over samples that were put together; a window holds a bucket at least."""
        window_ms = max(window_ms, part.resolution_ms)
        buckets = await self._read_buckets(series, part.resolution_ms, part.grid.start_ms - window_ms, part.grid.end_ms)
        return buckets.compute(function, len(series), part.grid, window_ms)

    async def _read_buckets(self, series: SeriesSet, resolution_ms: int, start_ms: int, end_ms: int) -> Buckets:
        table_name = TABLES[resolution_ms // 1000]
        where = self._where(series.ids, start_ms, end_ms)
        table = await self._query(f"SELECT {BUCKET_COLUMNS} FROM {table_name} FINAL WHERE {where}")
        return Buckets.read(table, places_of(column(table, "id"), series.ids))

    def _kept(self) -> Kept:
        catalog = self._catalog
        return Kept.at(catalog.now_ms(), self._settings.retention, catalog.downsampled_until_s)

    def _with_histograms(self, series: SeriesSet) -> Integers:
        """Return the positions of the series that have native histograms at some time."""
        known = self._catalog.histogram_ids
        if not known:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.isin(series.ids, np.fromiter(known, np.uint64, len(known))))

    async def _read_rows(self, statement: str, sorted_ids: Ids) -> tuple[Integers, Integers, Floats]:
        """Return whose each sample is (a place in `sorted_ids`), times and values, each sample once."""
        found = await self._within_limit(lambda limits: self._engine.query_numbers(statement, settings=limits))
        ids, times, values = found["id"], found["time"], found["value"]
        if not len(ids):
            return np.empty(0, np.int64), times, values
        same = (ids[1:] == ids[:-1]) & (times[1:] == times[:-1])
        keep = np.concatenate((~same, [True])) if same.any() else None
        starts = np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
        places = places_of(ids[starts], sorted_ids, presorted=True)
        owners = np.repeat(places, np.diff(np.concatenate((starts, [len(ids)]))))
        if (places < 0).any():
            keep = (owners >= 0) if keep is None else keep & (owners >= 0)
        if keep is not None:
            owners, times, values = owners[keep], times[keep], values[keep]
        return owners, times, values

    async def _add_histograms(
        self,
        sorted_ids: Ids,
        asked: Ids,
        interval: tuple[int, int],
        floats: tuple[Integers, Integers, Floats],
    ) -> tuple[Integers, Integers, Floats, Objects | None]:
        """Return the samples with native histograms among them."""
        statement = (
            "SELECT *, toUnixTimestamp64Milli(ts) AS time FROM native_histograms"
            f" WHERE {self._where(asked, *interval)} ORDER BY id, ts LIMIT 1 BY id, ts"
        )
        table = await self._query(statement)
        owners, times, values = floats
        if not table.num_rows:
            return owners, times, values, None
        found = read_histograms(table)
        places = places_of(column(table, "id"), sorted_ids, presorted=True)
        kept = places >= 0
        if not kept.any():
            return owners, times, values, None
        found_times = column(table, "time")
        all_owners = np.concatenate((owners, places[kept]))
        all_times = np.concatenate((times, found_times[kept]))
        all_values = np.concatenate((values, column(table, "sum")[kept]))
        histograms = np.empty(len(all_owners), object)
        histograms[len(owners) :] = found[kept]
        # A staleness marker is the same whatever it ends.
        histograms[is_stale(all_values)] = None
        order = np.lexsort((np.arange(len(all_owners)), all_times, all_owners))
        all_owners, all_times = all_owners[order], all_times[order]
        # Where a float and a histogram have the same time, the histogram counts.
        last = np.concatenate(((np.diff(all_owners) != 0) | (np.diff(all_times) != 0), [True]))
        return all_owners[last], all_times[last], all_values[order][last], histograms[order][last]

    async def _add_starts(self, series: SeriesSet, samples: Samples, start_ms: int, end_ms: int) -> Samples:
        """Return the samples with their start timestamps, where there are any."""
        statement = (
            "SELECT id, toUnixTimestamp64Milli(start) AS start_ms, toUnixTimestamp64Milli(min(first)) AS first_ms,"
            " toUnixTimestamp64Milli(max(last)) AS last_ms FROM sample_starts"
            f" WHERE {condition_on_ids(series.ids, self._catalog.index)}"
            f" AND first <= {time_literal(end_ms)} AND last > {time_literal(start_ms)}"
            " GROUP BY id, start ORDER BY id, start"
        )
        table = await self._query(statement)
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

    async def _query(self, statement: str) -> ArrowTable:
        return await self._within_limit(lambda limits: self._engine.query_arrow(statement, settings=limits))

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


def _seconds(ms: int) -> str:
    """Return a number of seconds that the engine reads exactly."""
    return f"{ms // 1000}" if ms % 1000 == 0 else f"toDecimal64('{ms // 1000}.{ms % 1000:03d}', 3)"


def _join(old: Samples, young: Samples) -> Samples:
    """Return the samples of both, series by series; the young ones may have histograms and start timestamps."""
    old_counts, young_counts = np.diff(old.offsets), np.diff(young.offsets)
    offsets = np.concatenate(([0], np.cumsum(old_counts + young_counts)))
    owners = np.concatenate(
        (np.repeat(np.arange(len(old_counts)), old_counts), np.repeat(np.arange(len(young_counts)), young_counts))
    )
    order = np.argsort(owners, kind="stable")
    histograms: Objects | None = None
    if young.histograms is not None:
        histograms = np.concatenate((np.full(len(old), None, object), young.histograms))[order]
    starts = None
    if young.starts_ms is not None:
        starts = np.concatenate((np.zeros(len(old), np.int64), young.starts_ms))[order]
    return Samples(
        offsets,
        np.concatenate((old.times_ms, young.times_ms))[order],
        np.concatenate((old.values, young.values))[order],
        histograms,
        starts,
        max(old.resolution_ms, young.resolution_ms),
    )
