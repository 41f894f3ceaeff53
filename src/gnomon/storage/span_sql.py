"""Pieces of SQL over spans that several questions share."""

from collections.abc import Iterable, Sequence

from gnomon.model.time_ranges import TimeRange

_BUCKET = "toStartOfTenMinutes({})"
_LATEST_NS = (1 << 63) - 1


def moment(ns: int) -> str:
    """Return a point in time as SQL; later or earlier than the engine can hold counts as its last or first."""
    return f"fromUnixTimestamp64Nano({min(max(ns, 0), _LATEST_NS)}::Int64, 'UTC')"


def during(time_range: TimeRange) -> str:
    """Return the condition that a row starts within a range, in the words that the primary key understands."""
    start, end = moment(time_range.start_ns), moment(time_range.end_ns)
    bucket, first, last = _BUCKET.format("ts"), _BUCKET.format(start), _BUCKET.format(end)
    return f"(ts >= {start} AND ts < {end} AND {bucket} >= {first} AND {bucket} <= {last})"


def during_any(ranges: Iterable[TimeRange]) -> str:
    """Return the condition that a row starts within any of some ranges."""
    merged: list[TimeRange] = []
    for time_range in sorted(ranges, key=lambda found: found.start_ns):
        if merged and time_range.start_ns <= merged[-1].end_ns:
            last = merged.pop()
            time_range = TimeRange(last.start_ns, max(last.end_ns, time_range.end_ns))  # noqa: PLW2901 - grown
        merged.append(time_range)
    return f"({' OR '.join(during(time_range) for time_range in merged)})"


def fixed_id(hexadecimal: str) -> str:
    """Return an id as SQL; raises ValueError for anything but hexadecimal."""
    return f"unhex('{bytes.fromhex(hexadecimal).hex()}')"


def among_ids(trace_ids: Sequence[str]) -> str:
    """Return the condition that a row belongs to one of some traces."""
    return f"trace_id IN ({', '.join(map(fixed_id, trace_ids))})"
