import numpy as np

from gnomon.alerting.recent_samples import RecentSamples
from gnomon.alerting.rule_results import Result
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import STALE
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource

MINUTE = 60_000


def labels(text: str) -> Labels:
    return Labels.of({"__name__": "x", "n": text})


class World:
    """A store that knows the series a, and recent samples in front of it."""

    def __init__(self) -> None:
        self.store = MemorySource()
        for minute in range(3):
            self.store.add(labels("a"), minute * MINUTE, float(minute))
        self.recent = RecentSamples(self.store)
        self.engine = QueryEngine(self.recent)

    async def query(self, query: str, minute: int) -> dict[str, float]:
        answer = await self.engine.instant(query, minute * MINUTE)
        return dict(zip((one.get("n") for one in answer.labels), answer.values[:, 0].tolist(), strict=True))


async def test_what_was_kept_is_found_beside_what_is_stored() -> None:
    world = World()
    world.recent.keep([Result(labels("a"), 9.0), Result(labels("b"), 8.0)], 3 * MINUTE)
    assert await world.query("x", 3) == {"a": 9.0, "b": 8.0}
    assert await world.query("count_over_time(x[10m])", 3) == {"a": 4.0, "b": 1.0}
    assert await world.query('x{n="b"}', 3) == {"b": 8.0}


async def test_what_the_store_has_by_now_counts_once() -> None:
    world = World()
    world.recent.keep([Result(labels("a"), 2.0)], 2 * MINUTE)
    assert await world.query("count_over_time(x[10m])", 3) == {"a": 3.0}
    world.recent.keep([Result(labels("b"), 8.0)], 3 * MINUTE)
    world.store.add(labels("b"), 3 * MINUTE, 8.0)
    assert await world.query("sum_over_time(x[10m])", 3) == {"a": 3.0, "b": 8.0}


async def test_a_series_that_was_ended_just_now_is_gone() -> None:
    world = World()
    world.recent.keep([Result(labels("b"), 8.0)], 2 * MINUTE)
    world.recent.keep([Result(labels("a"), STALE), Result(labels("b"), STALE)], 3 * MINUTE)
    assert await world.query("x", 3) == {}
    assert await world.query("count_over_time(x[10m])", 3) == {"a": 3.0, "b": 1.0}


async def test_after_a_minute_the_store_answers_alone() -> None:
    world = World()
    world.recent.keep([Result(labels("b"), 8.0)], 3 * MINUTE)
    world.recent.keep([Result(labels("c"), 7.0)], 5 * MINUTE)
    assert await world.query("x", 5) == {"a": 2.0, "c": 7.0}


async def test_histograms_are_kept_too() -> None:
    world = World()
    world.recent.keep([Result(labels("h"), NativeHistogram(count=3))], 3 * MINUTE)
    assert await world.query("histogram_count(x)", 3) == {"h": 3.0}
    series = await world.recent.find_series((), 0, 3 * MINUTE)
    samples = await world.recent.read_samples(series, -1, 3 * MINUTE)
    assert samples.histograms is not None
    assert np.flatnonzero(samples.histograms != None).tolist() == [3]  # noqa: E711 - an array of objects
