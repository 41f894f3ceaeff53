"""Keep what is known about series in step with what is stored: the index in memory, the known series, the limits.

    samples stored ─► arrivals (one row a lot) ─► new series? ─► `series` rows added since ─► index, known_series
                                                                                        └─► limits ─► full_metrics

The engine writes labels only of series that are not in `known_series`. That set is filled at each start and after
each look from the table `series` itself, so it never holds what is not stored.

An insert's rows become visible table by table, and two inserts' not in the order of their times. What bears the time of
an insert that is under way, or a later one, is therefore looked at again.
"""

import asyncio
import contextlib
from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge

from gnomon.lifecycle import Clock
from gnomon.model.cardinality import RefusedSeries
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.storage.arrivals import Arrivals, Lot
from gnomon.storage.engine import ArrowTable, Engine
from gnomon.storage.journal import Journal
from gnomon.storage.metric_rows import read_series_rows
from gnomon.storage.series_index import SeriesIndex
from gnomon.storage.settings import MetricSettings

log = structlog.get_logger(__name__)

SERIES = Gauge("gnomon_metric_series", "Series in the index: all that are within retention.")
ACTIVE_SERIES = Gauge("gnomon_metric_active_series", "Series that had samples today or yesterday; limits count these.")
COLLISIONS = Gauge("gnomon_metric_series_id_collisions", "Series whose id another series has, too; they are mixed up.")
REFUSED_SAMPLES = Counter(
    "gnomon_metric_refused_samples_total",
    "Samples that were not stored because their series was new and its metric, or all metrics, had as many as allowed.",
    ["metric"],
)

STREAMS = ("remote_write", "remote_write_v2")
DAY_MS = 86_400_000

_FINGERPRINT = "arraySum((name, value) -> cityHash64(name, value), mapKeys(labels), mapValues(labels)) AS fingerprint"
_ALL_ROWS = f"""
SELECT id, toInt32(min(day)) AS first_day, toInt32(max(day)) AS last_day, any(labels) AS pairs,
       {_FINGERPRINT}, toUnixTimestamp64Micro(max(added)) AS added_us
FROM series GROUP BY id, fingerprint
"""
_NEW_ROWS = f"""
SELECT id, toInt32(day) AS first_day, first_day AS last_day, labels AS pairs,
       {_FINGERPRINT}, toUnixTimestamp64Micro(added) AS added_us
FROM series WHERE added > fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
"""
_ARRIVALS = """
SELECT toUnixTimestamp64Micro(received) AS received_us,
       oldest_ms, newest_ms, new_series, refused_series, with_histograms, with_starts
FROM arrivals WHERE received > fromUnixTimestamp64Micro({since:Int64}, 'UTC') ORDER BY received
"""
_REFUSED = """
SELECT toUnixTimestamp64Micro(received) AS received_us, series, samples, name_lengths(labels) AS lengths,
       label_names(labels, lengths) AS names, label_values(labels, lengths) AS values
FROM refused_series WHERE received > fromUnixTimestamp64Micro({since:Int64}, 'UTC') ORDER BY received
"""
# Of older days only what comes in from now on: a backfill.
_FILL = """
INSERT INTO known_series SELECT DISTINCT arrayJoin(if(day >= today() - 1, [id, series_day(id, day)], [id])) FROM series
"""
_ADD = """
INSERT INTO known_series SELECT DISTINCT arrayJoin([id, series_day(id, day)]) FROM series
WHERE added > fromUnixTimestamp64Micro({since:Int64}, 'UTC')
"""
_MARK_FULL = """
INSERT INTO full_metrics
SELECT if(name = '', 0, cityHash64(concat('\\n\\b__name__\\x12', encoded_text(name))))
FROM (SELECT arrayJoin({names:Array(String)}) AS name)
"""
# Where others insert into the same cluster, rows become visible in another order than that of their times.
_SHARED_ENGINE_SETTLES_US = 10_000_000
_INLINE_SERIES = 2_000
_COUNTED_NAMES = 100
_ANY_SIZE = {"max_result_rows": 0}
_EMPTY: NDArray[np.uint64] = np.empty(0, np.uint64)
_ALL = ""


class SeriesCatalog:
    """Know all series (a Service). `index` may be used by whoever holds `lock`."""

    def __init__(self, engine: Engine, journal: Journal, settings: MetricSettings, clock: Clock) -> None:
        """Remember the parts; nothing is read before `start`."""
        self._engine = engine
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self.index = SeriesIndex()
        self.arrivals = Arrivals()
        self.lock = asyncio.Lock()
        self.refused: dict[str, RefusedSeries] = {}
        self.full: frozenset[str] = frozenset()
        self.histogram_ids = _EMPTY
        self.has_starts = False
        # Up to when (Unix seconds) samples have been put together, by resolution in seconds.
        self.downsampled_until_s: dict[int, int] = {}
        self._added_us = self._arrived_us = self._refused_us = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end_listening: Callable[[], None] = lambda: None
        self._filled_day = 0
        self._names_counted: set[str] = set()
        self._settle_us = _SHARED_ENGINE_SETTLES_US if engine.dialect.cluster_name else 0

    async def start(self) -> None:
        """Read all series, then follow what comes in."""
        await self._read_all()
        self._end_listening = self._journal.on_loaded(self._note_loaded)
        self._task = asyncio.create_task(self._follow(), name="series catalog")

    async def stop(self) -> None:
        """Stop following."""
        self._end_listening()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def catch_up(self) -> None:
        """Make what was acknowledged known; waits a second at most, and only where that is due."""
        await self._journal.catch_up(*STREAMS)
        if self._news.is_set():
            await self.refresh()

    async def refresh(self) -> None:
        """Look at what came in since the last look."""
        if self._today() != self._filled_day:
            await self._read_all()
        async with self.lock:
            self._news.clear()
            await self._look()

    def now_ms(self) -> int:
        """Return the time by the catalog's clock."""
        return self._clock.now_ns() // 1_000_000

    def active_from_day(self) -> int:
        """Return the first day, counted since 1970, on which a series counts as active."""
        return self._today() - 1

    def _today(self) -> int:
        return self._clock.now_ns() // 1_000_000 // DAY_MS

    def _note_loaded(self, stream: str) -> None:
        if stream in STREAMS:
            self._news.set()

    async def _follow(self) -> None:
        while True:
            # The day changes without anybody writing, too.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 600)
            try:
                await self.refresh()
            except Exception:
                log.exception("series cannot be read, trying again")
                self._news.set()
                await self._clock.sleep(1.0)

    async def _read_all(self) -> None:
        """Begin anew: whatever has left the tables leaves the memory, too. Meanwhile the old index answers."""
        self._filled_day = self._today()
        complete_us = self._complete_until_us()
        table = await self._engine.query_arrow(_ALL_ROWS, settings=_ANY_SIZE)
        index = SeriesIndex()
        if table.num_rows:
            await asyncio.to_thread(lambda: index.add(read_series_rows(table)))
        async with self.lock:
            await self._set_full(frozenset())
            await self._engine.command("TRUNCATE TABLE known_series")
            await self._engine.command(_FILL)
            self.index = index
            self._added_us = min(_newest(table), complete_us)
            await self._note_series()
            self.histogram_ids = _EMPTY
            await self._note_histograms(0)
            self.has_starts = len(await self._engine.query("SELECT 1 AS one FROM sample_starts LIMIT 1")) > 0
        # What came in while the rows were read.
        self._news.set()

    def _complete_until_us(self) -> int:
        """Return the time of receipt before which all that will be stored is visible, in Unix microseconds."""
        return self._journal.complete_until_ms_of(*STREAMS) * 1000

    async def _look(self) -> None:
        complete_us = self._complete_until_us()
        news = (await self._engine.query(_ARRIVALS, {"since": self._arrived_us - self._settle_us})).rows()
        if not news:
            return
        for row in news:
            # Zero where limits refused everything.
            if row["newest_ms"]:
                self.arrivals.add(Lot(row["oldest_ms"], row["newest_ms"]))
        if any(row["with_starts"] for row in news):
            self.has_starts = True
        if any(row["with_histograms"] for row in news):
            await self._note_histograms(min(row["oldest_ms"] for row in news if row["with_histograms"]))
        if any(row["new_series"] for row in news):
            await self._take_new_series(complete_us)
        if any(row["refused_series"] for row in news):
            await self._note_refused()
        self._arrived_us = min(max(row["received_us"] for row in news), complete_us)

    async def _take_new_series(self, complete_us: int) -> None:
        since = {"since": self._added_us - self._settle_us}
        table = await self._engine.query_arrow(_NEW_ROWS, since, settings=_ANY_SIZE)
        if not table.num_rows:
            return
        if table.num_rows <= _INLINE_SERIES:
            self.index.add(read_series_rows(table))
        else:
            await asyncio.to_thread(lambda: self.index.add(read_series_rows(table)))
        await self._engine.command(_ADD, since)
        self._added_us = min(_newest(table), complete_us)
        await self._note_series()

    async def _note_series(self) -> None:
        SERIES.set(len(self.index))
        COLLISIONS.set(self.index.collisions)
        await self._check_limits()

    async def _note_histograms(self, since_ms: int) -> None:
        """Remember which series have native histograms at some time."""
        found = await self._engine.query_numbers(
            f"SELECT DISTINCT id FROM native_histograms WHERE ts >= fromUnixTimestamp64Milli({since_ms}, 'UTC')",
            settings=_ANY_SIZE,
        )
        self.histogram_ids = np.union1d(self.histogram_ids, found["id"])

    async def _check_limits(self) -> None:
        """Let the engine refuse new series of metrics that have as many as they may have."""
        names, counts = self.index.count_values(METRIC_NAME, self.active_from_day())
        total = int(counts.sum())
        ACTIVE_SERIES.set(total)
        full = {names[place] for place in np.flatnonzero(counts >= self._settings.series_per_metric).tolist()}
        if total >= self._settings.series:
            full.add(_ALL)
        await self._set_full(frozenset(full))

    async def _set_full(self, full: frozenset[str]) -> None:
        if full == self.full:
            return
        await self._engine.command("TRUNCATE TABLE full_metrics")
        if full:
            await self._engine.command(_MARK_FULL, {"names": sorted(full)})
        for name in sorted(full - self.full):
            log.warning("new series are refused", metric=name or "(all)", limit=self._limit(name))
        self.full = full

    def _limit(self, name: str) -> int:
        return self._settings.series_per_metric if name else self._settings.series

    async def _note_refused(self) -> None:
        for row in (await self._engine.query(_REFUSED, {"since": self._refused_us})).rows():
            labels = Labels(zip(row["names"], row["values"], strict=True))
            name = labels.metric_name
            before = self.refused.get(name)
            limit = self._limit(name if name in self.full else _ALL)
            samples = row["samples"] + (before.samples if before else 0)
            self.refused[name] = RefusedSeries(name, samples, row["received_us"] * 1000, limit, labels)
            self._refused_us = max(self._refused_us, row["received_us"])
            if len(self._names_counted) < _COUNTED_NAMES:
                self._names_counted.add(name)
            REFUSED_SAMPLES.labels(name if name in self._names_counted else "(others)").inc(row["samples"])


def _newest(table: ArrowTable) -> int:
    return int(table.column("added_us").to_numpy().max()) if table.num_rows else 0
