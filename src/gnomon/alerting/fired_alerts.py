"""Alerts on their way to people: what fires, since when, and until when."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import Labels

NEVER = 0

_FNV_OFFSET, _FNV_PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF
_SEPARATOR = b"\xff"
_NS = 1_000_000_000
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})")
_LATEST_NS = (1 << 63) - 1
_ZERO_TIME = "0001-01-01T00:00:00Z"
_ORDERED_FIRST = ("job", "instance")


@dataclass(frozen=True, slots=True)
class FiredAlert:
    """An alert as rules or other Prometheus servers tell it; times are Unix nanoseconds, `ends_at_ns` is 0 for never.

    `timed_out` tells that nobody said when it ends: it ends when nobody repeats it for a while.
    """

    labels: Labels
    annotations: Mapping[str, str]
    starts_at_ns: int
    ends_at_ns: int = NEVER
    generator_url: str = ""
    updated_at_ns: int = 0
    timed_out: bool = False
    fingerprint: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Name it by its labels."""
        object.__setattr__(self, "fingerprint", fingerprint(self.labels))

    @property
    def name(self) -> str:
        """Return the value of the label `alertname`."""
        return self.labels.get("alertname")

    @property
    def fingerprint_text(self) -> str:
        """Return the fingerprint as Alertmanager shows it."""
        return f"{self.fingerprint:016x}"

    def is_resolved(self, now_ns: int) -> bool:
        """Tell whether it has ended by then."""
        return self.ends_at_ns != NEVER and self.ends_at_ns <= now_ns

    def merge(self, younger: "FiredAlert", now_ns: int) -> "FiredAlert":
        """Return what both say about the same alert: the earliest start, the end that is sure."""
        if younger.updated_at_ns < self.updated_at_ns:
            return younger.merge(self, now_ns)
        ends_at_ns = younger.ends_at_ns
        if younger.is_resolved(now_ns):
            if self.is_resolved(now_ns):
                ends_at_ns = max(ends_at_ns, self.ends_at_ns)
        elif not self.timed_out:
            ends_at_ns = max(ends_at_ns, self.ends_at_ns)
        return replace(younger, starts_at_ns=min(self.starts_at_ns, younger.starts_at_ns), ends_at_ns=ends_at_ns)


@lru_cache(maxsize=100_000)
def fingerprint(labels: Labels) -> int:
    """Return the 64-bit FNV-1a hash by which Alertmanager knows a label set."""
    return _hash(labels)


def _hash(pairs: Iterable[tuple[str, str]]) -> int:
    value = _FNV_OFFSET
    for name, text in pairs:
        for byte in b"".join((name.encode(), _SEPARATOR, text.encode(), _SEPARATOR)):
            value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return value


def order_alerts(alerts: Iterable[FiredAlert]) -> list[FiredAlert]:
    """Return alerts by job, instance and the rest of their labels, as Alertmanager lists them."""
    return sorted(alerts, key=_order)


def _order(alert: FiredAlert) -> tuple[tuple[bool, str], tuple[bool, str], Labels]:
    job, instance = ((name not in alert.labels, alert.labels.get(name)) for name in _ORDERED_FIRST)
    return job, instance, alert.labels


def any_firing(alerts: Sequence[FiredAlert], now_ns: int) -> bool:
    """Tell whether one of them has not ended."""
    return any(not alert.is_resolved(now_ns) for alert in alerts)


def parse_time_ns(text: str) -> int:
    """Return an RFC 3339 time as Unix nanoseconds, 0 for the year 1; raises InvalidInputError.

    Whoever says "for ever" by a year far away gets the latest that 64 bits hold.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"Invalid time {text!r}. Write it as 2026-11-21T10:00:00Z.")
    zone = "+00:00" if found[4] in "Zz" else found[4]
    try:
        whole = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
    except ValueError as error:
        raise InvalidInputError(f"Invalid time {text!r}: {error}. Write it as 2026-11-21T10:00:00Z.") from error
    if whole.year == 1:
        return NEVER
    seconds = round(whole.timestamp())
    return min(_LATEST_NS, max(-_LATEST_NS, seconds * _NS + int((found[3] or "").ljust(9, "0")[:9])))


def format_time(time_ns: int) -> str:
    """Return Unix nanoseconds in RFC 3339, with as many decimals as needed; 0 is the year 1, as in Go."""
    if time_ns == NEVER:
        return _ZERO_TIME
    seconds, rest = divmod(time_ns, _NS)
    decimals = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{decimals}Z"


def format_time_ms(time_ns: int) -> str:
    """Return Unix nanoseconds in RFC 3339 with three decimals, as Alertmanager's API does."""
    if time_ns == NEVER:
        return _ZERO_TIME.replace("Z", ".000Z")
    return f"{datetime.fromtimestamp(time_ns // _NS, UTC):%Y-%m-%dT%H:%M:%S}.{time_ns % _NS // 1_000_000:03d}Z"
