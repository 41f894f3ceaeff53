"""Whether the parts are well: checked in the background, answered from memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.model.errors import GnomonError

log = structlog.get_logger(__name__)

CHECK_INTERVAL_S = 2.0
CHECK_TIMEOUT_S = 1.5


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Name a part and how to look at it.

    `probe` returns a short text about a part that is well, and raises when it is not. `required` parts decide whether
    the server is ready.
    """

    name: str
    probe: Callable[[], Awaitable[str]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Tell how the last probe ended and how long it took."""

    name: str
    healthy: bool
    required: bool
    message: str
    duration_s: float
    checked_at_ns: int


class Health:
    """Probe every part each `CHECK_INTERVAL_S` seconds and remember the results."""

    def __init__(self, checks: tuple[HealthCheck, ...], clock: Clock) -> None:
        """Remember what to probe."""
        self._checks = checks
        self._clock = clock
        self._results: dict[str, CheckResult] = {}
        self._periodic = PeriodicService("health checks", self.check, CHECK_INTERVAL_S, clock)
        self._started = False
        self._draining = False

    @property
    def started(self) -> bool:
        """Return whether the server once became ready."""
        return self._started

    @property
    def ready(self) -> bool:
        """Return whether requests should come here: started, not on the way down, every required part well."""
        return (
            self._started and not self._draining and all(result.healthy for result in self.results if result.required)
        )

    @property
    def draining(self) -> bool:
        """Return whether the server is on its way down."""
        return self._draining

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """Return the last result of each check."""
        return tuple(self._results.values())

    async def start(self) -> None:
        """Probe once, so that there are results, then go on in the background."""
        await self.check()
        await self._periodic.start()

    async def stop(self) -> None:
        """Stop probing."""
        await self._periodic.stop()

    def mark_started(self) -> None:
        """Tell that every listener accepts requests."""
        self._started = True

    def mark_draining(self) -> None:
        """Tell that the server is on its way down."""
        self._draining = True

    async def check(self) -> None:
        """Probe every part now, side by side."""
        for result in await asyncio.gather(*(self._probe(check) for check in self._checks)):
            previous = self._results.get(result.name)
            if previous is not None and previous.healthy != result.healthy:
                log.warning("health changed", check=result.name, healthy=result.healthy, message=result.message)
            self._results[result.name] = result

    async def _probe(self, check: HealthCheck) -> CheckResult:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                message, healthy = await check.probe(), True
        except TimeoutError:
            message, healthy = f"no answer within {CHECK_TIMEOUT_S} s", False
        except GnomonError as error:
            message, healthy = str(error), False
        except Exception as error:
            log.exception("health check failed", check=check.name)
            message, healthy = type(error).__name__, False
        duration_s = self._clock.monotonic() - began
        return CheckResult(check.name, healthy, check.required, message, duration_s, self._clock.now_ns())
