"""Pieces of SQL over spans that several questions share."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from gnomon.model.time_ranges import NANOSECONDS, TimeRange

_BUCKET = "toStartOfTenMinutes({})"
_BUCKET_S = 600
_BUCKET_NS = _BUCKET_S * NANOSECONDS
_LATEST_NS = (1 << 63) - 1
_MOST_RANGES = 20
_MOST_BUCKETS = 1000


def moment(ns: int) -> str:
    """Return a point in time as SQL; later or earlier than the engine can hold counts as its last or first."""
    return f"fromUnixTimestamp64Nano({min(max(ns, 0), _LATEST_NS)}::Int64, 'UTC')"


def bucket(ns: int) -> str:
    """Return the ten-minute bucket of a point in time as SQL."""
    return f"toDateTime({max(ns, 0) // _BUCKET_NS * _BUCKET_S:d}, 'UTC')"


def during(time_range: TimeRange) -> str:
    """Return the condition that a row starts within a range, in the words that the primary key understands."""
    start, end = moment(time_range.start_ns), moment(time_range.end_ns)
    found, first, last = _BUCKET.format("ts"), _BUCKET.format(start), _BUCKET.format(end)
    return f"(ts >= {start} AND ts < {end} AND {found} >= {first} AND {found} <= {last})"


def during_any(ranges: Iterable[TimeRange]) -> str:
    """Return the condition that a row starts within any of some ranges, or in one of the shorter gaps between them.

    The engine takes a while to think about each range, so only the longest gaps are left out; their buckets, which are
    a set to it, leave out the rest.
    """
    merged: list[TimeRange] = []
    for found in sorted(ranges, key=lambda each: each.start_ns):
        if merged and found.start_ns <= merged[-1].end_ns:
            last = merged.pop()
            merged.append(TimeRange(last.start_ns, max(last.end_ns, found.end_ns)))
        else:
            merged.append(found)
    gaps = sorted(pairwise(merged), key=lambda pair: pair[0].end_ns - pair[1].start_ns)[: _MOST_RANGES - 1]
    after = sorted(left.end_ns for left, _ in gaps)
    starts = [merged[0].start_ns, *sorted(right.start_ns for _, right in gaps)]
    kept = zip(starts, [*after, merged[-1].end_ns], strict=True)
    within = " OR ".join(f"ts >= {_written(start_ns)} AND ts < {_written(end_ns)}" for start_ns, end_ns in kept)
    return f"(({within}) AND {_in_buckets(merged)})"


def _in_buckets(ranges: Sequence[TimeRange]) -> str:
    found = _BUCKET.format("ts")
    if sum((each.end_ns - each.start_ns) // _BUCKET_NS + 2 for each in ranges) > _MOST_BUCKETS:
        return f"{found} BETWEEN {bucket(ranges[0].start_ns)} AND {bucket(ranges[-1].end_ns)}"
    buckets = {
        at * _BUCKET_S
        for each in ranges
        for at in range(max(each.start_ns, 0) // _BUCKET_NS, max(each.end_ns, 0) // _BUCKET_NS + 1)
    }
    return f"{found} IN ({', '.join(map(str, sorted(buckets)))})"


def _written(ns: int) -> str:
    """Return a point in time as a literal, which the engine reads sooner than it thinks about a function."""
    second, rest = divmod(min(max(ns, 0), _LATEST_NS), NANOSECONDS)
    return f"'{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d}'"


def fixed_id(hexadecimal: str) -> str:
    """Return an id as SQL; raises ValueError for anything but hexadecimal."""
    return f"unhex('{bytes.fromhex(hexadecimal).hex()}')"


def among_ids(trace_ids: Sequence[str]) -> str:
    """Return the condition that a row belongs to one of some traces."""
    return f"trace_id IN ({', '.join(map(fixed_id, trace_ids))})"
