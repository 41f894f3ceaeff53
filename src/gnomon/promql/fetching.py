"""Fetch what a plan's selectors need, all at once, and turn it into vectors."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np

from gnomon.model.errors import LimitExceededError
from gnomon.model.matchers import Matcher
from gnomon.model.series import GridValues, Integers, Samples, SeriesSet
from gnomon.promql.planner import Plan, Selection
from gnomon.promql.source import SeriesSource

NO_ROWS: Integers = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Series of a selection; `windows` where the store has computed them, `samples` of the `rows` where it has not.

    `windows` is None when the store computed nothing: then `samples` are those of all series. `resolution_ms` is that
    of the coarsest samples, where old ones were put together (0: all are as they came).
    """

    series: SeriesSet
    windows: GridValues | None
    samples: Samples | None
    rows: Integers
    resolution_ms: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one query may touch."""

    max_samples: int
    max_series: int


async def fetch(plan: Plan, source: SeriesSource, limits: Limits) -> dict[int, Fetched]:
    """Return what each selector (by identity of its node) needs; raises LimitExceededError."""
    fetcher = _Fetcher(source, limits)
    nodes = list(plan.selections)
    if len(nodes) > 1:
        # The largest first: what is read for it may hold the others.
        sizes = await asyncio.gather(*(fetcher.count(plan.selections[node]) for node in nodes))
        nodes = [node for _size, node in sorted(zip(sizes, nodes, strict=True), reverse=True)]
    found = await asyncio.gather(*(fetcher.get(plan.selections[node]) for node in nodes))
    return dict(zip(nodes, found, strict=True))


class _Fetcher:
    """Ask once for what several selectors need."""

    def __init__(self, source: SeriesSource, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._series: dict[tuple[Any, ...], asyncio.Task[SeriesSet]] = {}
        self._answers: dict[Selection, asyncio.Task[Fetched]] = {}
        self._samples = 0

    async def count(self, selection: Selection) -> int:
        """Return how many series a selection has."""
        return len(await self._find(selection.matchers, selection.start_ms, selection.end_ms))

    async def get(self, selection: Selection) -> Fetched:
        task = self._answers.get(selection)
        if task is None:
            task = self._answers[selection] = asyncio.ensure_future(self._fetch(selection))
        return await task

    async def _fetch(self, selection: Selection) -> Fetched:
        series = await self._find(selection.matchers, selection.start_ms, selection.end_ms)
        if len(series) > self._limits.max_series:
            raise LimitExceededError(
                f"The query selects {len(series):,} series, more than the {self._limits.max_series:,} that "
                "query.max_series allows: narrow down its selectors, or raise the limit.",
                setting="query.max_series",
                value=self._limits.max_series,
            )
        if not len(series) or not selection.ends.steps:
            return Fetched(series, None, _no_samples(len(series)), NO_ROWS)
        if selection.function is not None:
            windows = await self._source.read_windows(series, selection.function, selection.ends, selection.window_ms)
            if windows is not None:
                self._count(windows.grid.values.size)
                rows = windows.left_out
                samples = await self._read(series.take(rows), selection) if len(rows) else None
                return Fetched(series, windows.grid, samples, rows, windows.resolution_ms)
        samples = await self._read(series, selection)
        return Fetched(series, None, samples, np.arange(len(series)), samples.resolution_ms)

    async def _find(self, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int) -> SeriesSet:
        key = (matchers, start_ms, end_ms)
        task = self._series.get(key)
        if task is None:
            asking: Coroutine[Any, Any, SeriesSet] = self._source.find_series(matchers, start_ms, end_ms)
            task = self._series[key] = asyncio.ensure_future(asking)
        return await task

    async def _read(self, series: SeriesSet, selection: Selection) -> Samples:
        samples = await self._source.read_samples(series, selection.start_ms, selection.end_ms)
        self._count(len(samples))
        return samples

    def _count(self, samples: int) -> None:
        self._samples += samples
        check_samples(self._samples, self._limits)


def check_samples(samples: int, limits: Limits) -> None:
    """Raise LimitExceededError for more samples than a query may hold."""
    if samples > limits.max_samples:
        raise LimitExceededError(
            f"query processing would load too many samples into memory in query execution: more than the "
            f"{limits.max_samples:,} that query.max_samples allows.",
            setting="query.max_samples",
            value=limits.max_samples,
        )


def _no_samples(series: int) -> Samples:
    return Samples(np.zeros(series + 1, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
