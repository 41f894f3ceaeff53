"""Runs of schedules."""

from collections.abc import Mapping
from time import time
from typing import Any

from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block, outcome

_runs = families.counter("scheduled_tasks_runs_total")
_last = families.gauge("scheduled_tasks_last_run_timestamp")
_next = families.gauge("scheduled_tasks_next_run_seconds")


class scheduled_run(Block):  # noqa: N801 - read as a function: `with gnomon.scheduled_run("nightly-report"):`
    """Run what a schedule asks for."""

    def __init__(
        self,
        schedule: str,
        *,
        next_run: float | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take the schedule's name, and when it runs next, in Unix seconds, where that is known."""
        super().__init__(attributes)
        self.schedule = schedule
        self._next_run = next_run

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the run."""
        return f"schedule {self.schedule}", {"schedule.name": self.schedule}, outer

    def began(self) -> None:
        """Tell when it ran."""
        _last.labels(self.schedule).set(time())
        if self._next_run is not None:
            _next.labels(self.schedule).set(max(0.0, self._next_run - time()))

    def ended(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - the span tells how long
        """Count how it ended."""
        self.status = self.status or outcome(error)
        self.set("schedule.status", self.status)
        _runs.labels(self.schedule, self.status).inc()


def report_schedules(total: int, next_runs: Mapping[str, float] | None = None) -> None:
    """Tell how many schedules are defined, and when each runs next, in Unix seconds."""
    families.gauge("scheduled_tasks_total").set(total)
    now = time()
    for schedule, at in (next_runs or {}).items():
        _next.labels(schedule).set(max(0.0, at - now))
