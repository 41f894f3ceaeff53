"""What a native histogram tells of the values observed: quantiles, fractions, variance; and cutting it at a value."""

import math
from dataclasses import replace

import numpy as np

from gnomon.model.histogram_buckets import Buckets
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import Floats

_HALF = 0.5


def quantile(histogram: NativeHistogram, q: float) -> float:
    """Return the value below which the fraction `q` of all observations lies; NaN when there are none.

    Within a bucket, observations are taken as evenly spread on a logarithmic scale; in the zero bucket and in custom
    buckets, on a linear one. Observations of NaN count as above all buckets.
    """
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    if histogram.count == 0 or math.isnan(q):
        return math.nan
    forward = math.isnan(histogram.sum) or q < _HALF
    rank = (q if forward else 1 - q) * histogram.count
    lowers, uppers, counts = (part[:: 1 if forward else -1] for part in _filled(histogram))
    if not len(counts):
        return math.nan if math.isnan(histogram.sum) else 0.0
    running = np.cumsum(counts)
    reached = np.flatnonzero(running >= rank)
    place = int(reached[0]) if len(reached) else len(counts) - 1
    lower, upper, inside = float(lowers[place]), float(uppers[place]), float(counts[place])
    if histogram.custom and -math.inf in (lower, -upper):
        if lower > -math.inf or upper <= 0:
            return min(lower, upper, key=abs)
        lower = 0.0
    so_far = min(float(running[place]), histogram.count)
    if so_far < rank:
        return math.nan if math.isnan(histogram.sum) else upper
    part = (rank - (so_far - inside) if forward else so_far - rank) / inside
    if not histogram.custom and lower < 0 < upper:
        lower, upper = _one_sided(histogram, lower, upper)
    return _interpolate(lower, upper, part, linear=histogram.custom or lower <= 0 <= upper)


def fraction(histogram: NativeHistogram, lower: float, upper: float) -> float:
    """Return the fraction of observations between two values, interpolated as in `quantile`; NaN if there are none."""
    if histogram.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    total = observed_in_buckets(histogram) if math.isnan(histogram.sum) else histogram.count
    return (_rank(histogram, upper, total) - _rank(histogram, lower, total)) / histogram.count


def observed_in_buckets(histogram: NativeHistogram) -> float:
    """Return the sum of all buckets; less than the count where NaN was observed."""
    return float(histogram.bounded()[2].sum())


def average(histogram: NativeHistogram) -> float:
    """Return the mean of the observations; NaN when there are none."""
    with np.errstate(all="ignore"):
        return float(np.float64(histogram.sum) / histogram.count)


def variance(histogram: NativeHistogram) -> float:
    """Return the variance of the observations, each taken as the geometric middle of its bucket."""
    mean = average(histogram)
    lowers, uppers, counts = _filled(histogram)
    with np.errstate(all="ignore"):
        if histogram.custom:
            values = (lowers + uppers) / 2
        else:
            middles = np.where(uppers < 0, -1.0, 1.0) * np.sqrt(uppers * lowers)
            values = np.where((lowers <= 0) & (uppers >= 0), 0.0, middles)
        return float(np.float64(math.fsum(counts * (values - mean) ** 2)) / histogram.count)


def trim(histogram: NativeHistogram, at: float, *, keep_lower: bool) -> NativeHistogram:
    """Return the observations up to a value, or from it on; of the bucket in between, an interpolated part.

    The sum is estimated anew from the middles of the buckets that are left. Nothing is kept of a bucket that reaches to
    infinity and holds the value, as nobody knows how its observations are spread.
    """
    sides, count, total, changed = [], 0.0, 0.0, False
    for positive, buckets in ((True, histogram.positive), (False, histogram.negative)):
        if positive:
            lowers, uppers = histogram.bounds(buckets.indices - 1), histogram.bounds(buckets.indices)
        else:
            lowers, uppers = -histogram.bounds(buckets.indices), -histogram.bounds(buckets.indices - 1)
        kept = np.zeros(len(buckets))
        for place in np.flatnonzero(buckets.counts):
            bucket = (float(lowers[place]), float(uppers[place]), float(buckets.counts[place]))
            remains, middle = _trim_bucket(
                bucket, at, keep_lower=keep_lower, positive=positive, linear=histogram.custom
            )
            kept[place] = remains
            count += remains
            total += middle * remains
        changed = changed or not np.array_equal(kept, buckets.counts)
        sides.append(Buckets(buckets.indices, kept))
    zero_count = histogram.zero_count
    if zero_count > 0:
        zero_count, middle = _trim_zero_bucket(histogram, at, keep_lower=keep_lower)
        changed = changed or zero_count != histogram.zero_count
        count += zero_count
        total += middle * zero_count
    if not changed:
        return histogram
    return replace(
        histogram, count=count, sum=total, zero_count=zero_count, positive=sides[0], negative=sides[1]
    ).compact()


def _filled(histogram: NativeHistogram) -> tuple[Floats, Floats, Floats]:
    lowers, uppers, counts = histogram.bounded()
    filled = counts != 0
    return lowers[filled], uppers[filled], counts[filled]


def _one_sided(histogram: NativeHistogram, lower: float, upper: float) -> tuple[float, float]:
    """Return the zero bucket's bounds; 0 stands at the side where the histogram has no buckets."""
    if not len(histogram.negative) and len(histogram.positive):
        return 0.0, upper
    if not len(histogram.positive) and len(histogram.negative):
        return lower, 0.0
    return lower, upper


def _rank(histogram: NativeHistogram, value: float, total: float) -> float:
    """Return how many observations lie below a value, at most `total`."""
    lowers, uppers, counts = histogram.bounded()
    zero = (lowers <= 0) & (uppers >= 0)
    if zero.any() and (len(histogram.negative) == 0) != (len(histogram.positive) == 0):
        if len(histogram.positive):
            lowers = np.where(zero, 0.0, lowers)
        else:
            uppers = np.where(zero, 0.0, uppers)
    above = np.flatnonzero(uppers > value)
    if not len(above):
        return total
    place = int(above[0])
    below = float(counts[:place].sum())
    lower, upper, inside = float(lowers[place]), float(uppers[place]), float(counts[place])
    if lower < value:
        linear = histogram.custom or bool(zero[place])
        below = inside if lower == -math.inf and linear else below + inside * _share(lower, upper, value, linear=linear)
    return min(below, total)


def _interpolate(lower: float, upper: float, part: float, *, linear: bool) -> float:
    """Return the value that has a part of the bucket below it."""
    if linear:
        return lower + (upper - lower) * part
    log_lower, log_upper = _log2(abs(lower)), _log2(abs(upper))
    if lower > 0:
        return _exp2(log_lower + (log_upper - log_lower) * part)
    return -_exp2(log_upper + (log_lower - log_upper) * (1 - part))


def _share(lower: float, upper: float, value: float, *, linear: bool) -> float:
    """Return the part of a bucket below a value inside it."""
    if linear:
        return (value - lower) / (upper - lower)
    log_lower, log_upper, log_value = (_log2(abs(bound)) for bound in (lower, upper, value))
    if value > 0:
        return (log_value - log_lower) / (log_upper - log_lower)
    return 1 - (log_value - log_upper) / (log_lower - log_upper)


def _log2(value: float) -> float:
    return math.log2(value) if value > 0 else -math.inf


def _exp2(value: float) -> float:
    return math.inf if value >= 1024 else 2.0**value  # noqa: PLR2004  # where floats end


def _trim_bucket(
    bucket: tuple[float, float, float], at: float, *, keep_lower: bool, positive: bool, linear: bool
) -> tuple[float, float]:
    """Return the count that remains of a bucket, and the middle of what remains."""
    lower, upper, count = bucket
    inside, outside = (upper <= at, lower >= at) if keep_lower else (lower >= at, upper <= at)
    if inside:
        return count, _middle(lower, upper, positive=positive, linear=linear)
    if outside or math.isnan(at):
        return 0.0, 0.0
    if math.isinf(lower) or math.isinf(upper):
        return _trim_endless_bucket(lower, upper, count, at, keep_lower=keep_lower)
    below = count * _share(lower, upper, at, linear=linear)
    if keep_lower:
        return below, _middle(lower, at, positive=positive, linear=linear)
    return count - below, _middle(at, upper, positive=positive, linear=linear)


def _trim_endless_bucket(
    lower: float, upper: float, count: float, at: float, *, keep_lower: bool
) -> tuple[float, float]:
    """Trim a bucket that reaches to infinity at a value inside it; one from -Inf to a positive bound starts at 0."""
    if lower == -math.inf:
        if keep_lower:
            if upper <= 0:
                return count, at
            return (count * at / upper, at / 2) if at > 0 and upper < math.inf else (0.0, 0.0)
        return (count * (1 - at / upper), (at + upper) / 2) if at >= 0 and upper < math.inf else (0.0, 0.0)
    return (0.0, 0.0) if keep_lower else (count, at)


def _trim_zero_bucket(histogram: NativeHistogram, at: float, *, keep_lower: bool) -> tuple[float, float]:
    lower, upper = -histogram.zero_threshold, histogram.zero_threshold
    has_positive, has_negative = (bool(side.counts.any()) for side in (histogram.positive, histogram.negative))
    if has_positive != has_negative:
        lower, upper = (0.0, upper) if has_positive else (lower, 0.0)
    whole = (histogram.zero_count, (lower + upper) / 2)
    if at <= lower:
        return (0.0, 0.0) if keep_lower else whole
    if at >= upper:
        return whole if keep_lower else (0.0, 0.0)
    left, right = (lower, at) if keep_lower else (at, upper)
    return histogram.zero_count * (right - left) / (upper - lower), (left + right) / 2


def _middle(lower: float, upper: float, *, positive: bool, linear: bool) -> float:
    if math.isinf(lower):
        if math.isinf(upper):
            return 0.0
        return upper / 2 if upper > 0 else upper
    if math.isinf(upper):
        return lower
    if linear:
        return (lower + upper) / 2
    return math.copysign(math.sqrt(abs(lower)) * math.sqrt(abs(upper)), 1 if positive else -1)
