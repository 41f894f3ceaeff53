"""Put alerts into groups, and look at each group when it is time to: after its wait, then once an interval."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Gauge

from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.grouping import AlertGroup
from gnomon.alerting.routing import Route
from gnomon.alerting.stages.flush import Flush, Stage
from gnomon.lifecycle import Clock
from gnomon.model.errors import GnomonError
from gnomon.model.labels import Labels

log = structlog.get_logger(__name__)

GROUPS = Gauge("gnomon_alert_groups", "Groups of alerts, by route and labels.")

_NS = 1_000_000_000
_MS_NS = 1_000_000
# A receiver gets this long to answer, however often its group is looked at.
_SHORTEST_DEADLINE_NS = 10 * _NS
_MAINTENANCE_S = 30.0

Choose = Callable[[FiredAlert], Sequence[Route]]
"""Return the routes that an alert takes."""


@dataclass(slots=True)
class _Running:
    group: AlertGroup
    task: asyncio.Task[None]


class Dispatcher:
    """Hold groups and run each; a new configuration gets a new dispatcher."""

    def __init__(self, choose: Choose, stage: Stage, clock: Clock) -> None:
        """Send groups through `stage`."""
        self._choose = choose
        self._stage = stage
        self._clock = clock
        self._groups: dict[tuple[str, Labels], _Running] = {}
        self._maintenance: asyncio.Task[None] | None = None

    @property
    def groups(self) -> list[AlertGroup]:
        """Return all groups that are not empty."""
        return [running.group for running in self._groups.values() if running.group.alerts]

    def start(self, alerts: Sequence[FiredAlert]) -> None:
        """Begin with the alerts there are."""
        self._maintenance = _spawn(self._maintain(), "alert groups")
        self.insert(alerts)

    async def stop(self) -> None:
        """End all looks under way; what they had begun to tell stays pending."""
        tasks = [running.task for running in self._groups.values()]
        if self._maintenance is not None:
            tasks.append(self._maintenance)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._groups.clear()
        GROUPS.set(0)

    def insert(self, alerts: Sequence[FiredAlert]) -> None:
        """Put alerts into their groups."""
        for alert in alerts:
            for route in self._choose(alert):
                self._insert(alert, route)

    def _insert(self, alert: FiredAlert, route: Route) -> None:
        labels = route.group_labels(alert.labels)
        running = self._groups.get((route.id, labels))
        if running is not None:
            running.group.insert(alert)
            return
        group = AlertGroup(route, labels)
        group.insert(alert)
        wait_ns = route.group_wait_ms * _MS_NS
        if alert.starts_at_ns + wait_ns < self._clock.now_ns():
            wait_ns = 0
        task = _spawn(self._run(group, wait_ns), f"alert group {group.key}")
        self._groups[route.id, labels] = _Running(group, task)
        GROUPS.set(len(self._groups))

    async def _run(self, group: AlertGroup, wait_ns: int) -> None:
        interval_ns = group.route.group_interval_ms * _MS_NS
        due_ns = self._clock.now_ns() + wait_ns
        while True:
            await self._clock.sleep(max(0, due_ns - self._clock.now_ns()) / _NS)
            now_ns = self._clock.now_ns()
            due_ns = now_ns + interval_ns
            try:
                await self._flush(group, now_ns, now_ns + max(interval_ns, _SHORTEST_DEADLINE_NS))
            except GnomonError as error:
                log.warning("alert group not told", group=group.key, error=str(error))
            except Exception:
                log.exception("alert group failed", group=group.key)

    async def _flush(self, group: AlertGroup, now_ns: int, deadline_ns: int) -> None:
        alerts = group.snapshot(now_ns)
        if alerts:
            await self._stage(Flush(group.route, group.key, group.labels, now_ns, deadline_ns), alerts)
            group.forget_resolved(alerts, now_ns)

    async def _maintain(self) -> None:
        while True:
            await self._clock.sleep(_MAINTENANCE_S)
            for key, running in list(self._groups.items()):
                if not running.group.alerts:
                    running.task.cancel()
                    del self._groups[key]
            GROUPS.set(len(self._groups))


def _spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task that is no part of what is under way: a request to tell an alert ends, its group goes on."""
    return asyncio.create_task(work, name=name, context=Context())
