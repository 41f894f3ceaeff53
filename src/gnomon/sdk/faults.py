"""Faults of the SDK stay in the SDK: caught, counted, and told once a kind."""

import logging
import os
import threading
from types import TracebackType

log = logging.getLogger("gnomon.sdk")

_lock = threading.Lock()
_counts: dict[str, int] = {}
_told: set[tuple[str, str]] = set()
_TOLD_AT_MOST = 200


class guarded:  # noqa: N801 - read as a function: `with guarded("emit an event"):`
    """Keep any Exception of the block from the host; `what` names the job in the log and in the counter."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        """Name what the block is about to do, in the imperative."""
        self._what = what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Swallow what is an Exception; let exits, interrupts and cancellation through."""
        if not isinstance(error, Exception):
            return False
        note(self._what, error)
        return True


def note(what: str, error: Exception) -> None:
    """Count a fault, and log it with its trace the first time that this kind shows."""
    kind = (what, type(error).__qualname__)
    with _lock:
        _counts[what] = _counts.get(what, 0) + 1
        first = kind not in _told and len(_told) < _TOLD_AT_MOST
        if first:
            _told.add(kind)
    if first:
        log.warning("Gnomon's SDK could not %s (told once): %s: %s", what, kind[1], error, exc_info=error)


def counts() -> dict[str, int]:
    """Return how many faults there were, by what the SDK was doing."""
    with _lock:
        return dict(_counts)


def warn_once(message: str, *arguments: object) -> None:
    """Log a warning of the SDK unless the same one was logged before."""
    key = (message, repr(arguments))
    with _lock:
        if key in _told or len(_told) >= _TOLD_AT_MOST:
            return
        _told.add(key)
    log.warning(message, *arguments)


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603 - a lock that another thread held at the fork would never open again
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
