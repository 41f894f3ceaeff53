"""Samples that were put together answer windows of whole buckets exactly, and say that they did."""

import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Grid
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.storage.bucket_windows import FUNCTIONS
from gnomon.storage.downsampling import Downsampler
from gnomon.storage.metric_store import MetricStore
from gnomon.storage.resolutions import FIVE_MINUTES_MS, HOUR_MS, RAW_MS, Kept, Part, finest_for
from gnomon.storage.settings import MetricSettings, RetentionSettings
from tests.opened_metrics import OpenedMetrics, make_series, open_metrics
from tests.opened_storage import OpenedStorage
from tests.unit.storage.test_downsampling import FixedClock

HOUR_S = 3600
NOW_S = int(time.time()) // HOUR_S * HOUR_S
BASE_S = NOW_S - 12 * HOUR_S
METRIC = [Matcher("__name__", MatchOperator.EQUAL, "m")]


def _series(seed: int) -> dict[Labels, list[tuple[int, float]]]:
    """Return six hours of counters with restarts and gaps, and of gauges."""
    rng = random.Random(seed)
    found = {}
    for place in range(8):
        value, samples = 1000.0 * place, []
        for step in range(6 * 240):
            value = value + rng.randrange(9) if rng.random() > 0.005 else float(rng.randrange(5))
            if place != 3 or step % 400 < 200:
                samples.append(((BASE_S + 15 * step) * 1000 + place * 37, value))
        found[Labels.of({"__name__": "m", "place": str(place)})] = samples
    return found


def _aged(opened: OpenedMetrics, *, raw_h: int, five_minutes_h: int) -> MetricStore:
    """Return a store for which raw samples, and those of five minutes, are that old at most."""
    retention = RetentionSettings(metrics_s=raw_h * HOUR_S, metrics_5m_s=five_minutes_h * HOUR_S)
    return MetricStore(opened.storage.engine, opened.catalog, MetricSettings(retention=retention))


@pytest.fixture
async def filled(opened_storage: OpenedStorage, tmp_path: Path) -> AsyncIterator[tuple[OpenedMetrics, MemorySource]]:
    """Return the same series stored, with all that is put together of them, and in memory."""
    async with open_metrics(opened_storage, tmp_path, clock=FixedClock(NOW_S)) as opened:
        yield await _fill(opened)


async def _fill(opened_metrics: OpenedMetrics) -> tuple[OpenedMetrics, MemorySource]:
    series, memory = _series(3), MemorySource()
    for labels, samples in series.items():
        for moment, value in samples:
            memory.add(labels, moment, value)
    await opened_metrics.load(b"".join(make_series(labels.to_dict(), samples) for labels, samples in series.items()))
    await Downsampler(opened_metrics.storage.engine, opened_metrics.catalog, FixedClock(NOW_S)).run()
    return opened_metrics, memory


@pytest.mark.parametrize(("five_minutes_h", "resolution_s"), [(1000, 300), (1, 3600)])
async def test_windows_of_whole_buckets_are_exact(
    filled: tuple[OpenedMetrics, MemorySource], five_minutes_h: int, resolution_s: int
) -> None:
    """Every function over aligned windows gives what it gives over raw samples."""
    opened, memory = filled
    store = _aged(opened, raw_h=1, five_minutes_h=five_minutes_h)
    series = await store.find_series(METRIC, BASE_S * 1000, NOW_S * 1000)
    grid = Grid((BASE_S - HOUR_S) * 1000, (BASE_S + 8 * HOUR_S) * 1000, resolution_s * 1000)
    for function in sorted(FUNCTIONS - {"last"}):
        for buckets in (1, 3):
            query = f"{function}(m[{buckets * resolution_s}s])"
            windows = await store.read_windows(series, function, grid, buckets * resolution_s * 1000)
            expected = await QueryEngine(memory).range(query, grid.start_ms, grid.end_ms, grid.step_ms)
            assert windows is not None
            assert np.array_equal(windows.grid.present, expected.present), query
            np.testing.assert_allclose(
                windows.grid.values[expected.present], expected.values[expected.present], rtol=1e-9, err_msg=query
            )


async def test_each_step_takes_the_finest_samples_that_are_kept(filled: tuple[OpenedMetrics, MemorySource]) -> None:
    """Old steps are answered from buckets, young ones from raw samples, and the answer says so."""
    opened, memory = filled
    store = _aged(opened, raw_h=9, five_minutes_h=1000)
    series = await store.find_series(METRIC, BASE_S * 1000, NOW_S * 1000)
    grid = Grid((BASE_S + HOUR_S) * 1000, (BASE_S + 5 * HOUR_S) * 1000, 300_000)
    windows = await store.read_windows(series, "count_over_time", grid, 600_000)
    assert windows is not None
    assert windows.resolution_ms == FIVE_MINUTES_MS
    assert windows.left_out.tolist() == []
    asked = ("count_over_time(m[10m])", grid.start_ms, grid.end_ms, grid.step_ms)
    expected = await QueryEngine(memory).range(*asked)
    told = (await QueryEngine(store).range(*asked)).statistics
    assert told.resolution_ms == FIVE_MINUTES_MS
    assert np.array_equal(windows.grid.values[windows.grid.present], expected.values[expected.present])
    young = await store.read_windows(
        series, "count_over_time", replace(grid, start_ms=NOW_S * 1000 - 8 * HOUR_MS), 300_000
    )
    assert young is not None
    assert young.resolution_ms == RAW_MS


async def test_old_samples_are_the_last_of_their_buckets(filled: tuple[OpenedMetrics, MemorySource]) -> None:
    """Functions that need raw samples get one for each bucket, and the raw ones after that."""
    opened, _memory = filled
    store = _aged(opened, raw_h=9, five_minutes_h=1000)
    series = (await store.find_series(METRIC, BASE_S * 1000, NOW_S * 1000)).take(np.array([0]))
    raw = await _aged(opened, raw_h=100, five_minutes_h=1000).read_samples(series, BASE_S * 1000, NOW_S * 1000)
    mixed = await store.read_samples(series, BASE_S * 1000, NOW_S * 1000)
    assert mixed.resolution_ms == FIVE_MINUTES_MS
    assert set(mixed.times_ms.tolist()) <= set(raw.times_ms.tolist())
    steps = np.diff(mixed.times_ms)
    assert (steps[:30] == FIVE_MINUTES_MS).all()
    assert (steps[-100:] == 15_000).all()


def test_steps_are_split_by_age() -> None:
    """Each step falls into one part; what has not been put together yet is read raw."""
    kept = Kept(
        raw_from_ms=40 * HOUR_MS,
        five_minutes_from_ms=20 * HOUR_MS,
        until_ms={FIVE_MINUTES_MS: 45 * HOUR_MS, HOUR_MS: 44 * HOUR_MS},
    )
    grid = Grid(10 * HOUR_MS, 50 * HOUR_MS, HOUR_MS)
    assert kept.split(grid, HOUR_MS) == [
        Part(Grid(10 * HOUR_MS, 20 * HOUR_MS, HOUR_MS), 0, HOUR_MS),
        Part(Grid(21 * HOUR_MS, 40 * HOUR_MS, HOUR_MS), 11, FIVE_MINUTES_MS),
        Part(Grid(41 * HOUR_MS, 50 * HOUR_MS, HOUR_MS), 31, RAW_MS),
    ]
    coarse = kept.split(grid, HOUR_MS, HOUR_MS)
    assert [(part.first, part.resolution_ms) for part in coarse] == [(0, HOUR_MS), (35, FIVE_MINUTES_MS), (36, RAW_MS)]


def test_only_large_queries_with_wide_steps_take_coarser_samples() -> None:
    """A query that stays below the limit, or whose step or window is fine, is answered from raw samples."""
    month = Grid(0, 720 * HOUR_MS, HOUR_MS)
    assert finest_for(10, month, HOUR_MS, 50_000_000) == RAW_MS
    assert finest_for(1000, month, HOUR_MS, 50_000_000) == FIVE_MINUTES_MS
    assert finest_for(10_000, month, HOUR_MS, 50_000_000) == HOUR_MS
    assert finest_for(1000, month, 60_000, 50_000_000) == RAW_MS
    assert finest_for(1000, replace(month, step_ms=60_000), HOUR_MS, 50_000_000) == RAW_MS
