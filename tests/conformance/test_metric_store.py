"""What the engine computes on the grid is what the query engine computes from the same samples in memory."""

import random
import time

import numpy as np
import pytest

from gnomon.model.labels import Labels
from gnomon.model.series import STALE
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.storage.metric_store import MetricStore
from tests.opened_metrics import OpenedMetrics, make_series

BASE_MS = time.time_ns() // 1_000_000 // 600_000 * 600_000 - 7_200_000
RANGE_MS = 3_600_000
FUNCTIONS = (
    "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "min_over_time", "max_over_time",
    "sum_over_time", "avg_over_time", "count_over_time", "last_over_time", "present_over_time", "stddev_over_time",
)  # fmt: skip
GRIDS = ((60_000, 300_000), (15_000, 15_000), (77_000, 123_456), (600_000, 1_020_000), (1_000_000, 60_001))


def _awkward_series(seed: int) -> dict[Labels, list[tuple[int, float]]]:
    """Return series as they come in life: regular and not, with gaps, resets, markers, NaN and infinities."""
    rng = random.Random(seed)
    found = {}
    for place in range(40):
        times = [BASE_MS + 15_000 * step + (rng.randrange(-50, 50) if place % 3 else 0) for step in range(240)]
        if place % 5 == 1:
            times = [moment for moment in times if rng.random() < rng.choice((0.1, 0.5, 0.9))]
        value, samples = rng.random() * 100, []
        for moment in times:
            value = value + rng.randrange(10) if rng.random() > 0.02 else rng.random()
            odd = place % 8 == 7 and rng.random() < 0.1
            samples.append((moment, rng.choice((STALE, float("nan"), float("inf"), -1e308, 1e308)) if odd else value))
        found[Labels.of({"__name__": "m", "place": str(place)})] = samples
    return found


@pytest.fixture
async def sources(opened_metrics: OpenedMetrics) -> tuple[MetricStore, MemorySource]:
    """Return the same series stored and in memory; some samples are stored twice."""
    series = _awkward_series(7)
    memory = MemorySource()
    for labels, samples in series.items():
        for moment, value in samples:
            memory.add(labels, moment, value)
    encoded = [make_series(labels.to_dict(), samples) for labels, samples in series.items()]
    await opened_metrics.load(b"".join(encoded[::2]), b"".join(encoded[1::2]))
    await opened_metrics.load(b"".join(encoded[:10]))
    return opened_metrics.store, memory


async def test_functions_agree(sources: tuple[MetricStore, MemorySource]) -> None:
    """Every range function and the plain selector, over several steps and windows."""
    stored, memory = (QueryEngine(source) for source in sources)
    for step_ms, window_ms in GRIDS:
        for query in ("m", "m offset 1m", *(f"{function}(m[{window_ms}ms])" for function in FUNCTIONS)):
            interval = (BASE_MS + 60_000, BASE_MS + RANGE_MS + 600_000, step_ms)
            found, expected = await stored.range(query, *interval), await memory.range(query, *interval)
            assert found.labels == expected.labels, query
            assert np.array_equal(found.present, expected.present), (query, step_ms)
            np.testing.assert_allclose(
                np.where(found.present, found.values, 0),
                np.where(expected.present, expected.values, 0),
                rtol=1e-9,
                atol=1e-9,
                err_msg=f"{query} {step_ms}",
            )


async def test_instant_queries_agree(sources: tuple[MetricStore, MemorySource]) -> None:
    """One step is computed as many are, also between whole seconds and where windows hold nothing."""
    stored, memory = (QueryEngine(source) for source in sources)
    for moment in (BASE_MS + 1, BASE_MS + 1_234_567, BASE_MS + RANGE_MS, BASE_MS + 2 * RANGE_MS):
        for query in ("m", "rate(m[5m])", "max_over_time(m[90s])", "m @ end()", "m[1m]"):
            found, expected = await stored.instant(query, moment), await memory.instant(query, moment)
            assert found.labels == expected.labels, (query, moment)
            if found.samples is not None and expected.samples is not None:
                assert np.array_equal(found.samples.times_ms, expected.samples.times_ms)
                assert np.array_equal(found.samples.values, expected.samples.values, equal_nan=True)
            else:
                np.testing.assert_allclose(found.values, expected.values, rtol=1e-9, err_msg=query)
