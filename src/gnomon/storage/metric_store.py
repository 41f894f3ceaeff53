"""Series and samples for the query engine: what `gnomon.promql.source.SeriesSource` asks for.

Labels are answered from memory (series_index.py); a statement only ever names ids and an interval.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gnomon.model.matchers import Matcher
from gnomon.model.series import (
    Grid,
    GridValues,
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
from gnomon.storage.engine import Engine
from gnomon.storage.metric_rows import column, read_grid
from gnomon.storage.resolutions import FIVE_MINUTES_MS, HOUR_MS, RAW_MS, Kept, Part, finest_for
from gnomon.storage.sample_reader import SampleReader, join_samples
from gnomon.storage.series_catalog import DAY_MS, SeriesCatalog
from gnomon.storage.series_ids import condition_on_ids, condition_on_times, places_of
from gnomon.storage.settings import MetricSettings

Ids = NDArray[np.uint64]

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
        self._samples = SampleReader(engine, catalog, settings)

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
            return await self._samples.read(series, start_ms, end_ms)
        old = await self._read_old_samples(series, start_ms, old_until_ms)
        young = await self._samples.read(series, old_until_ms, end_ms)
        return join_samples(old, young)

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
        return found[0] if len(found) == 1 else join_samples(*found)

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
        left_out[self._samples.with_histograms(series)] = True
        return Windows(found, np.flatnonzero(left_out))

    async def _read_bucket_windows(self, series: SeriesSet, function: str, part: Part, window_ms: int) -> GridValues:
        """Compute a range function over samples that were put together; a window holds a bucket at least."""
        window_ms = max(window_ms, part.resolution_ms)
        buckets = await self._read_buckets(series, part.resolution_ms, part.grid.start_ms - window_ms, part.grid.end_ms)
        return buckets.compute(function, len(series), part.grid, window_ms)

    async def _read_buckets(self, series: SeriesSet, resolution_ms: int, start_ms: int, end_ms: int) -> Buckets:
        table_name = TABLES[resolution_ms // 1000]
        where = self._where(series.ids, start_ms, end_ms)
        table = await self._samples.query(f"SELECT {BUCKET_COLUMNS} FROM {table_name} FINAL WHERE {where}")
        return Buckets.read(table, places_of(column(table, "id"), series.ids))

    def _kept(self) -> Kept:
        catalog = self._catalog
        return Kept.at(catalog.now_ms(), self._settings.retention, catalog.downsampled_until_s)

    def _where(self, ids: Ids, start_ms: int, end_ms: int) -> str:
        return f"{condition_on_ids(ids, self._catalog.index)} AND {condition_on_times(start_ms, end_ms)}"


def _seconds(ms: int) -> str:
    """Return a number of seconds that the engine reads exactly."""
    return f"{ms // 1000}" if ms % 1000 == 0 else f"toDecimal64('{ms // 1000}.{ms % 1000:03d}', 3)"
