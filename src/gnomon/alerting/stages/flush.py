"""What every stage is given: one look at one group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.routing import Route
from gnomon.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Flush:
    """A look at a group at a time (Unix nanoseconds); whatever it leads to has to be over by `deadline_ns`."""

    route: Route
    group_key: str
    group_labels: Labels
    now_ns: int
    deadline_ns: int


class Stage(Protocol):
    """Pass alerts on, all or some; with none, the stages after it are left out."""

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Return the alerts that go on; raises DeliveryError where somebody could not be told."""


class Chain:
    """Stages one after another."""

    def __init__(self, *stages: Stage) -> None:
        """Run them in this order."""
        self._stages = stages

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Pass alerts through all stages, until none is left."""
        for stage in self._stages:
            if not alerts:
                break
            alerts = await stage(flush, alerts)
        return alerts
