"""Windows over flat samples, compared with a search in each series."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gnomon.model.series import STALE, Samples
from gnomon.promql.windows import drop_stale, find_windows, window_sums

_series = st.lists(st.integers(-100, 500), max_size=60, unique=True).map(sorted)
_even = st.tuples(st.integers(-50, 50), st.integers(1, 40), st.integers(0, 60)).map(
    lambda one: [one[0] + number * one[1] for number in range(one[2])]
)


def samples_of(rows: list[list[int]], values: list[float] | None = None) -> Samples:
    times = [time for row in rows for time in row]
    return Samples(
        np.cumsum([0, *map(len, rows)], dtype=np.int64),
        np.array(times, dtype=np.int64),
        np.array(values if values is not None else [0.0] * len(times)),
    )


@given(
    rows=st.lists(st.one_of(_series, _even), min_size=1, max_size=5),
    start=st.integers(-150, 300),
    step=st.integers(1, 50),
    steps=st.integers(1, 30),
    length=st.integers(1, 200),
)
def test_a_window_holds_what_is_after_its_start_and_not_after_its_end(
    rows: list[list[int]], start: int, step: int, steps: int, length: int
) -> None:
    """Whatever the spacing of samples and steps."""
    samples = samples_of(rows)
    ends = start + step * np.arange(steps, dtype=np.int64)
    windows = find_windows(samples, ends, length)
    for number, row in enumerate(rows):
        times, begin = np.array(row, dtype=np.int64), samples.offsets[number]
        assert np.array_equal(windows.after[number], begin + np.searchsorted(times, ends, side="right"))
        assert np.array_equal(windows.first[number], begin + np.searchsorted(times, ends - length, side="right"))


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=40),
    length=st.integers(1, 20),
)
def test_a_sum_that_is_not_doubtful_is_exact(values: list[float], length: int) -> None:
    """Whatever came before the window: huge values, infinities, NaN."""
    samples = samples_of([list(range(len(values)))], values)
    ends = np.arange(len(values), dtype=np.int64)
    sums, doubtful = window_sums(samples.values, samples.offsets, find_windows(samples, ends, length))
    for end in ends[~doubtful[0]].tolist():
        part = values[max(0, end - length + 1) : end + 1]
        exact = float(np.sum(np.array(part, dtype=np.longdouble)))
        assert np.isclose(sums[0, end], exact, rtol=1e-12, atol=0) or sums[0, end] == exact


def test_staleness_markers_are_no_samples_of_a_window() -> None:
    samples = drop_stale(samples_of([[1, 2, 3], [4, 5]], [1.0, STALE, np.nan, STALE, 5.0]))
    assert samples.times_ms.tolist() == [1, 3, 5]
    assert samples.offsets.tolist() == [0, 2, 3]
