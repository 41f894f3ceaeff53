"""Quantiles and fractions of classic histograms: cumulative bucket counts, many histograms of one layout at once."""

from dataclasses import dataclass

import numpy as np

from gnomon.model.series import Floats, Integers, Mask

# Smaller relative differences between neighbouring buckets are rounding errors.
_TOLERANCE = 1e-12
_SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
_LARGEST = float(np.finfo(np.float64).max)
_QUANTILE_BUCKETS = 2


@dataclass(frozen=True, slots=True)
class Repairs:
    """Which histograms had counts that fell, between which bounds, and by how much at most."""

    forced: Mask
    lowest_bound: Floats
    highest_bound: Floats
    largest_fall: Floats

    @classmethod
    def none(cls, count: int) -> "Repairs":
        """Return that nothing was repaired."""
        return cls(np.zeros(count, np.bool_), np.full(count, np.inf), np.full(count, -np.inf), np.zeros(count))


def quantiles(q: Floats, bounds: Floats, counts: Floats) -> tuple[Floats, Repairs]:
    """Return a quantile of each histogram; `counts` has one row a bucket, ascending, and one column a histogram."""
    repairs = Repairs.none(counts.shape[1])
    result = np.full(counts.shape[1], np.nan)
    if bounds[-1] == np.inf:
        counts, repairs = _make_monotonic(bounds, counts)
        if len(bounds) >= _QUANTILE_BUCKETS:
            result = _interpolate(q, bounds, counts)
    outside = np.isnan(q) | (q < 0) | (q > 1)
    if outside.any():
        result = np.where(np.isnan(q), np.nan, np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result)))
        repairs.forced[outside] = False
    return result, repairs


def _interpolate(q: Floats, bounds: Floats, counts: Floats) -> Floats:
    total = counts[-1]
    last = len(bounds) - 1
    with np.errstate(all="ignore"):
        rank = q * total
        reached = counts[:-1] >= rank
        place = np.where(reached.any(axis=0), reached.argmax(axis=0), last)
        columns = np.arange(counts.shape[1])
        before = np.where(place > 0, counts[place - 1, columns], 0.0)
        start = np.where(place > 0, bounds[place - 1], 0.0)
        inside = counts[place, columns] - before
        result = start + (bounds[place] - start) * ((rank - before) / inside)
    if bounds[0] <= 0:
        result = np.where(place == 0, bounds[0], result)
    result = np.where(place == last, bounds[-2], result)
    return np.where(total == 0, np.nan, result)


def _make_monotonic(bounds: Floats, counts: Floats) -> tuple[Floats, Repairs]:
    """Return counts that never fall; tiny differences either way are levelled without a word."""
    repairs = Repairs.none(counts.shape[1])
    with np.errstate(all="ignore"):
        steps = np.diff(counts, axis=0)
        if bool(((steps == 0) | (steps > np.abs(counts[:-1]) * (4 * _TOLERANCE))).all()):
            return counts, repairs
        result = counts.copy()
        previous = counts[0]
        for place in range(1, len(bounds)):
            current = counts[place]
            close = (current != previous) & _nearly_equal(previous, current)
            falls = ~close & (current < previous)
            if falls.any():
                repairs.forced[falls] = True
                repairs.lowest_bound[falls] = np.minimum(repairs.lowest_bound[falls], bounds[place])
                repairs.highest_bound[falls] = np.maximum(repairs.highest_bound[falls], bounds[place])
                repairs.largest_fall[falls] = np.maximum(repairs.largest_fall[falls], (previous - current)[falls])
            previous = np.where(close | falls, previous, current)
            result[place] = previous
    return result, repairs


def _nearly_equal(one: Floats, two: Floats) -> Mask:
    size, difference = np.abs(one) + np.abs(two), np.abs(one - two)
    tiny = (one == 0) | (two == 0) | (size < _SMALLEST_NORMAL)
    limit = np.where(tiny, _SMALLEST_NORMAL, np.minimum(size, _LARGEST)) * _TOLERANCE
    close: Mask = (difference < limit) | (np.isnan(one) & np.isnan(two))
    return close


def fractions(lower: Floats, upper: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return the fraction of each histogram's observations between two values; rows and columns as in `quantiles`."""
    total = counts[-1]
    if bounds[-1] != np.inf:
        return np.full(len(total), np.nan)
    with np.errstate(all="ignore"):
        share = (_ranks(upper, bounds, counts) - _ranks(lower, bounds, counts)) / total
    share = np.where(lower >= upper, 0.0, share)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _ranks(values: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return how many observations lie below a value."""
    total = counts[-1]
    place: Integers = np.minimum(np.searchsorted(bounds, values, side="right"), len(bounds) - 1)
    columns = np.arange(len(total))
    start = np.where(place > 0, bounds[place - 1], 0.0 if bounds[0] > 0 else -np.inf)
    before = np.where(place > 0, counts[place - 1, columns], 0.0)
    here = counts[place, columns]
    inside = before + (here - before) * (values - start) / (bounds[place] - start)
    result = np.where(start == -np.inf, here, inside)
    result = np.where(start >= values, before, result)
    result = np.where(values == np.inf, total, result)
    return np.where(result > total, total, result)
