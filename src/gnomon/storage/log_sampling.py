"""Fair samples of log lines: short slices of time, spread over the whole range, so that the engine reads little."""

from itertools import pairwise

from gnomon.model.log_records import Partial
from gnomon.model.time_ranges import TimeRange

_GOLDEN = 0.6180339887498949
_LINES = 50_000
_FEWEST_LINES = 500
_SCANNED_LINES = 400_000


def sample_share(matching: int, total: int) -> float:
    """Return which share of the lines to look at when `matching` of the `total` lines in the range meet the condition.

    The engine reads thousands of neighbours to get at one line: few lines scattered among many cost as much as many.
    """
    if not matching:
        return 1.0
    wanted = min(_LINES, max(_FEWEST_LINES, matching * _SCANNED_LINES / max(total, 1)))
    return min(1.0, wanted / matching)


def split_range(time_range: TimeRange, parts: int) -> list[TimeRange]:
    """Return a range as equal parts."""
    edges = [time_range.start_ns + time_range.duration_ns * index // parts for index in range(parts + 1)]
    return [TimeRange(start, end) for start, end in pairwise(edges)]


def sample_slices(parts: list[TimeRange], share: float) -> list[TimeRange]:
    """Return a slice of each part that is `share` of it.

    Where in its part a slice lies varies, so that nothing periodic is always hit or always missed.
    """
    if share >= 1:
        return [TimeRange(parts[0].start_ns, parts[-1].end_ns)]
    slices = []
    for index, part in enumerate(parts):
        length_ns = max(1, int(part.duration_ns * share))
        start_ns = part.start_ns + int((index * _GOLDEN % 1) * (part.duration_ns - length_ns))
        slices.append(TimeRange(start_ns, start_ns + length_ns))
    return slices


def slices_sql(slices: list[TimeRange]) -> str:
    """Return the condition that a line lies in one of the slices."""
    moment = "fromUnixTimestamp64Nano({}::Int64, 'UTC')"
    return " OR ".join(
        f"(ts >= {moment.format(part.start_ns)} AND ts < {moment.format(part.end_ns)})" for part in slices
    )


def sampled_note(what: str, lines: int, matching: int) -> Partial | None:
    """Return what to say of an answer that looked at `lines` of `matching` lines, nothing where it looked at all."""
    if lines >= matching:
        return None
    return Partial(
        "sampled", f"{what} from {lines:,} of {matching:,} lines, spread over the whole range.", matching - lines
    )
