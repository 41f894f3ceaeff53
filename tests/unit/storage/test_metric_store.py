"""Samples go in as remote write requests and come out as dense arrays."""

import time

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import STALE, STALE_BITS, Grid
from tests.opened_metrics import OpenedMetrics, make_series

NOW_MS = time.time_ns() // 1_000_000
FIRST_MS = NOW_MS // 60_000 * 60_000 - 3_600_000
ALL = (FIRST_MS - 1, NOW_MS)
METRIC = Matcher("__name__", MatchOperator.EQUAL, "m")


def _labels(**labels: str) -> dict[str, str]:
    return {"__name__": "m", **labels}


async def test_samples_come_back_by_series_and_time(opened_metrics: OpenedMetrics) -> None:
    """Each series' samples stand together, in the order of labels and of time, whatever order they came in."""
    await opened_metrics.load(
        make_series(_labels(a="2"), [(FIRST_MS + 15_000, 2.5), (FIRST_MS + 30_000, 3.5)]),
        make_series(_labels(a="1"), [(FIRST_MS + 1, 1.0)]),
    )
    await opened_metrics.load(make_series(_labels(a="2"), [(FIRST_MS, 0.5)]))
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    assert series.labels == (Labels.of(_labels(a="1")), Labels.of(_labels(a="2")))
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert samples.offsets.tolist() == [0, 1, 4]
    assert (samples.times_ms - FIRST_MS).tolist() == [1, 0, 15_000, 30_000]
    assert samples.values.tolist() == [1.0, 0.5, 2.5, 3.5]


async def test_intervals_are_open_on_the_left(opened_metrics: OpenedMetrics) -> None:
    """A sample at the start of an interval is not in it, one at the end is."""
    await opened_metrics.load(make_series(_labels(), [(FIRST_MS, 1.0), (FIRST_MS + 10, 2.0), (FIRST_MS + 20, 3.0)]))
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    samples = await opened_metrics.store.read_samples(series, FIRST_MS, FIRST_MS + 10)
    assert samples.values.tolist() == [2.0]


async def test_a_sample_that_was_sent_twice_is_read_once(opened_metrics: OpenedMetrics) -> None:
    """The same series and time in two segments is one sample, raw and in windows."""
    once = make_series(_labels(), [(FIRST_MS + second * 1000, float(second)) for second in range(60)])
    await opened_metrics.load(once)
    await opened_metrics.load(once)
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    assert len(await opened_metrics.store.read_samples(series, *ALL)) == 60
    counted = await opened_metrics.store.read_windows(
        series, "count_over_time", Grid(FIRST_MS + 59_000, FIRST_MS + 59_000, 1), 10_000
    )
    assert counted is not None
    assert counted.grid.values.tolist() == [[10.0]]


async def test_samples_that_came_in_a_muddle_are_read_in_order(opened_metrics: OpenedMetrics) -> None:
    """Late samples, interleaved over several loads, stand where they belong; what was sent twice stands there once."""
    expected: dict[str, dict[int, float]] = {"1": {}, "2": {}, "3": {}}
    for load in range(4):
        requests = []
        for a, known in expected.items():
            times_ms = sorted(FIRST_MS + 1000 * ((5 * load + int(a) + 4 * place) % 23) for place in range(5))
            sent = [(time_ms, float(time_ms % 977)) for time_ms in times_ms]
            requests.append(make_series(_labels(a=a), sent))
            known.update(sent)
        await opened_metrics.load(*requests)
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    samples = await opened_metrics.store.read_samples(series, *ALL)
    for row, known in enumerate(expected.values()):
        part = slice(samples.offsets[row], samples.offsets[row + 1])
        found = zip(samples.times_ms[part].tolist(), samples.values[part].tolist(), strict=True)
        assert list(found) == sorted(known.items())


async def test_of_two_values_at_one_time_the_last_one_counts(opened_metrics: OpenedMetrics) -> None:
    """A sample that was sent again with another value is read once, with that value."""
    for value in (1.0, 2.0, 3.0):
        later = (FIRST_MS + 1000 * int(value), 0.0)
        await opened_metrics.load(make_series(_labels(), [(FIRST_MS, value), later]))
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    samples = await opened_metrics.store.read_samples(series, *ALL)
    assert (samples.times_ms - FIRST_MS).tolist() == [0, 1000, 2000, 3000]
    assert samples.values.tolist() == [3.0, 0.0, 0.0, 0.0]


async def test_the_bits_of_values_survive(opened_metrics: OpenedMetrics) -> None:
    """Staleness markers, other NaN, infinities and negative zero come back as they went in."""
    values = [STALE, float("nan"), float("inf"), float("-inf"), -0.0, 5e-324]
    await opened_metrics.load(make_series(_labels(), [(FIRST_MS + place, value) for place, value in enumerate(values)]))
    series = await opened_metrics.store.find_series([METRIC], *ALL)
    found = (await opened_metrics.store.read_samples(series, *ALL)).values.view(np.uint64)
    assert found.tolist() == np.array(values).view(np.uint64).tolist()
    assert found[0] == STALE_BITS
