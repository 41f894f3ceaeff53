"""Samples are put together by five minutes and by the hour, and anew where some came in late."""

import asyncio
import time
from collections.abc import Iterable
from itertools import pairwise

from gnomon.model.series import STALE
from gnomon.storage.downsampling import Downsampler
from tests.opened_metrics import OpenedMetrics, make_series

HOUR_S = 3600
NOW_S = int(time.time())
BASE_S = NOW_S // HOUR_S * HOUR_S - 6 * HOUR_S
COLUMNS = (
    "toUnixTimestamp(ts) AS ts, min, max, sum, count, first, toUnixTimestamp64Milli(first_ts) AS first_ts, last,"
    " toUnixTimestamp64Milli(last_ts) AS last_ts, increase"
)

Pairs = list[tuple[int, float]]


class FixedClock:
    """A clock that always tells one time; whoever sleeps by it wakes up all the same."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def now_ns(self) -> int:
        return self.now_s * 10**9

    def monotonic(self) -> float:
        return float(self.now_s)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _expected(samples: Iterable[tuple[int, float]], resolution_s: int, until_s: int) -> list[dict[str, float]]:
    """Return the rows of one series as the definition says, one bucket after the other."""
    buckets: dict[int, Pairs] = {}
    for ms, value in sorted(set(samples)):
        end = -(-ms // (resolution_s * 1000)) * resolution_s
        if value == value and end <= until_s:  # noqa: PLR0124 - not NaN
            buckets.setdefault(end, []).append((ms, value))
    rows = []
    for end, pairs in sorted(buckets.items()):
        values = [value for _, value in pairs]
        gained = sum(b if b < a else b - a for a, b in pairwise(values))
        rows.append(
            {"ts": end, "min": min(values), "max": max(values), "sum": sum(values), "count": len(values),
             "first": values[0], "first_ts": pairs[0][0], "last": values[-1], "last_ts": pairs[-1][0],
             "increase": gained}
        )  # fmt: skip
    return rows


def _counter() -> Pairs:
    """Return two hours of a counter that restarts now and then, scraped at odd times."""
    return [((BASE_S + 15 * place) * 1000 + place % 7, float(place * 3 % 500)) for place in range(480)]


async def _rows(opened: OpenedMetrics, table: str) -> list[dict[str, float]]:
    return (await opened.storage.engine.query(f"SELECT {COLUMNS} FROM {table} FINAL ORDER BY id, ts")).rows()


async def test_buckets_hold_what_their_samples_say(opened_metrics: OpenedMetrics) -> None:
    """Both resolutions agree with the definition, duplicates and staleness markers left out, restarts made good."""
    samples = _counter()
    marked = [*samples, (samples[-1][0] + 5, STALE)]
    await opened_metrics.load(make_series({"__name__": "c"}, marked))
    await opened_metrics.load(make_series({"__name__": "c"}, samples[:100]))
    downsampler = Downsampler(opened_metrics.storage.engine, opened_metrics.catalog, FixedClock(BASE_S + 6 * HOUR_S))
    await downsampler.run()
    assert await _rows(opened_metrics, "samples_5m") == _expected(samples, 300, NOW_S)
    assert await _rows(opened_metrics, "samples_1h") == _expected(samples, HOUR_S, NOW_S)


async def test_only_buckets_that_have_ended_are_written(opened_metrics: OpenedMetrics) -> None:
    """Each run goes on where the last one ended, also that of a former process."""
    samples = _counter()
    await opened_metrics.load(make_series({"__name__": "c"}, samples))
    for minutes in (17, 18, 61, 121, 240):
        clock = FixedClock(BASE_S + minutes * 60)
        downsampler = Downsampler(opened_metrics.storage.engine, opened_metrics.catalog, clock)
        await downsampler.run()
        until_s = (clock.now_s - 120) // 300 * 300
        assert await _rows(opened_metrics, "samples_5m") == _expected(samples, 300, until_s)
        assert await _rows(opened_metrics, "samples_1h") == _expected(samples, HOUR_S, until_s // HOUR_S * HOUR_S)
        count = "SELECT count() FROM samples_5m"
        written = (await opened_metrics.storage.engine.query(count)).value()
        await downsampler.run()
        assert (await opened_metrics.storage.engine.query(count)).value() == written


async def test_late_samples_are_taken_in(opened_metrics: OpenedMetrics) -> None:
    """Buckets that had been written are written anew when samples for them arrive."""
    samples = _counter()
    await opened_metrics.load(make_series({"__name__": "c"}, samples[1::2]))
    downsampler = Downsampler(opened_metrics.storage.engine, opened_metrics.catalog, FixedClock(BASE_S + 6 * HOUR_S))
    await downsampler.run()
    await opened_metrics.load(make_series({"__name__": "c"}, samples[::2]))
    await downsampler.run()
    assert await _rows(opened_metrics, "samples_5m") == _expected(samples, 300, NOW_S)
    assert await _rows(opened_metrics, "samples_1h") == _expected(samples, HOUR_S, NOW_S)
