"""The `…_over_time` functions over floats."""

import numpy as np
from numpy.typing import NDArray

from gnomon.model.series import Floats, Integers, Mask
from gnomon.promql import compensated
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows
from gnomon.promql.quantiles import interpolate_sorted
from gnomon.promql.windows import window_sums

_CELLS_AT_ONCE = 4_000_000
# So few are walked through in less time than anybody notices.
_FEW_SAMPLES = 20_000
_FEW_STEPS = 120


def count_over_time(given: FloatWindows) -> FloatResult:
    """Return the number of samples."""
    return given.counts.astype(np.float64), given.at_least(1)


def present_over_time(given: FloatWindows) -> FloatResult:
    """Return 1 where there is a sample."""
    return np.ones(given.counts.shape), given.at_least(1)


def first_over_time(given: FloatWindows) -> FloatResult:
    """Return the oldest sample."""
    return _pick(given, given.values, newest=False)


def last_over_time(given: FloatWindows) -> FloatResult:
    """Return the newest sample."""
    return _pick(given, given.values, newest=True)


def ts_of_first_over_time(given: FloatWindows) -> FloatResult:
    """Return the oldest sample's time."""
    return _pick(given, given.samples.times_ms / 1000, newest=False)


def ts_of_last_over_time(given: FloatWindows) -> FloatResult:
    """Return the newest sample's time."""
    return _pick(given, given.samples.times_ms / 1000, newest=True)


def _pick(given: FloatWindows, values: Floats, *, newest: bool) -> FloatResult:
    present = given.at_least(1)
    if not len(values):
        return np.zeros(present.shape), present
    return (given.last(values) if newest else given.first(values)).astype(np.float64), present


def sum_over_time(given: FloatWindows) -> FloatResult:
    """Return the sum."""
    return _mended(given, *window_sums(given.values, given.samples.offsets, given.windows), mean=False)


def avg_over_time(given: FloatWindows) -> FloatResult:
    """Return the mean; of a few samples, to the last bit as Prometheus does: unit tests of rules compare exactly."""
    counts = given.counts
    longest = int(counts.max(initial=0))
    if longest <= _FEW_STEPS and counts.size * longest <= _FEW_SAMPLES:
        exact = compensated.means(given.values, given.windows.first.ravel(), counts.ravel())
        return exact.reshape(counts.shape), given.at_least(1)
    result, doubtful = window_sums(given.values, given.samples.offsets, given.windows)
    with np.errstate(all="ignore"):
        return _mended(given, result / given.counts, doubtful, mean=True)


def _mended(given: FloatWindows, result: Floats, doubtful: Mask, *, mean: bool) -> FloatResult:
    if doubtful.any():
        exactly = compensated.means if mean else compensated.sums
        result[doubtful] = exactly(given.values, given.windows.first[doubtful], given.counts[doubtful])
    return result, given.at_least(1)


def max_over_time(given: FloatWindows) -> FloatResult:
    """Return the greatest value; NaN only where there is nothing else."""
    return _extreme(given, np.fmax), given.at_least(1)


def min_over_time(given: FloatWindows) -> FloatResult:
    """Return the least value; NaN only where there is nothing else."""
    return _extreme(given, np.fmin), given.at_least(1)


def _extreme(given: FloatWindows, choose: np.ufunc) -> Floats:
    """Take each window as two overlapping ones whose lengths are the same power of two."""
    counts = given.counts
    result = np.zeros(counts.shape)
    longest = int(counts.max(initial=0))
    table = given.values
    length = 1
    while length <= longest:
        chosen = (counts >= length) & (counts < 2 * length)
        if chosen.all():
            return np.asarray(choose(table[given.windows.first], table[given.windows.after - length]))
        if chosen.any():
            result[chosen] = choose(table[given.windows.first[chosen]], table[given.windows.after[chosen] - length])
        if 2 * length <= longest:
            table = choose(table[:-length], table[length:])
        length *= 2
    return result


def ts_of_max_over_time(given: FloatWindows) -> FloatResult:
    """Return when the value was greatest, for the last time."""
    return _time_of(given, given.values)


def ts_of_min_over_time(given: FloatWindows) -> FloatResult:
    """Return when the value was least, for the last time."""
    return _time_of(given, -given.values)


def _time_of(given: FloatWindows, values: Floats) -> FloatResult:
    present = given.at_least(1)
    best, when = np.full(present.size, np.nan), np.zeros(present.size, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        for number, places, samples in compensated.walk(given.windows.first.ravel(), given.counts.ravel()):
            value = values[samples]
            better = (value >= best[places]) | np.isnan(best[places]) | (number == 0)
            best[places[better]] = value[better]
            when[places[better]] = given.samples.times_ms[samples[better]]
    return (when / 1000).reshape(present.shape), present


def stdvar_over_time(given: FloatWindows) -> FloatResult:
    """Return the population variance."""
    present = given.at_least(1)
    mean, mean_rest = np.zeros(present.size), np.zeros(present.size)
    squares, squares_rest = np.zeros(present.size), np.zeros(present.size)
    with np.errstate(all="ignore"):
        for number, places, samples in compensated.walk(given.windows.first.ravel(), given.counts.ravel()):
            value = given.values[samples]
            distance = value - (mean[places] + mean_rest[places])
            mean[places], mean_rest[places] = compensated.add_compensated(
                distance / (number + 1), mean[places], mean_rest[places]
            )
            squares[places], squares_rest[places] = compensated.add_compensated(
                distance * (value - (mean[places] + mean_rest[places])), squares[places], squares_rest[places]
            )
        return ((squares + squares_rest) / given.counts.ravel()).reshape(present.shape), present


def stddev_over_time(given: FloatWindows) -> FloatResult:
    """Return the population standard deviation."""
    variance, present = stdvar_over_time(given)
    with np.errstate(all="ignore"):
        return np.sqrt(variance), present


def quantile_over_time(given: FloatWindows) -> FloatResult:
    """Return the quantile that the parameter says, interpolated."""
    result = np.zeros(given.counts.shape)
    quantiles = np.broadcast_to(given.parameters[0], result.shape)
    for chosen, table in _sorted_windows(given):
        result[chosen] = interpolate_sorted(quantiles[chosen], table)
    return result, given.at_least(1)


def mad_over_time(given: FloatWindows) -> FloatResult:
    """Return the median distance from the median."""
    result = np.zeros(given.counts.shape)
    with np.errstate(invalid="ignore"):
        for chosen, table in _sorted_windows(given):
            half = np.full(len(table), 0.5)
            distances = np.abs(table - interpolate_sorted(half, table)[:, None])
            distances[np.isnan(distances).any(axis=1)] = np.nan
            distances.sort(axis=1)
            result[chosen] = interpolate_sorted(half, distances)
    return result, given.at_least(1)


def _sorted_windows(given: FloatWindows) -> list[tuple[tuple[Integers, ...], Floats]]:
    """Return windows of the same length together, each a sorted row."""
    found: list[tuple[tuple[Integers, ...], Floats]] = []
    counts = given.counts
    for count in np.unique(counts[counts > 0]):
        rows, columns = (places.astype(np.int64) for places in np.nonzero(counts == count))
        at_once = max(1, _CELLS_AT_ONCE // int(count))
        for start in range(0, len(rows), at_once):
            part = (rows[start : start + at_once], columns[start : start + at_once])
            places: NDArray[np.int64] = given.windows.first[part][:, None] + np.arange(count)
            found.append((part, np.sort(given.values[places], axis=1)))
    return found


def double_exponential_smoothing(given: FloatWindows) -> FloatResult:
    """Return the last value, smoothed by the two parameters."""
    present = given.at_least(2)
    shape = present.shape
    smoothing = np.broadcast_to(given.parameters[0], shape).ravel()
    trending = np.broadcast_to(given.parameters[1], shape).ravel()
    before, level, trend = np.zeros(present.size), np.zeros(present.size), np.zeros(present.size)
    counts = np.where(present, given.counts, 0).ravel()
    with np.errstate(all="ignore"):
        for number, places, samples in compensated.walk(given.windows.first.ravel(), counts):
            value = given.values[samples]
            if number == 0:
                level[places] = value
                continue
            if number == 1:
                trend[places] = value - given.values[samples - 1]
            else:
                factor = trending[places]
                trend[places] = factor * (level[places] - before[places]) + (1 - factor) * trend[places]
            factor = smoothing[places]
            newer = factor * value + (1 - factor) * (level[places] + trend[places])
            before[places], level[places] = level[places], newer
    return level.reshape(shape), present
