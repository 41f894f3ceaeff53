"""The level of this process, which can change while it runs."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

import structlog

from gnomon.sdk.faults import warn_once
from gnomon.sdk.logs.settings import LevelName

NUMBERS: dict[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# Methods of a logger by the level they log at; each has an awaitable twin whose name starts with `a`.
_METHODS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "msg": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "err": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
_FULL: Any = structlog.make_filtering_bound_logger(logging.NOTSET)
_threshold = logging.INFO


class BoundLogger(_FULL):  # type: ignore[misc]
    """structlog's quick logger, whose level can change: methods below it are replaced by ones that do nothing."""

    def log(self, level: int, event: str, *args: Any, **kw: Any) -> Any:
        """Log at a level given as a number."""
        return super().log(level, event, *args, **kw) if level >= _threshold else None

    async def alog(self, level: int, event: str, *args: Any, **kw: Any) -> Any:
        """Log at a level given as a number, without blocking the event loop."""
        return await super().alog(level, event, *args, **kw) if level >= _threshold else None

    def is_enabled_for(self, level: int) -> bool:
        """Tell whether lines of a level are logged."""
        return level >= _threshold

    def get_effective_level(self) -> int:
        """Return the number of the level."""
        return _threshold


def set_level(level: LevelName) -> None:
    """Log from this level on, from now on; raises ValueError for a level that is none."""
    global _threshold  # noqa: PLW0603 - the level of the process
    number = NUMBERS.get(level)
    if number is None:
        raise ValueError(f"Invalid log level: {level!r}. Use one of {', '.join(NUMBERS)}.")
    _threshold = number
    for name, own in _METHODS.items():
        for method, nothing in ((name, _skip), (f"a{name}", _askip)):
            if own < number:
                setattr(BoundLogger, method, nothing)
            elif method in vars(BoundLogger):
                delattr(BoundLogger, method)
    if _root_follows:
        logging.getLogger().setLevel(number)


def get_level() -> LevelName:
    """Return the level from which on lines are logged."""
    return cast("LevelName", next(name for name, number in NUMBERS.items() if number == _threshold))


_root_follows: list[bool] = []


def follow_root() -> Callable[[], None]:
    """Let the level of the standard library's root logger follow `set_level`; returns the undo."""
    before = logging.getLogger().level
    _root_follows.append(True)

    def undo() -> None:
        _root_follows.pop()
        logging.getLogger().setLevel(before)

    return undo


def toggle_on(name: str) -> Callable[[], None]:
    """Switch to debug, and back, on a signal such as SIGUSR2; returns the undo."""
    number = getattr(signal, name, None)
    if not isinstance(number, signal.Signals) or threading.current_thread() is not threading.main_thread():
        warn_once("Gnomon's SDK cannot change the log level on %r: name a signal, and set up in the main thread", name)
        return lambda: None
    usual = get_level()

    def toggle(_number: int, _frame: FrameType | None) -> None:
        set_level(usual if get_level() == "debug" and usual != "debug" else "debug")

    before = signal.signal(number, toggle)

    def undo() -> None:
        if signal.getsignal(number) is toggle:
            signal.signal(number, before)

    return undo


def _skip(_self: Any, _event: Any = None, *_args: Any, **_kw: Any) -> None:
    return None


async def _askip(_self: Any, _event: Any = None, *_args: Any, **_kw: Any) -> None:
    return None
