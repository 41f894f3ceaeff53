"""A dead man's switch: ask a URL once an interval while alerting works, so that somebody else pages when it stops."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from gnomon.alerting.config_values import HttpConfig
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingRequest, OutgoingSettings
from gnomon.lifecycle import Clock, PeriodicService

log = structlog.get_logger(__name__)

BEATS = Counter("gnomon_heartbeats_total", "Heartbeats, by what became of them.", ["outcome"])

_LOOKS_S = 1.0


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """Where to send heartbeats (empty: nowhere) and how often."""

    url: str = ""
    interval_s: float = 60.0
    outgoing: OutgoingSettings = OutgoingSettings()  # noqa: RUF009 - it is frozen


class Heartbeat:
    """Send heartbeats; `problem` tells why there is to be none now, empty when all is well."""

    def __init__(
        self, read_settings: Callable[[], HeartbeatSettings], problem: Callable[[], str], clock: Clock
    ) -> None:
        """Send nothing before `start`; settings are read anew for each look."""
        self._read_settings = read_settings
        self._problem = problem
        self._clock = clock
        self._last_s: float | None = None
        self._told = ""
        self._service = PeriodicService("heartbeat", self.look, _LOOKS_S, clock)

    async def start(self) -> None:
        """Begin."""
        await self._service.start()

    async def stop(self) -> None:
        """End."""
        await self._service.stop()

    async def look(self) -> None:
        """Send a heartbeat if one is due and all is well."""
        settings, now_s = self._read_settings(), self._clock.monotonic()
        if not settings.url or (self._last_s is not None and now_s - self._last_s < settings.interval_s):
            return
        self._last_s = now_s
        if problem := self._problem():
            self._tell(f"withheld: {problem}")
            BEATS.labels("withheld").inc()
            return
        answer = await OutgoingHttp(settings.outgoing).send(OutgoingRequest(settings.url, method="GET"), HttpConfig())
        accepted = not answer.error and answer.status < 400  # noqa: PLR2004
        BEATS.labels("sent" if accepted else "failed").inc()
        self._tell("" if accepted else f"failed: {answer.error or answer.status}")

    def _tell(self, problem: str) -> None:
        """Log a change, once."""
        if problem != self._told:
            self._told = problem
            if problem:
                log.warning("heartbeat", problem=problem)
            else:
                log.info("heartbeat works again")
