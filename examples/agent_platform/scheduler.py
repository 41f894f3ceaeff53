"""The scheduler: submits tasks by the clock, and owns up to runs that it missed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

import gnomon
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tenants import OPERATIONS, read_tenants
from examples.agent_platform.work_headers import connect

RESULT_WITHIN_S = 12.0
LATE_S = 2.0
"""A run that begins later than that is missed: whatever held it up, its time is over."""
_logger = logging.getLogger(__name__)
_runs = gnomon.counter("scheduled_tasks_runs_total")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is to be submitted every so many seconds."""

    name: str
    every_s: float
    submission: dict[str, Any]


SCHEDULES = (
    Schedule("heartbeat", 15.0, {"type": "calculate", "arguments": {"expression": "6 * 7"}, "priority": 7}),
    Schedule(
        "warm-search", 30.0, {"type": "answer", "arguments": {"question": "how are exceptions handled"}, "priority": 4}
    ),
    Schedule(
        "error-census",
        45.0,
        {"type": "extract", "arguments": {"pattern": r"\b[A-Z]\w+Error\b", "document": "exceptions.txt"}},
    ),
    Schedule(
        "daily-digest", 75.0, {"type": "report", "arguments": {"topics": ["exceptions", "mappings"]}, "priority": 2}
    ),
)


class ScheduledTaskError(Exception):
    """Tell that a scheduled task did not end well."""


class Scheduler:
    """Run the schedules, each one after the other, all at once."""

    def __init__(self, gateway: httpx.AsyncClient, key: str) -> None:
        """Submit as the tenant whose key it is; whoever made the client closes it."""
        self._gateway = gateway
        self._headers = {"Authorization": f"Bearer {key}"}
        self._next_runs: dict[str, float] = {}

    async def run(self) -> None:
        """Run all schedules until cancelled."""
        async with asyncio.TaskGroup() as group:
            for schedule in SCHEDULES:
                group.create_task(self._keep(schedule))
            group.create_task(self._report())

    async def _report(self) -> None:
        while True:
            gnomon.report_schedules(len(SCHEDULES), self._next_runs)
            await asyncio.sleep(LATE_S)

    async def _keep(self, schedule: Schedule) -> None:
        due = time.time() + min(5.0, schedule.every_s / 4)
        while True:
            self._next_runs[schedule.name] = due
            await asyncio.sleep(max(0.0, due - time.time()))
            after = due + schedule.every_s
            late_s = time.time() - due
            if late_s > LATE_S:
                _runs.labels(schedule.name, "missed").inc()
                _logger.error("Missed a run of %s: %.1f s late", schedule.name, late_s)
                while after < time.time():
                    after += schedule.every_s
                    _runs.labels(schedule.name, "missed").inc()
            else:
                with (
                    suppress(ScheduledTaskError, httpx.HTTPError),
                    gnomon.scheduled_run(schedule.name, next_run=after),
                ):
                    await self._submit(schedule)
            due = after

    async def _submit(self, schedule: Schedule) -> None:
        document = schedule.submission | {"session_id": f"schedule-{schedule.name}", "persona_id": "scheduler"}
        accepted = await self._gateway.post("/tasks", json=document, headers=self._headers)
        if not accepted.is_success:
            raise ScheduledTaskError(f"The gateway did not take it: {accepted.text}")
        found = await self._gateway.get(
            f"/tasks/{accepted.json()['id']}", params={"wait": RESULT_WITHIN_S}, headers=self._headers
        )
        status = found.json().get("status")
        if status != "completed":
            raise ScheduledTaskError(f"Its task is {status!r}: {found.json().get('error')}")


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the scheduler; it runs from start to end."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        health.watch_loop(asyncio.get_running_loop())
        key = read_tenants(arguments.state_dir)[OPERATIONS].key
        async with connect(arguments.urls["gateway"], RESULT_WITHIN_S + 3) as gateway:
            running = asyncio.create_task(Scheduler(gateway, key).run())
            yield
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    return make_app([], lifespan)


def main(arguments: ServiceArguments) -> None:
    """Run the scheduler's process."""
    serve("scheduler", create_app, arguments)
