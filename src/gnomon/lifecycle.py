"""How long-lived things start, stop, repeat and tell the time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


class Service(Protocol):
    """Live between `start` and `stop`.

    `start` returns when the service is ready and raises when it cannot be. `stop` finishes accepted work, releases
    everything, never raises, and does nothing the second time.
    """

    async def start(self) -> None:
        """Become ready."""

    async def stop(self) -> None:
        """Finish and release."""


class Clock(Protocol):
    """Tell the time and wait, so that tests can do both without waiting."""

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class PeriodicService:
    """Call `work` every `interval_s` seconds; a failing call is logged and the next one comes all the same."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], interval_s: float, clock: Clock) -> None:
        """Remember what to do and how often; nothing runs before `start`."""
        self._name = name
        self._work = work
        self._interval_s = interval_s
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first call comes at once."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Cancel the wait or the call under way."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except Exception:
                log.exception("periodic work failed", service=self._name)
            await self._clock.sleep(self._interval_s)
