"""Round widths for buckets of time."""

_MS = 1_000_000
_S = 1000 * _MS
_MINUTE = 60 * _S
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

ROUND_WIDTHS_NS = (
    *(count * _MS for count in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(count * _S for count in (1, 2, 5, 10, 15, 30)),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
    *(count * _DAY for count in (1, 2, 7, 14, 28, 91, 364)),
)


def round_width_ns(duration_ns: int, buckets: int) -> int:
    """Return the smallest round width in nanoseconds that needs no more than `buckets` buckets for a duration."""
    least = duration_ns / max(buckets, 1)
    return next(
        (width for width in ROUND_WIDTHS_NS if width >= least),
        ROUND_WIDTHS_NS[-1] * -(-int(least) // ROUND_WIDTHS_NS[-1]),
    )
