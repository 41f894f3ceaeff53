import itertools

import numpy as np

from gnomon.model.histogram_buckets import Buckets
from gnomon.model.histogram_tables import HistogramTable, combine_hints
from gnomon.model.native_histograms import CounterReset, NativeHistogram


def histogram(
    start: int, *counts: float, hint: CounterReset = CounterReset.UNKNOWN, edge: float = 0.0
) -> NativeHistogram:
    buckets = Buckets(np.arange(start, start + len(counts), dtype=np.int64), np.array(counts, np.float64))
    return NativeHistogram(0, sum(counts), sum(counts), edge, 0, buckets, buckets, counter_reset=hint)


def test_what_is_stacked_comes_back() -> None:
    histograms = [histogram(0, 1, 2), histogram(1, 3), histogram(-2, 4, 0, 5, hint=CounterReset.GAUGE), histogram(0)]
    table = HistogramTable.stack(histograms)
    assert table is not None
    back = table.unstack(table.cells, table.hints)
    assert [str(one) for one in back] == [str(one) for one in histograms]
    assert [one.counter_reset for one in back] == [one.counter_reset for one in histograms]
    assert table.counts.tolist() == [3, 3, 9, 0]


def test_different_layouts_have_no_table() -> None:
    assert HistogramTable.stack([histogram(0, 1), histogram(0, 1).coarser(-1)]) is None
    assert HistogramTable.stack([histogram(0, 1), histogram(0, 1, edge=0.5)]) is None


def test_resets_are_those_of_single_histograms() -> None:
    random = np.random.default_rng(3)
    hints = [CounterReset.UNKNOWN] * 6 + [CounterReset.RESET, CounterReset.NOT_RESET, CounterReset.GAUGE]
    histograms = [
        histogram(int(random.integers(-1, 2)), *random.integers(0, 3, 3).tolist(), hint=hints[int(random.integers(9))])
        for _ in range(300)
    ]
    table = HistogramTable.stack(histograms)
    assert table is not None
    expected = [after.is_reset_from(before) for before, after in itertools.pairwise(histograms)]
    assert table.resets()[1:].tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_hints_combine_as_in_single_sums() -> None:
    unknown, reset, not_reset, gauge = (np.array([int(hint)]) for hint in CounterReset)
    nothing = np.array([-1])
    assert combine_hints([reset, reset]).tolist() == reset.tolist()
    assert combine_hints([reset, not_reset, reset]).tolist() == unknown.tolist()
    assert combine_hints([unknown, reset]).tolist() == unknown.tolist()
    assert combine_hints([reset, not_reset, gauge]).tolist() == gauge.tolist()
    assert combine_hints([nothing, reset, nothing]).tolist() == reset.tolist()
