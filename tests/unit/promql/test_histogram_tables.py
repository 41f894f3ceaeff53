"""Windows of histograms computed at once have the results of windows computed one by one."""

import numpy as np
import pytest

from gnomon.model.histogram_buckets import Buckets
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import Objects, Samples
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions import histogram_tables
from gnomon.promql.functions.histogram_windows import compute
from gnomon.promql.syntax_tree import Span
from gnomon.promql.values import RangeVector
from gnomon.promql.windows import find_windows

SPAN = Span(0, 1)


def make_counter(random: np.random.Generator, *, hints: bool) -> Objects:
    """Return histograms of a counter with resets."""
    counts = np.zeros(4)
    histograms: Objects = np.empty(60, dtype=object)
    for place in range(60):
        counts = counts * (random.random() > 0.1) + random.integers(0, 4, 4)
        buckets = Buckets(np.arange(4, dtype=np.int64), counts.copy())
        hint = CounterReset(int(random.integers(4))) if hints else CounterReset.UNKNOWN
        total = float(counts.sum())
        histograms[place] = NativeHistogram(1, total, total * 1.5, 0.01, 0, buckets, counter_reset=hint)
    return histograms


@pytest.mark.parametrize("function", sorted(histogram_tables.FUNCTIONS))
@pytest.mark.parametrize("hints", [False, True])
def test_both_ways_agree(function: str, hints: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    series = [make_counter(random, hints=hints) for _ in range(3)]
    times = np.cumsum(random.integers(5, 25, 60)).astype(np.int64) * 1000
    samples = Samples(np.arange(4) * 60, np.tile(times, 3), np.zeros(180), np.concatenate(series))
    ends = np.arange(0, 1_000_000, 30_000, dtype=np.int64)
    vector = RangeVector(tuple(Labels.of({"__name__": name}) for name in "abc"), samples, ends, 150_000)
    windows = find_windows(samples, ends, 150_000)
    cells = windows.counts > 0
    at_once, one_by_one = Annotations(), Annotations()
    _, present, found = compute(function, vector, windows, cells, at_once, SPAN)
    monkeypatch.setattr(histogram_tables, "FUNCTIONS", frozenset())
    _, expected_present, expected = compute(function, vector, windows, cells, one_by_one, SPAN)

    assert present.tolist() == expected_present.tolist()
    assert present.any()
    for one, two in zip(found[present], expected[present], strict=True):
        assert one.counter_reset is two.counter_reset
        assert (one.count, one.sum) == pytest.approx((two.count, two.sum), rel=1e-12)
        assert one.positive.compact().indices.tolist() == two.positive.compact().indices.tolist()
        assert one.positive.compact().counts == pytest.approx(two.positive.compact().counts, rel=1e-12)
    assert at_once.warnings("") == one_by_one.warnings("")
