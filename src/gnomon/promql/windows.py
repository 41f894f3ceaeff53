"""Windows of samples: where they begin and end in the flat arrays, and sums over them without a loop over samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnomon.model.series import Floats, Integers, Samples, is_stale
from gnomon.promql.values import holds_histogram

_PRECISE = np.longdouble
_PRECISE_EPSILON = float(np.finfo(_PRECISE).eps)
# A sum is taken from the running sums when it is exact to this part of itself.
_TOLERANCE = 2.0**-43
# Few enough for what is computed at once to stay in the processor's cache.
_CELLS_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Windows:
    """Window of series `i` at step `j` holds the samples `first[i, j]:after[i, j]`."""

    first: Integers
    after: Integers

    @property
    def counts(self) -> Integers:
        """Return how many samples each window holds."""
        return self.after - self.first


def drop_stale(samples: Samples) -> Samples:
    """Return the samples without staleness markers."""
    stale = is_stale(samples.values)
    if samples.histograms is not None:
        stale = stale & ~holds_histogram(samples.histograms)
    if not stale.any():
        return samples
    return select_samples(samples, ~stale)


def select_samples(samples: Samples, kept: NDArray[np.bool_]) -> Samples:
    """Return some samples of every series."""
    before = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    return Samples(
        before[samples.offsets],
        samples.times_ms[kept],
        samples.values[kept],
        None if samples.histograms is None else samples.histograms[kept],
        None if samples.starts_ms is None else samples.starts_ms[kept],
    )


def find_windows(samples: Samples, ends_ms: Integers, range_ms: int) -> Windows:
    """Return the windows `(end - range_ms, end]` of every series; `ends_ms` ascend evenly."""
    steps = len(ends_ms)
    step_ms = int(ends_ms[1] - ends_ms[0]) if steps > 1 else 0
    if not step_ms or range_ms % step_ms or range_ms // step_ms > steps:
        return Windows(count_until(samples, ends_ms - range_ms), count_until(samples, ends_ms))
    # The end of one window is the start of a later one.
    apart = range_ms // step_ms
    bounds = count_until(samples, ends_ms[0] - range_ms + step_ms * np.arange(steps + apart, dtype=np.int64))
    return Windows(bounds[:, :steps], bounds[:, apart:])


def count_until(samples: Samples, ends_ms: Integers) -> Integers:
    """Return, for each series and end, the position after the last sample that is not later than the end."""
    starts = samples.offsets[:-1]
    series, steps = len(starts), len(ends_ms)
    if not series or not steps:
        return np.zeros((series, steps), dtype=np.int64)
    if len(samples) >= series * steps:
        return _guess_until(samples, ends_ms)
    if steps == 1:
        return _count_until_one(samples, int(ends_ms[0]))
    return _count_by_step(samples, ends_ms)


def _count_by_step(samples: Samples, ends_ms: Integers) -> Integers:
    """Count the samples that come in with each step: cheap where there are few samples."""
    series, steps = len(samples.offsets) - 1, len(ends_ms)
    step_ms = int(ends_ms[1] - ends_ms[0])
    # The first step that is not earlier than the sample.
    places = np.clip((samples.times_ms - (int(ends_ms[0]) - step_ms + 1)) // step_ms, 0, steps)
    rows = np.repeat(np.arange(series, dtype=np.int64) * (steps + 1), np.diff(samples.offsets))
    counts = np.bincount(rows + places, minlength=series * (steps + 1)).reshape(series, steps + 1)[:, :steps]
    result = np.cumsum(counts, axis=1)
    result += samples.offsets[:-1, None]
    return result


def _guess_until(samples: Samples, ends_ms: Integers) -> Integers:
    """Guess from each series' even spacing, and look: cheap where there are many samples, as most are spaced evenly."""
    series, steps = len(samples.offsets) - 1, len(ends_ms)
    result = np.empty((series, steps), dtype=np.int64)
    at_once = max(1, _CELLS_AT_ONCE // steps)
    for start in range(0, series, at_once):
        rows = slice(start, start + at_once)
        result[rows] = _guess_rows(samples, rows, ends_ms)
    return result


def _guess_rows(samples: Samples, rows: slice, ends_ms: Integers) -> Integers:
    times_ms, last = samples.times_ms, len(samples) - 1
    begin, end = samples.offsets[:-1][rows, None], samples.offsets[1:][rows, None]
    counts = end - begin
    first_ms = times_ms[np.minimum(begin, last)]
    apart_ms = np.maximum((times_ms[np.maximum(end - 1, 0)] - first_ms) / np.maximum(counts - 1, 1), 1.0)
    found: Integers = ((ends_ms - first_ms) / apart_ms).astype(np.int64) + 1
    np.clip(found, 0, counts, out=found)
    found += begin
    for _ in range(2):
        # Too far where the last sample is later than the end, not far enough where the next one is not.
        over = (times_ms[np.maximum(found - 1, 0)] > ends_ms) & (found > begin)
        under = (times_ms[np.minimum(found, last)] <= ends_ms) & (found < end)
        if not (over.any() or under.any()):
            return found
        found += under
        found -= over
    wrong = (times_ms[np.maximum(found - 1, 0)] > ends_ms) & (found > begin)
    wrong |= (times_ms[np.minimum(found, last)] <= ends_ms) & (found < end)
    for row in np.flatnonzero(wrong.any(axis=1)).tolist():
        low, high = int(begin[row, 0]), int(end[row, 0])
        found[row] = low + np.searchsorted(times_ms[low:high], ends_ms, side="right")
    return found


def _count_until_one(samples: Samples, end_ms: int) -> Integers:
    before = np.zeros(len(samples.times_ms) + 1, dtype=np.int64)
    np.cumsum(samples.times_ms <= end_ms, out=before[1:])
    counts = before[samples.offsets[1:]] - before[samples.offsets[:-1]]
    return (samples.offsets[:-1] + counts)[:, None]


def running_sums(values: Floats, offsets: Integers) -> NDArray[np.longdouble]:
    """Return running sums in extended precision that start anew with every series; one longer than `values` a series.

    The sum of a series' samples `a:b` is `sums[b + i] - sums[a + i]` where `i` is the number of the series.
    """
    lengths = np.diff(offsets)
    series, longest = len(lengths), int(lengths.max(initial=0))
    sums = np.zeros(len(values) + series, dtype=_PRECISE)
    if series > 1 and bool((lengths == longest).all()):
        sums.reshape(series, longest + 1)[:, 1:] = values.reshape(series, longest)
        table = sums.reshape(series, longest + 1)
        np.cumsum(table, axis=1, out=table)
        return sums
    for number in range(series):
        start, end = int(offsets[number]), int(offsets[number + 1])
        np.cumsum(values[start:end], dtype=_PRECISE, out=sums[start + number + 1 : end + number + 1])
    return sums


def window_sums(values: Floats, offsets: Integers, windows: Windows) -> tuple[Floats, NDArray[np.bool_]]:
    """Return every window's sum, and which of them are not exact enough to be used (overflow, cancellation, NaN)."""
    numbers = np.arange(len(offsets) - 1, dtype=np.int64)[:, None]
    first, after = windows.first + numbers, windows.after + numbers
    with np.errstate(all="ignore"):
        sums = running_sums(values, offsets)
        result = sums[after] - sums[first]
        whole = sums if bool((values >= 0).all()) else running_sums(np.abs(values), offsets)
        error = whole[after] * (_PRECISE_EPSILON * (np.diff(offsets)[:, None] + 2))
        doubtful = ~(error <= np.abs(result) * _TOLERANCE)
        if bool(doubtful.any()):
            # A window of nothing but zeros is exact, however great the sums before it.
            filled = np.zeros(len(values) + 1, dtype=np.int64)
            np.cumsum(values != 0, out=filled[1:])
            doubtful &= (filled[windows.after] != filled[windows.first]) | ~np.isfinite(whole[after])
        result = result.astype(np.float64)
        doubtful |= ~np.isfinite(result)
    return result, doubtful & (windows.counts > 0)
