"""rate, increase, delta, irate, idelta, resets and changes over floats."""

import numpy as np

from gnomon.model.series import Floats, Integers, Mask
from gnomon.promql import compensated
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows
from gnomon.promql.start_timestamps import resets_by_start

WITH_STARTS = frozenset({"rate", "increase"})
"""Functions that make use of start timestamps, and remark on those that overlap."""

# Samples nearer to the edge of a window than this many average distances reach up to it.
_NEAR = 1.1
_CELLS_AT_ONCE = 16_384
_PRECISE_EPSILON = float(np.finfo(np.longdouble).eps)


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
    result = np.zeros(present.shape)
    if not present.any():
        return result, present
    lost = reset_corrections(given) if counter else None
    shape = given.windows.first.shape
    at_once = max(1, _CELLS_AT_ONCE // max(1, shape[1]))
    with np.errstate(all="ignore"):
        for start in range(0, shape[0], at_once):
            rows = slice(start, start + at_once)
            part_began_ms = None if began_ms is None else began_ms[rows]
            part_lost = None if lost is None else lost[rows]
            result[rows] = _extrapolate_rows(given, rows, part_lost, part_began_ms, per_second=per_second)
    return result, present


def _extrapolate_rows(
    given: FloatWindows, rows: slice, lost: Floats | None, began_ms: Integers | None, *, per_second: bool
) -> Floats:
    """Return the extrapolated differences of some rows: few enough for all that is computed to stay in cache.

    In seconds and in Prometheus' order of operations: unit tests of rules compare to the last bit.
    """
    limit = len(given.values) - 1
    first = np.minimum(given.windows.first[rows], limit)
    last = np.maximum(given.windows.after[rows] - 1, 0)
    counts = given.windows.after[rows] - given.windows.first[rows]
    first_values = given.values[first]
    result: Floats = given.values[last] - first_values
    if lost is not None:
        result += lost
    first_ms, last_ms = given.samples.times_ms[first], given.samples.times_ms[last]
    sampled = (last_ms - first_ms) / 1000
    to_start = (first_ms - (given.ends_ms - given.range_ms)) / 1000
    to_end = (given.ends_ms - last_ms) / 1000
    average = sampled / np.maximum(counts - 1, 1)
    near = average * _NEAR
    average *= 0.5
    np.copyto(to_end, average, where=to_end >= near)
    np.copyto(to_start, average, where=to_start >= near)
    if lost is not None:
        # A counter did not begin below zero.
        to_zero = sampled * (first_values / result)
        np.copyto(to_start, to_zero, where=(result > 0) & (first_values >= 0) & (to_zero < to_start))
    factor: Floats = (sampled + to_start + to_end) / sampled
    if began_ms is not None:
        known = began_ms > 0
        since = (last_ms - began_ms) / 1000
        result = np.where(known, result + first_values, result)
        factor = np.where(known, (since + to_end) / since, factor)
    if per_second:
        factor /= given.range_ms / 1000
    return result * factor


def _begins(given: FloatWindows) -> Integers | None:
    """Return when each window's counter began, if that was within it and before its first sample; else 0."""
    starts_ms = given.samples.starts_ms
    if starts_ms is None or not len(starts_ms):
        return None
    began_ms = given.first(starts_ms)
    within = (began_ms > given.ends_ms - given.range_ms) & (began_ms < given.first(given.samples.times_ms))
    return np.where(within & (began_ms != 0) & given.at_least(1), began_ms, 0).astype(np.int64)


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
    values, starts = given.values, given.samples.offsets[:-1]
    fell = np.zeros(len(values), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        np.less(values[1:], values[:-1], out=fell[1:])
    if given.samples.starts_ms is not None and len(fell):
        fell |= resets_by_start(given.samples.starts_ms, given.samples.times_ms)
    fell[starts[starts < len(fell)]] = False
    return fell


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
    places = np.flatnonzero(find_resets(given))
    result = np.zeros(given.counts.shape)
    if not len(places):
        return result
    lost = given.values[places - 1]
    rows = np.unique(np.searchsorted(given.samples.offsets, places, side="right") - 1)
    first, after = given.windows.first[rows], given.windows.after[rows]
    begin, end = np.searchsorted(places, first, side="right"), np.searchsorted(places, after, side="left")
    end = np.maximum(begin, end)
    with np.errstate(all="ignore"):
        sums = np.concatenate(([0], np.cumsum(lost, dtype=np.longdouble)))
        part = (sums[end] - sums[begin]).astype(np.float64)
        greatest = np.abs(sums).max()
        # Where the sum over everything is too great to tell small differences, or no number, each window is summed.
        if (
            not np.isfinite(greatest)
            or greatest * len(lost) * _PRECISE_EPSILON > np.abs(lost[lost != 0]).min(initial=1.0) * 1e-12
        ):
            part = compensated.sums(lost, begin.ravel(), (end - begin).ravel()).reshape(part.shape)
    result[rows] = part
    return result


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
