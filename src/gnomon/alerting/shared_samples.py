"""Samples that many rules look at, read for all of them at once.

A thousand rules ask the same few metrics about a few series each. A question to the engine costs about the same for a
few series as for all of a metric, so once several rules have asked for parts of a metric, all its recent samples are
kept, and brought up to date by one question for each time that groups are evaluated at.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gnomon.model.labels import METRIC_NAME
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Grid, Integers, Samples, SeriesSet, Windows
from gnomon.promql.arrivals import SettledArrivals
from gnomon.promql.sample_cache import join_samples
from gnomon.promql.source import SeriesSource, TracksArrivals
from gnomon.promql.windows import select_samples

# So many different questions about parts of a metric make it worth keeping whole.
_WORTH_KEEPING = 4
_MOST_SERIES = 50_000
# Who asks for most of a metric need not be given more.
_PART = 0.5
# Kept beyond what was asked for: groups are evaluated at times of their own, and not always in their order.
_MARGIN_MS = 120_000
_LONGEST_MS = 3_600_000
_ASKED_METRICS = 10_000
# What nobody has asked for in so long is forgotten.
_UNUSED_S = 900.0
# Rules that are evaluated together see the same samples; what comes in meanwhile is for the next time.
_FRESH_S = 1.0
_BYTES_A_SAMPLE = 16


@dataclass(slots=True, eq=False)
class _Pool:
    """All samples of a metric's series in `(from_ms, to_ms]`, as of a token; rows are found by ids in order."""

    series: SeriesSet
    sorted_ids: NDArray[np.uint64]
    sorted_rows: Integers
    from_ms: int
    to_ms: int
    token: int
    samples: Samples
    longest_ms: int
    used_s: float
    read_s: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def holds(self, ids: NDArray[np.uint64], start_ms: int) -> bool:
        """Tell whether series are among them, and a time not before what is kept."""
        places = np.minimum(np.searchsorted(self.sorted_ids, ids), len(self.sorted_ids) - 1)
        return start_ms >= self.from_ms and bool((self.sorted_ids[places] == ids).all())

    def cut(self, after_ms: int) -> None:
        """Forget the samples that are later: others may have come among them."""
        self.samples = select_samples(self.samples, self.samples.times_ms <= after_ms)
        self.to_ms = after_ms

    def append(self, newer: Samples, to_ms: int) -> None:
        """Add the samples up to a time, and forget what no rule looks back to."""
        self.samples, self.to_ms = join_samples(self.samples, newer), to_ms
        oldest_ms = to_ms - self.longest_ms - _MARGIN_MS
        if oldest_ms - self.from_ms > _MARGIN_MS:
            self.samples = select_samples(self.samples, self.samples.times_ms > oldest_ms)
            self.from_ms = oldest_ms

    def take(self, ids: NDArray[np.uint64], start_ms: int, end_ms: int) -> Samples:
        """Return the samples of some series."""
        rows = self.sorted_rows[np.searchsorted(self.sorted_ids, ids)]
        offsets = self.samples.offsets
        begin, end = offsets[:-1][rows], offsets[1:][rows]
        counts = end - begin
        starts = np.concatenate(([0], np.cumsum(counts)))
        places = np.arange(int(starts[-1])) + np.repeat(begin - starts[:-1], counts)
        chosen = Samples(starts.astype(np.int64), self.samples.times_ms[places], self.samples.values[places])
        return select_samples(chosen, (chosen.times_ms > start_ms) & (chosen.times_ms <= end_ms))


class SharedSamples:
    """Stand between rules and a store; satisfies SeriesSource."""

    def __init__(
        self,
        store: SeriesSource,
        arrivals: TracksArrivals,
        max_bytes: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep at most so many bytes of a store that tells what comes in."""
        self._store = store
        self._arrivals = SettledArrivals(arrivals, monotonic=monotonic)
        self._max_bytes = max_bytes
        self._monotonic = monotonic
        self._pools: dict[str, _Pool] = {}
        self._asked: dict[str, set[int]] = {}

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Ask the store."""
        return await self._store.find_series(matchers, start_ms, end_ms)

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Leave it to the engine of rules where the samples are kept."""
        if await self._pool(series, grid.start_ms - window_ms, grid.end_ms) is not None:
            return None
        return await self._store.read_windows(series, function, grid, window_ms)

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples of these series in the interval."""
        pool = await self._pool(series, start_ms, end_ms)
        if pool is not None:
            async with pool.lock:
                if await self._bring_up_to_date(pool, end_ms) and start_ms >= pool.from_ms:
                    return pool.take(series.ids, start_ms, end_ms)
        return await self._store.read_samples(series, start_ms, end_ms)

    async def _pool(self, series: SeriesSet, start_ms: int, end_ms: int) -> _Pool | None:
        if not len(series) or end_ms - start_ms > _LONGEST_MS:
            return None
        name = series.labels[0].metric_name
        pool = self._pools.get(name)
        if pool is not None and pool.holds(series.ids, start_ms):
            pool.longest_ms = max(pool.longest_ms, end_ms - start_ms)
            pool.used_s = self._monotonic()
            return pool
        if any(labels.metric_name != name for labels in series.labels) or not self._is_worth_it(name, series):
            return None
        return await self._make_pool(name, series, start_ms, end_ms)

    def _is_worth_it(self, name: str, series: SeriesSet) -> bool:
        """Take note of a question, and tell whether there were several about parts of the metric."""
        if len(self._asked) > _ASKED_METRICS:
            self._asked.clear()
        asked = self._asked.setdefault(name, set())
        asked.add(hash(series.ids.tobytes()))
        return len(asked) >= _WORTH_KEEPING

    async def _make_pool(self, name: str, series: SeriesSet, start_ms: int, end_ms: int) -> _Pool | None:
        """Keep all series of a metric where that is possible."""
        self._asked[name] = set()
        from_ms = start_ms - 2 * _MARGIN_MS
        everything = (Matcher(METRIC_NAME, MatchOperator.EQUAL, name),)
        whole = await self._store.find_series(everything, from_ms, end_ms)
        if not 0 < len(whole) <= _MOST_SERIES or len(series) > _PART * len(whole):
            return None
        token = self._arrivals.token()
        samples = await self._store.read_samples(whole, from_ms, end_ms)
        if not _is_plain(samples) or not self._make_room(len(samples)):
            return None
        order = np.argsort(whole.ids)
        longest_ms = end_ms - start_ms
        pool = _Pool(
            whole,
            whole.ids[order],
            order,
            from_ms,
            end_ms,
            token,
            samples,
            longest_ms,
            self._monotonic(),
            self._monotonic(),
        )
        self._pools[name] = pool
        return pool if pool.holds(series.ids, start_ms) else None

    async def _bring_up_to_date(self, pool: _Pool, end_ms: int) -> bool:
        """Read what came in since the last time; tell whether the pool is of use."""
        now_s = self._monotonic()
        if end_ms <= pool.to_ms and now_s - pool.read_s < _FRESH_S:
            return True
        token = self._arrivals.token()
        oldest_ms = self._arrivals.oldest_since(pool.token)
        pool.token, pool.read_s = token, now_s
        if oldest_ms is not None and oldest_ms <= pool.from_ms:
            self._drop(pool)
            return False
        if oldest_ms is not None and oldest_ms <= pool.to_ms:
            pool.cut(oldest_ms - 1)
        if end_ms > pool.to_ms:
            newer = await self._store.read_samples(pool.series, pool.to_ms, end_ms)
            if not _is_plain(newer):
                self._drop(pool)
                return False
            pool.append(newer, end_ms)
        return True

    def _make_room(self, samples: int) -> bool:
        """Forget what nobody uses any more; tell whether so many samples fit."""
        now_s = self._monotonic()
        self._pools = {name: pool for name, pool in self._pools.items() if now_s - pool.used_s < _UNUSED_S}
        kept = sum(len(pool.samples) for pool in self._pools.values())
        return (kept + samples) * _BYTES_A_SAMPLE <= self._max_bytes

    def _drop(self, pool: _Pool) -> None:
        self._pools = {name: other for name, other in self._pools.items() if other is not pool}


def _is_plain(samples: Samples) -> bool:
    return samples.histograms is None and samples.starts_ms is None and samples.resolution_ms == 0
