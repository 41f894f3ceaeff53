"""Answers that are kept, and samples that are kept: both as exact as asking anew."""

import asyncio
import itertools
import random
from typing import NamedTuple

import numpy as np
import pytest

from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import Samples, SeriesSet
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.results import QueryResult
from gnomon.promql.settings import EngineSettings

MINUTE_MS = 60_000
QUERIES = (
    "a",
    "rate(a[3m])",
    "sum by (x) (a)",
    "topk(2, a)",
    "max_over_time(a[5m]) - a",
    "a offset -2m",
    "sum_over_time(a[4m:30s])",
    "absent(a{x='3'})",
    "count_values('v', round(a / 20))",
)


class Late(NamedTuple):
    token: int
    oldest_ms: int | None


class TrackingSource(MemorySource):
    """Tell what came in since, and count what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.times_ms: list[int] = []
        self.read = 0

    def add(self, labels: Labels, time_ms: int, value: float | NativeHistogram, *, start_ms: int = 0) -> None:
        super().add(labels, time_ms, value, start_ms=start_ms)
        self.times_ms.append(time_ms)

    def late_since(self, token: int) -> Late:
        return Late(len(self.times_ms), min(self.times_ms[token:], default=None))

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        samples = await super().read_samples(series, start_ms, end_ms)
        await asyncio.sleep(0.01)
        self.read += len(samples)
        return samples


def series(number: int) -> Labels:
    return Labels.of({"__name__": "a", "x": str(number % 3), "y": str(number)})


def fill(source: MemorySource, start_ms: int, end_ms: int, choose: random.Random) -> None:
    for time_ms in range(start_ms, end_ms, 15_000):
        for number in range(5):
            if choose.random() < 0.9:
                source.add(series(number), time_ms + number, choose.uniform(0, 100))


def assert_same(one: QueryResult, two: QueryResult) -> None:
    assert one.labels == two.labels
    assert np.array_equal(one.times_ms, two.times_ms)
    assert np.array_equal(one.present, two.present)
    assert np.allclose(one.values[one.present], two.values[two.present], rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_refreshed_panel_shows_what_a_new_one_would(query: str) -> None:
    """Samples come on time, late, very late, and for new series; the range moves on, back and apart."""
    choose = random.Random(7)
    source, clock = TrackingSource(), itertools.count()
    engine = QueryEngine(source, EngineSettings(), now=lambda: 3600.0, monotonic=lambda: next(clock))
    begin_ms, now_ms = 0, 30 * MINUTE_MS
    fill(source, begin_ms, now_ms, choose)
    for number in range(30):
        start_ms = choose.choice([0, 0, 0, 60_000, 600_000]) + number * 30_000
        end_ms = start_ms + choose.choice([20, 20, 20, 5]) * MINUTE_MS
        anew = QueryEngine(source, EngineSettings(sample_cache_bytes=0, result_cache_bytes=0))
        assert_same(
            await engine.range(query, start_ms, end_ms, 30_000), await anew.range(query, start_ms, end_ms, 30_000)
        )
        fill(source, now_ms, now_ms + 30_000, choose)
        now_ms += 30_000
        if number % 5 == 0:
            source.add(series(choose.randrange(9)), now_ms - choose.choice([40_000, 400_000, 1_000_000]), 50.0)


async def test_a_refresh_reads_only_what_is_new() -> None:
    source, clock = TrackingSource(), itertools.count(0, 60)
    engine = QueryEngine(source, EngineSettings(), now=lambda: 3600.0, monotonic=lambda: next(clock))
    fill(source, 0, 30 * MINUTE_MS, random.Random(1))
    for _ in range(2):
        # What came in just before a question is looked at once more with the next one.
        await engine.range("rate(a[2m])", 5 * MINUTE_MS, 30 * MINUTE_MS, 15_000)
    fill(source, 30 * MINUTE_MS, 30 * MINUTE_MS + 15_000, random.Random(2))
    source.read = 0
    await engine.range("rate(a[2m])", 5 * MINUTE_MS + 15_000, 30 * MINUTE_MS + 15_000, 15_000)
    assert source.read <= 10


async def test_what_two_selectors_share_is_read_once() -> None:
    """Series that are among those that another selector, or another question, is reading are taken from there."""
    source, clock = TrackingSource(), itertools.count(step=10)
    fill(source, 0, 30 * MINUTE_MS, random.Random(7))
    engine = QueryEngine(
        source, EngineSettings(result_cache_bytes=0), now=lambda: 3600.0, monotonic=lambda: next(clock)
    )
    # What has just come in is read again, so the engine has to have seen it a while before.
    await engine.instant("a{y='0'}", 0)
    source.read = 0
    queries = ("rate(a{x='1'}[5m]) / ignoring(y) group_left sum by (x) (rate(a[5m]))", "sum(a)")
    found = await asyncio.gather(*(engine.range(query, 600_000, 30 * MINUTE_MS, 30_000) for query in queries))
    assert source.read == len([time_ms for time_ms in source.times_ms if time_ms > 300_000])
    plain = QueryEngine(source, EngineSettings(sample_cache_bytes=0, result_cache_bytes=0))
    for query, answer in zip(queries, found, strict=True):
        assert_same(answer, await plain.range(query, 600_000, 30 * MINUTE_MS, 30_000))


async def test_what_is_kept_stays_within_its_bytes() -> None:
    source = TrackingSource()
    settings = EngineSettings(sample_cache_bytes=20_000, result_cache_bytes=20_000)
    engine = QueryEngine(source, settings, now=lambda: 3600.0)
    fill(source, 0, 30 * MINUTE_MS, random.Random(1))
    for step_s in range(15, 60):
        await engine.range(f"a{{y=~'{step_s % 3}|4'}}", 0, 20 * MINUTE_MS, step_s * 1000)
    kept = engine.cached
    assert 0 < kept.result_bytes <= 20_000
    assert 0 < kept.sample_bytes <= 20_000


async def test_samples_that_show_after_they_were_told_of_are_not_missed() -> None:
    """A store may tell of a lot a moment before all of its samples can be read."""
    source, now_s = TrackingSource(), 0.0
    engine = QueryEngine(source, EngineSettings(), now=lambda: 3600.0, monotonic=lambda: now_s)
    fill(source, 0, 30 * MINUTE_MS, random.Random(1))
    await engine.range("a", 0, 30 * MINUTE_MS, 15_000)
    now_s = 20.0
    await engine.range("a", 0, 30 * MINUTE_MS, 15_000)
    # Told of, but not to be read yet.
    source.times_ms.append(29 * MINUTE_MS)
    now_s = 30.0
    await engine.range("a", 0, 30 * MINUTE_MS, 15_000)
    MemorySource.add(source, series(7), 29 * MINUTE_MS, 42.0)
    now_s = 32.0
    result = await engine.range("a", 0, 30 * MINUTE_MS, 15_000)
    assert series(7) in result.labels
