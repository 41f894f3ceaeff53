"""Conditions on ids and times, short enough to be read in no time by the engine."""

import numpy as np
from numpy.typing import NDArray

from gnomon.storage.series_index import SeriesIndex

_PREFIX_BITS = np.uint64(48)
# A metric's series lie side by side: where this share of them is asked for, all between are read, and the rest dropped.
_MOST = 0.5
_MAX_RANGES = 64


def condition_on_ids(ids: NDArray[np.uint64], index: SeriesIndex) -> str:
    """Return a condition that all these ids satisfy, and few others that there are."""
    if len(ids) == 1:
        return f"id = {ids[0]}"
    ordered = np.sort(ids)
    _prefixes, starts = np.unique(ordered >> _PREFIX_BITS, return_index=True)
    ends = np.concatenate((starts[1:], [len(ordered)])) - 1
    lows, highs = ordered[starts], ordered[ends]
    if len(starts) <= _MAX_RANGES and ((ends - starts + 1) >= index.count_between(lows, highs) * _MOST).all():
        ranges = (f"id BETWEEN {low} AND {high}" for low, high in zip(lows.tolist(), highs.tolist(), strict=True))
        return f"({' OR '.join(ranges)})"
    return f"id IN ({','.join(map(str, ordered.tolist()))})"


def condition_on_times(after_ms: int, until_ms: int) -> str:
    """Return a condition on `ts`, in Unix milliseconds, open on the left."""
    return f"ts > {time_literal(after_ms)} AND ts <= {time_literal(until_ms)}"


def time_literal(ms: int) -> str:
    """Return a time as the engine reads it."""
    return f"fromUnixTimestamp64Milli({ms}, 'UTC')"


def places_of(found: NDArray[np.uint64], ids: NDArray[np.uint64], *, presorted: bool = False) -> NDArray[np.int64]:
    """Return the place of each found id among `ids`, -1 where it is not there."""
    order = None if presorted else np.argsort(ids)
    ordered = ids if order is None else ids[order]
    places = np.minimum(np.searchsorted(ordered, found), len(ids) - 1)
    known = ordered[places] == found
    return np.where(known, places if order is None else order[places], -1)
