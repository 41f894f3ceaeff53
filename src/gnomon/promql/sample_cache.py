"""Samples that were read lately, kept in memory: queries about the same series read only what is new.

Blocks of samples are exact: what became queryable after a block was read, and is not newer than all of it, cuts it off
there, and is read again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gnomon.model.matchers import Matcher
from gnomon.model.series import Grid, Integers, Samples, SeriesSet
from gnomon.promql.arrivals import SettledArrivals
from gnomon.promql.source import SeriesSource, Windows
from gnomon.promql.telemetry import CACHE_BYTES, CACHE_REQUESTS
from gnomon.promql.windows import count_until, select_samples

_BYTES_A_SAMPLE = 16
# Samples after which a block's newest part is made one with the rest: this part of all of them.
_SMALL_PART = 0.05
# Samples newer than this are likely to be joined by others of their time.
_UNSETTLED_MS = 600_000
# Of a block: who asks for this part of it is given all.
_MUCH = 0.7
# Of a block: when nobody has asked for this part of it for a while, it goes.
_UNUSED = 0.3
# Of the series that are being read: who asks for this part of them waits for that.
_WORTH_WAITING = 0.05
# Of the whole cache; a selection that would take more is not kept.
_LARGEST_PART = 0.75
_DAY_MS = 86_400_000
# How often samples come where nothing is known yet.
_USUAL_INTERVAL_MS = 15_000.0


@dataclass(slots=True, eq=False)
class _Block:
    """All samples in `(from_ms, to_ms]` of some series: those up to `base_to_ms` in `base`, the newest in `tail`."""

    series: SeriesSet
    sorted_ids: NDArray[np.uint64]
    sorted_rows: Integers
    from_ms: int
    to_ms: int
    token: int
    base: Samples
    base_to_ms: int
    tail: Samples | None = None
    asked_from_ms: int | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, series: SeriesSet, from_ms: int, to_ms: int, token: int, samples: Samples) -> "_Block":
        """Return a block of samples that were read after the token was taken."""
        order = np.argsort(series.ids)
        return cls(series, series.ids[order], order, from_ms, to_ms, token, samples, to_ms)

    @property
    def size(self) -> int:
        return (len(self.base) + (0 if self.tail is None else len(self.tail))) * _BYTES_A_SAMPLE

    def rows_of(self, ids: NDArray[np.uint64]) -> Integers | None:
        """Return where ids stand, None when any is missing."""
        if len(ids) == len(self.series.ids) and np.array_equal(ids, self.series.ids):
            return np.arange(len(ids))
        places = np.minimum(np.searchsorted(self.sorted_ids, ids), len(self.sorted_ids) - 1)
        return self.sorted_rows[places] if np.array_equal(self.sorted_ids[places], ids) else None

    def cut(self, after_ms: int) -> None:
        """Forget the samples that are later."""
        self.to_ms = after_ms
        if after_ms < self.base_to_ms:
            # The newest samples are those that are cut off again and again: they are kept apart from now on.
            split_ms = max(self.from_ms, after_ms - _UNSETTLED_MS)
            older, newer = _split(self.base, split_ms)
            self.base, self.base_to_ms, self.tail = older, split_ms, newer
        if self.tail is not None:
            self.tail = _split(self.tail, after_ms)[0]

    def append(self, newer: Samples, to_ms: int) -> None:
        """Add the samples up to a time."""
        self.to_ms = to_ms
        self.tail = newer if self.tail is None else join_samples(self.tail, newer)
        if len(self.tail) > max(_SMALL_PART * len(self.base), 10 * len(self.series)):
            self.base, self.base_to_ms, self.tail = join_samples(self.base, self.tail), to_ms, None
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Drop what nobody has asked for of late, as time goes on."""
        from_ms, self.asked_from_ms = self.asked_from_ms, None
        if from_ms is not None and from_ms - self.from_ms > _UNUSED * (self.to_ms - self.from_ms):
            self.from_ms, self.base = from_ms, _split(self.base, from_ms)[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Samples that are being read: those of some series, after a time."""

    sorted_ids: NDArray[np.uint64]
    from_ms: int

    def holds(self, series: SeriesSet, start_ms: int) -> bool:
        """Tell whether samples are among them, and enough of them to be worth waiting for."""
        if start_ms < self.from_ms or len(series) < _WORTH_WAITING * len(self.sorted_ids):
            return False
        places = np.minimum(np.searchsorted(self.sorted_ids, series.ids), len(self.sorted_ids) - 1)
        return np.array_equal(self.sorted_ids[places], series.ids)


class SampleCache:
    """Stand between the engine and a source, and keep samples; satisfies SeriesSource.

    Answers may hold samples from outside the interval that was asked for, which windows leave out anyway.
    Windows are computed by the engine from kept samples, unless they reach further back than a day (the store may have
    put older samples together), or need more samples than fit.
    """

    def __init__(
        self, source: SeriesSource, arrivals: SettledArrivals, max_bytes: int, *, now: Callable[[], float] = time.time
    ) -> None:
        """Keep at most so many bytes of a source that tells what comes in; `now` returns Unix seconds."""
        self._source = source
        self._arrivals = arrivals
        self._max_bytes = max_bytes
        self._now = now
        self._blocks: list[_Block] = []
        self._readings: dict[asyncio.Future[None], _Reading] = {}
        self._told_bytes = 0
        self._interval_ms = _USUAL_INTERVAL_MS
        self.hits = 0
        self.misses = 0

    @property
    def size_bytes(self) -> int:
        """Return how much is kept."""
        return sum(block.size for block in self._blocks)

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Ask the source."""
        return await self._source.find_series(matchers, start_ms, end_ms)

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Leave it to the engine where the samples are kept, or can be."""
        if self._keeps(series, grid.start_ms - window_ms, grid.end_ms):
            return None
        return await self._source.read_windows(series, function, grid, window_ms)

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples in `(start_ms, end_ms]`."""
        if not len(series) or not self._keeps(series, start_ms, end_ms):
            return await self._source.read_samples(series, start_ms, end_ms)
        under_way = next((done for done, reading in self._readings.items() if reading.holds(series, start_ms)), None)
        if under_way is not None:
            await asyncio.wait((under_way,))
        for block in reversed(self._blocks):
            rows = block.rows_of(series.ids)
            if rows is not None and block.from_ms <= start_ms:
                async with block.lock:
                    block.asked_from_ms = min(start_ms, block.asked_from_ms or start_ms)
                    if await self._bring_up_to_date(block, end_ms):
                        self._count("hit")
                        return _slice(block, rows, start_ms, end_ms)
                break
        self._count("miss")
        return await self._read(series, start_ms, end_ms)

    def _keeps(self, series: SeriesSet, start_ms: int, end_ms: int) -> bool:
        expected = len(series) * max(1.0, (end_ms - start_ms) / self._interval_ms)
        fits = expected * _BYTES_A_SAMPLE <= self._max_bytes * _LARGEST_PART
        return fits and start_ms > self._now() * 1000 - _DAY_MS

    async def _read(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        token = self._arrivals.token()
        done = asyncio.get_running_loop().create_future()
        self._readings[done] = _Reading(np.sort(series.ids), start_ms)
        try:
            samples = await self._source.read_samples(series, start_ms, end_ms)
        finally:
            del self._readings[done]
            done.set_result(None)
        if len(samples):
            # The densest series seen so far tell what to expect of others.
            self._interval_ms = min(self._interval_ms, (end_ms - start_ms) * len(series) / len(samples))
        if _is_plain(samples):
            self._keep(_Block.of(series, start_ms, end_ms, token, samples))
        return samples

    async def _bring_up_to_date(self, block: _Block, end_ms: int) -> bool:
        """Cut off what is no longer all that there is, and read what is newer; tell whether the block is of use."""
        if block not in self._blocks:
            return False
        token = self._arrivals.token()
        oldest_ms = self._arrivals.oldest_since(block.token)
        block.token = token
        sound = oldest_ms is None or oldest_ms > block.from_ms
        if sound and oldest_ms is not None and oldest_ms <= block.to_ms:
            block.cut(oldest_ms - 1)
        if sound and end_ms > block.to_ms:
            newer = await self._source.read_samples(block.series, block.to_ms, end_ms)
            sound = _is_plain(newer)
            if sound:
                block.append(newer, end_ms)
        if block in self._blocks:
            self._blocks.remove(block)
            if sound:
                self._blocks.append(block)
        self._make_room()
        return sound

    def _count(self, outcome: str) -> None:
        self.hits += outcome == "hit"
        self.misses += outcome == "miss"
        CACHE_REQUESTS.labels("samples", outcome).inc()

    def _keep(self, block: _Block) -> None:
        self._blocks = [
            other for other in self._blocks if block.rows_of(other.series.ids) is None or block.from_ms > other.from_ms
        ]
        self._blocks.append(block)
        self._make_room()

    def _make_room(self) -> None:
        while self._blocks and self.size_bytes > self._max_bytes:
            self._blocks.pop(0)
        size = self.size_bytes
        CACHE_BYTES.labels("samples").inc(size - self._told_bytes)
        self._told_bytes = size


def _is_plain(samples: Samples) -> bool:
    return samples.histograms is None and samples.starts_ms is None and samples.resolution_ms == 0


def _split(samples: Samples, at_ms: int) -> tuple[Samples, Samples]:
    """Return the samples up to a time, and the later ones."""
    early = samples.times_ms <= at_ms
    return select_samples(samples, early), select_samples(samples, ~early)


def join_samples(older: Samples, newer: Samples) -> Samples:
    """Return two lots of samples of the same series, one after the other in each series."""
    if not len(newer):
        return older
    counts = np.diff(newer.offsets)
    offsets = older.offsets + newer.offsets
    is_newer = np.zeros(int(offsets[-1]), dtype=np.bool_)
    ends = np.repeat(offsets[1:], counts)
    within = np.repeat(newer.offsets[1:], counts) - np.arange(len(newer))
    is_newer[ends - within] = True
    times_ms, values = np.empty(len(is_newer), np.int64), np.empty(len(is_newer))
    times_ms[is_newer], values[is_newer] = newer.times_ms, newer.values
    np.logical_not(is_newer, out=is_newer)
    times_ms[is_newer], values[is_newer] = older.times_ms, older.values
    return Samples(offsets, times_ms, values)


def _slice(block: _Block, rows: Integers, start_ms: int, end_ms: int) -> Samples:
    """Return the samples of some series in `(start_ms, end_ms]`, and more of them where that is quicker."""
    whole = end_ms - start_ms >= _MUCH * (block.to_ms - block.from_ms)
    base = _part(block.base, rows, start_ms, end_ms, whole=whole)
    if block.tail is None or not len(block.tail):
        return base
    return join_samples(base, _part(block.tail, rows, start_ms, end_ms, whole=whole))


def _part(samples: Samples, rows: Integers, start_ms: int, end_ms: int, *, whole: bool) -> Samples:
    if whole:
        if len(rows) == len(samples.offsets) - 1 and bool((rows == np.arange(len(rows))).all()):
            return samples
        begin, end = samples.offsets[:-1][rows], samples.offsets[1:][rows]
    else:
        begin = count_until(samples, np.array([start_ms]))[rows, 0]
        end = np.maximum(begin, count_until(samples, np.array([end_ms]))[rows, 0])
    counts = end - begin
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    places = np.arange(int(offsets[-1]), dtype=np.int64) + np.repeat(begin - offsets[:-1], counts)
    return Samples(offsets, samples.times_ms[places], samples.values[places])
