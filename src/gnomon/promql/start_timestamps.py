"""What start timestamps tell of counters: the time at which a counter, or a delta's interval, began."""

import numpy as np

from gnomon.model.series import Integers, Mask


def resets_by_start(starts_ms: Integers, times_ms: Integers) -> Mask:
    """Tell of which samples the start timestamp says that the counter was reset since the sample before.

    The first sample's answer means nothing. A start of 0, or one not before its own sample, is unknown. A start at the
    very time of the sample before is a reset only where that sample's own start is known, as for deltas.
    """
    starts, before, before_starts = starts_ms, np.roll(times_ms, 1), np.roll(starts_ms, 1)
    known = (starts != 0) & (starts < times_ms)
    delta = (before_starts != 0) & (before_starts < before)
    resets: Mask = known & ((starts > before) | ((starts == before) & delta))
    return resets


def is_reset_by_start(starts_ms: Integers, times_ms: Integers, place: int) -> bool:
    """Tell it of one sample other than the first."""
    part = slice(place - 1, place + 1)
    return bool(resets_by_start(starts_ms[part], times_ms[part])[1])


def overlaps(starts_ms: Integers, times_ms: Integers) -> bool:
    """Tell whether any sample claims to have started before the one ahead of it, and not along with it."""
    starts = starts_ms[1:]
    return bool(((starts != 0) & (starts < times_ms[:-1]) & (starts != starts_ms[:-1])).any())
