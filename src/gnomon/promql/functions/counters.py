"""rate, increase, delta, irate, idelta, resets and changes over floats."""

import numpy as np

from gnomon.model.series import Floats, Integers, Mask
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows
from gnomon.promql.start_timestamps import resets_by_start
from gnomon.promql.windows import running_sums

WITH_STARTS = frozenset({"rate", "increase"})
"""Functions that make use of start timestamps, and remark on those that overlap."""

# Samples nearer to the edge of a window than this many average distances reach up to it.
_NEAR = 1.1


def rate(given: FloatWindows) -> FloatResult:
    """Return the increase of a counter per second."""
    return extrapolate(given, counter=True, per_second=True)


def increase(given: FloatWindows) -> FloatResult:
    """Return the increase of a counter."""
    return extrapolate(given, counter=True, per_second=False)


def delta(given: FloatWindows) -> FloatResult:
    """Return the difference between the ends of each window of a gauge."""
    return extrapolate(given, counter=False, per_second=False)


def extrapolate(given: FloatWindows, *, counter: bool, per_second: bool) -> FloatResult:
    """Return the difference between the first and the last sample, extrapolated to the window's edges."""
    present = given.at_least(2)
    began_ms = _begins(given) if counter else None
    if began_ms is not None:
        present = present | (began_ms > 0)
    if not present.any():
        return np.zeros(present.shape), present
    first_values, last_values = given.first(given.values), given.last(given.values)
    first_ms, last_ms = given.first(given.samples.times_ms), given.last(given.samples.times_ms)
    with np.errstate(all="ignore"):
        result = last_values - first_values
        if counter:
            result = result + reset_corrections(given)
        to_zero = np.where((result > 0) & (first_values >= 0), first_values / result, np.inf) if counter else None
        sampled_s = (last_ms - first_ms) / 1000
        to_start_s = (first_ms - (given.ends_ms - given.range_ms)) / 1000
        to_end_s = (given.ends_ms - last_ms) / 1000
        if began_ms is None:
            factor = extrapolation_factors(sampled_s, to_start_s, to_end_s, given.counts, zero_ratios=to_zero)
        else:
            result = np.where(began_ms > 0, result + first_values, result)
            factor = extrapolation_factors(
                sampled_s, to_start_s, to_end_s, given.counts, zero_ratios=to_zero, known_s=(last_ms - began_ms) / 1000
            )
            plain = extrapolation_factors(sampled_s, to_start_s, to_end_s, given.counts, zero_ratios=to_zero)
            factor = np.where(began_ms > 0, factor, plain)
        if per_second:
            factor = factor / (given.range_ms / 1000)
        return result * factor, present


def _begins(given: FloatWindows) -> Integers | None:
    """Return when each window's counter began, if that was within it and before its first sample; else 0."""
    starts_ms = given.samples.starts_ms
    if starts_ms is None or not len(starts_ms):
        return None
    began_ms = given.first(starts_ms)
    within = (began_ms > given.ends_ms - given.range_ms) & (began_ms < given.first(given.samples.times_ms))
    return np.where(within & (began_ms != 0) & given.at_least(1), began_ms, 0).astype(np.int64)


def extrapolation_factors(
    sampled_s: Floats,
    to_start_s: Floats,
    to_end_s: Floats,
    counts: Integers,
    *,
    zero_ratios: Floats | None,
    known_s: Floats | None = None,
) -> Floats:
    """Return by how much to multiply a difference so that it counts for the whole window.

    `zero_ratios` is the first value's part of the increase: a counter did not begin below zero. `known_s` is given
    where a counter's beginning is known: how long before the last sample it was.
    """
    average_s = sampled_s / np.maximum(counts - 1, 1)
    threshold_s = average_s * _NEAR
    to_end_s = np.where(to_end_s >= threshold_s, average_s / 2, to_end_s)
    if known_s is not None:
        known: Floats = (known_s + to_end_s) / known_s
        return known
    to_start_s = np.where(to_start_s >= threshold_s, average_s / 2, to_start_s)
    if zero_ratios is not None:
        to_start_s = np.fmin(to_start_s, sampled_s * zero_ratios)
    factors: Floats = (sampled_s + to_start_s + to_end_s) / sampled_s
    return factors


def previous_values(given: FloatWindows) -> tuple[Floats, Mask]:
    """Return each sample's predecessor, and which samples have one in the same series."""
    values = given.values
    before = np.empty_like(values)
    before[:1] = 0
    before[1:] = values[:-1]
    follows = np.ones(len(values), dtype=np.bool_)
    starts = given.samples.offsets[:-1]
    follows[starts[starts < len(values)]] = False
    return before, follows


def find_resets(given: FloatWindows) -> Mask:
    """Tell before which samples the counter was reset: the value fell, or its start timestamp says so."""
    before, follows = previous_values(given)
    with np.errstate(invalid="ignore"):
        fell = given.values < before
    if given.samples.starts_ms is not None and len(fell):
        fell |= resets_by_start(given.samples.starts_ms, given.samples.times_ms)
    return follows & fell


def overlapping_starts(given: FloatWindows) -> Integers:
    """Return the rows with a window in which a sample claims to have started before the one ahead of it."""
    starts_ms, times_ms = given.samples.starts_ms, given.samples.times_ms
    if starts_ms is None or not len(starts_ms):
        return np.empty(0, dtype=np.int64)
    _, follows = previous_values(given)
    overlap = follows & (starts_ms != 0) & (starts_ms < np.roll(times_ms, 1)) & (starts_ms != np.roll(starts_ms, 1))
    counts, _ = _count(given, overlap)
    return np.flatnonzero((counts > 0).any(axis=1))


def reset_corrections(given: FloatWindows) -> Floats:
    """Return the sum of the values before each reset within a window."""
    before, _ = previous_values(given)
    resets = find_resets(given)
    if not resets.any():
        return np.zeros(given.counts.shape)
    lost = np.where(resets, before, 0.0)
    numbers = np.arange(len(given.samples.offsets) - 1, dtype=np.int64)[:, None]
    first = given.windows.first + 1 + numbers
    last = np.maximum(given.windows.after + numbers, first)
    limit = len(given.values) + len(numbers) - 1
    with np.errstate(all="ignore"):
        sums = running_sums(lost, given.samples.offsets)
        result: Floats = (sums[np.minimum(last, limit)] - sums[np.minimum(first, limit)]).astype(np.float64)
    if not np.isfinite(result).all():
        _mend_infinite(given, lost, result)
    return result


def _mend_infinite(given: FloatWindows, lost: Floats, result: Floats) -> None:
    for row, column in zip(*np.nonzero(~np.isfinite(result)), strict=True):
        first, after = given.windows.first[row, column], given.windows.after[row, column]
        result[row, column] = lost[first + 1 : after].sum()


def irate(given: FloatWindows) -> FloatResult:
    """Return the increase per second between the last two samples; after a reset, from zero."""
    older, newer, seconds, present = _last_two(given)
    with np.errstate(all="ignore"):
        reset = newer < older
        if given.samples.starts_ms is not None and len(given.values):
            reset |= given.last(find_resets(given))
        return np.where(reset, newer, newer - older) / seconds, present


def idelta(given: FloatWindows) -> FloatResult:
    """Return the difference between the last two samples."""
    older, newer, _, present = _last_two(given)
    with np.errstate(all="ignore"):
        return newer - older, present


def _last_two(given: FloatWindows) -> tuple[Floats, Floats, Floats, Mask]:
    present = given.at_least(2)
    newer = np.maximum(given.windows.after - 1, 0)
    older = np.maximum(given.windows.after - 2, 0)
    if not len(given.values):
        nothing = np.zeros(present.shape)
        return nothing, nothing, nothing, present
    times = given.samples.times_ms
    return given.values[older], given.values[newer], (times[newer] - times[older]) / 1000, present


def resets(given: FloatWindows) -> FloatResult:
    """Return how often the value fell."""
    return _count(given, find_resets(given))


def changes(given: FloatWindows) -> FloatResult:
    """Return how often the value changed; from NaN to NaN is no change."""
    before, follows = previous_values(given)
    differ = (given.values != before) & ~(np.isnan(given.values) & np.isnan(before))
    return _count(given, follows & differ)


def _count(given: FloatWindows, events: Mask) -> FloatResult:
    counted = np.zeros(len(events) + 1, dtype=np.int64)
    np.cumsum(events, out=counted[1:])
    after = np.maximum(given.windows.after, given.windows.first + 1)
    limit = len(events)
    result = counted[np.minimum(after, limit)] - counted[np.minimum(given.windows.first + 1, limit)]
    return result.astype(np.float64), given.at_least(1)
