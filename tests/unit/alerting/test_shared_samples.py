"""Samples kept for many rules: the same answers as the store's, whatever comes in late, with fewer questions."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.alerting.shared_samples import SharedSamples
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Samples, SeriesSet
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource

STEP = 15_000
SERIES = 40
NOW = 10_000 * STEP


@dataclass(frozen=True)
class Late:
    token: int
    oldest_ms: int | None


class CountingStore(MemorySource):
    """A store that tells what came in, and counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self._came: list[int] = []

    def come(self, labels: Labels, time_ms: int, value: float) -> None:
        self.add(labels, time_ms, value)
        self._came.append(time_ms)

    def late_since(self, token: int) -> Late:
        return Late(len(self._came), min(self._came[token:], default=None))

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        self.reads += 1
        return await super().read_samples(series, start_ms, end_ms)


def labels(number: int) -> Labels:
    return Labels.of({"__name__": "x", "number": str(number)})


def queries() -> Sequence[str]:
    return [f'rate(x{{number="{number}"}}[5m])' for number in range(SERIES)]


async def test_answers_are_those_of_the_store_whatever_comes_in_late() -> None:
    choose, store, now_s = random.Random(1), CountingStore(), [0.0]
    for number in range(SERIES):
        for time_ms in range(NOW - 60 * STEP, NOW, STEP):
            store.come(labels(number), time_ms, float(time_ms // STEP * (number + 1)))
    shared = SharedSamples(store, store, 2**20, monotonic=lambda: now_s[0])
    kept, direct = QueryEngine(shared), QueryEngine(store)
    reads = []
    for turn in range(12):
        now_s[0] += 15
        for number in range(SERIES):
            # Some come late, some do not come at all.
            time_ms = NOW + turn * STEP - choose.choice((0, 0, 0, 2, 7)) * STEP - number
            if choose.random() < 0.9:
                store.come(labels(number), time_ms, float(time_ms // 7 * (number + 1)))
        before = store.reads
        found = [await kept.instant(query, NOW + turn * STEP) for query in queries()]
        reads.append(store.reads - before)
        for query, answer in zip(queries(), found, strict=True):
            expected = await direct.instant(query, NOW + turn * STEP)
            assert answer.labels == expected.labels
            assert answer.values.tolist() == expected.values.tolist()
    # Forty questions, and one or two to the store.
    assert max(reads[2:]) <= 2


async def test_times_may_come_out_of_order_and_new_series_are_found() -> None:
    store, now_s = CountingStore(), [0.0]
    for number in range(SERIES):
        for time_ms in range(NOW - 60 * STEP, NOW, STEP):
            store.come(labels(number), time_ms, float(number))
    shared = SharedSamples(store, store, 2**20, monotonic=lambda: now_s[0])
    engine = QueryEngine(shared)
    for query in queries():
        await engine.instant(query, NOW)
    store.come(labels(99), NOW - STEP, 5.0)
    now_s[0] += 60
    found = await engine.instant('x{number="99"}', NOW)
    assert found.values.tolist() == [[5.0]]
    earlier = await engine.instant('count_over_time(x{number="3"}[5m])', NOW - 4 * STEP)
    assert earlier.values.tolist() == [[20.0]]


async def test_much_is_not_kept() -> None:
    store = CountingStore()
    for number in range(SERIES):
        store.come(labels(number), NOW - STEP, 1.0)
    shared = SharedSamples(store, store, max_bytes=16)
    for query in queries():
        await QueryEngine(shared).instant(query, NOW)
    series = await shared.find_series([Matcher("number", MatchOperator.EQUAL, "1")], NOW - 5 * STEP, NOW)
    assert len(await shared.read_samples(series, NOW - 5 * STEP, NOW)) == 1
