"""When rule groups are evaluated: evenly, each group at an offset of its own."""

import xxhash

_NS = 1_000_000
_UINT64 = 1 << 64


def offset_ns(name: str, file: str, interval_ms: int) -> int:
    """Return a group's offset within its interval, spread by hash: the same in Prometheus for the same file path."""
    text = b"".join(_sized(part) for pair in (("file", file), ("name", name)) for part in pair)
    return int(xxhash.xxh64_intdigest(text) % (interval_ms * _NS))


def slot_ns(now_ns: int, interval_ms: int, offset: int) -> int:
    """Return the latest time of evaluation that is not after now, in Unix nanoseconds."""
    interval_ns = interval_ms * _NS
    return now_ns - (now_ns - offset) % interval_ns


def missed_slots(slot: int, now_ns: int, interval_ms: int) -> int:
    """Return how many evaluations after the one of `slot` are past by now."""
    return max(0, (now_ns - slot) // (interval_ms * _NS))


def _sized(text: str) -> bytes:
    """Return a text after its size, as Prometheus keeps labels."""
    data = text.encode()
    size = len(data)
    return (bytes((size,)) if size < 255 else b"\xff" + size.to_bytes(3, "little")) + data  # noqa: PLR2004
