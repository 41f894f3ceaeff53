"""A task: an attempt at it is a span, its stages are events, and what it used is told once it ends."""

import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from time import time
from typing import Any, Literal

from gnomon.sdk import context, events
from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block, error_type, outcome

Stage = Literal["queued", "routed", "assigned", "retried", "cancelled", "dead_lettered"]
Ending = Literal["completed", "failed", "timed_out", "cancelled", "dead_lettered"]

_MESSAGE_LENGTH = 2000

_ended = families.counter("tasks_total")
_seconds = families.histogram("tasks_duration_seconds")
_retries = families.counter("task_retries_total")
_timeouts = families.counter("task_timeouts_total")
_completed_by = families.counter("agent_tasks_completed_total")

_current: "ContextVar[task | None]" = ContextVar("gnomon_task", default=None)


class task(Block):  # noqa: N801 - read as a function: `with gnomon.task("summarise"):`
    """Work on a task: one attempt, from its start to its end.

    Without an id it is a new task, and is told to be submitted now; with the id that `submit_task` gave, it is the one
    that was submitted. Ends as `completed`, `failed`, `timed_out` (TimeoutError) or `cancelled`, whatever the block
    raises goes on. A coroutine function that it decorates is charged exactly for the CPU time of its own steps.
    """

    measured = True

    def __init__(
        self,
        type: str,  # noqa: A002 - the attribute's name
        *,
        id: str | None = None,  # noqa: A002 - as above
        priority: str = "normal",
        queue: str | None = None,
        attempt: int | None = None,
        parent_id: str | None = None,
        agent_id: str | None = None,
        trust_score: float | None = None,
        tenant_id: str | None = None,
        session_id: str | None = None,
        deadline: float | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take what is known; `deadline` is Unix time in seconds, `parent_id` is the surrounding task unless told."""
        super().__init__(attributes)
        self.type = type
        self.id = id or ""
        self._given_id = id
        self._priority = priority
        self._queue = queue
        self.attempt = attempt or 1
        self._parent_id = parent_id
        self._agent_id = agent_id
        self._trust_score = trust_score
        self._tenant_id = tenant_id
        self._session_id = session_id
        self._deadline = deadline
        self._agents: set[str] = set()
        self._around: task | None = None

    def end_as(self, status: Ending) -> None:
        """Let it end as told, whatever the block does."""
        self.status = status

    def worked_by(self, agent_id: str) -> None:
        """Say that an agent worked on it."""
        self._agents.add(agent_id)

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the attempt."""
        self.id = self._given_id or uuid.uuid4().hex
        self._agents = {self._agent_id} if self._agent_id else set()
        parent_id = self._parent_id
        if parent_id is None and outer.task_id != self.id:
            parent_id = outer.task_id
        work = replace(
            outer,
            task_id=self.id,
            task_type=self.type,
            task_attempt=self.attempt,
            task_parent_id=parent_id,
            agent_id=self._agent_id or outer.agent_id,
            tenant_id=self._tenant_id or outer.tenant_id,
            session_id=self._session_id or outer.session_id,
        )
        return f"task {self.type}", self._told({}), work

    def began(self) -> None:
        """Tell the stages that begin here."""
        self._around = _current.get()
        _current.set(self)
        if self._given_id is None:
            events.emit("task.submitted", self._told({"task.attempt": None}))
        if self.attempt > 1:
            _retries.labels(self.type).inc()
            events.emit("task.retried", self._told({}))
        events.emit("task.executing", self._told({}))

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """Tell how it ended and what it used."""
        if _current.get() is self:
            _current.set(self._around)
        self.status = status = self.status or outcome(error)
        self.set("task.status", status)
        _ended.labels(status, self.type, self._priority).inc()
        _seconds.labels(self.type, status).observe(seconds, self.exemplar())
        if status == "timed_out":
            _timeouts.labels(self.type).inc()
        if status == "completed":
            for agent_id in self._agents:
                _completed_by.labels(agent_id).inc()
        told: dict[str, AttributeValue | None] = {}
        if error is not None and status != "completed":
            told = {"error.type": error_type(error), "error.message": str(error)[:_MESSAGE_LENGTH]}
        if self._meter is not None:
            events.emit(
                "task.resources",
                {"task.id": self.id, "task.attempt": self.attempt, **self._meter.usage.attributes()},
            )
        events.emit(f"task.{status}", self._told(told))

    def _told(self, more: Mapping[str, AttributeValue | None]) -> dict[str, Any]:
        known: dict[str, Any] = {
            "task.id": self.id,
            "task.type": self.type,
            "task.attempt": self.attempt,
            "task.priority": self._priority,
        }
        if self._queue is not None:
            known["task.queue"] = self._queue
        if self._trust_score is not None:
            known["agent.trust_score"] = self._trust_score
        if self._deadline is not None:
            known["task.deadline"] = float(self._deadline)
        known.update(more)
        return known


def current_task() -> task | None:
    """Return the task that this code works on in this process, if any."""
    return _current.get()


def submit_task(
    type: str,  # noqa: A002 - the attribute's name
    *,
    id: str | None = None,  # noqa: A002 - as above
    priority: str = "normal",
    queue: str | None = None,
    tenant_id: str | None = None,
    session_id: str | None = None,
    timeout_s: float | None = None,
    deadline: float | None = None,
) -> str:
    """Tell that a task was submitted, and queued where a queue is named; return its id to work on it with `task`."""
    task_id = id or uuid.uuid4().hex
    if deadline is None and timeout_s is not None:
        deadline = time() + timeout_s
    around = context.current()
    told: dict[str, AttributeValue | None] = {
        "task.id": task_id,
        "task.type": type,
        "task.priority": priority,
        "task.queue": queue,
        "task.attempt": None,
        "task.parent_id": around.task_id,
        "tenant.id": tenant_id or around.tenant_id,
        "session.id": session_id or around.session_id,
        "task.deadline": None if deadline is None else float(deadline),
        "agent.id": None,
    }
    events.emit("task.submitted", told)
    if queue is not None:
        events.emit("task.queued", told)
    return task_id


def mark_task(
    stage: Stage,
    task_id: str,
    *,
    type: str | None = None,  # noqa: A002 - the attribute's name
    queue: str | None = None,
    attempt: int | None = None,
    agent_id: str | None = None,
    trust_score: float | None = None,
    error: BaseException | None = None,
) -> None:
    """Tell of a stage that a task reaches while nobody works on it, such as queued, routed or assigned."""
    around = context.current()
    same = around.task_id == task_id
    events.emit(
        f"task.{stage}",
        {
            "task.id": task_id,
            "task.type": type or (around.task_type if same else None),
            "task.queue": queue,
            "task.attempt": attempt or (around.task_attempt if same else None),
            "task.parent_id": around.task_parent_id if same else None,
            "agent.id": agent_id,
            "agent.trust_score": trust_score,
            "error.type": None if error is None else error_type(error),
            "error.message": None if error is None else str(error)[:_MESSAGE_LENGTH],
        },
    )
