"""Tasks as the services hand them to each other, and the words for their stages."""

import enum
from dataclasses import dataclass
from typing import Any, Self

QUEUE_BY_TYPE = {
    "answer": "interactive",
    "calculate": "interactive",
    "expense": "interactive",
    "extract": "batch",
    "report": "batch",
}
"""Which queue serves a type of task; its keys are all the types there are."""

REQUIRED_ARGUMENTS: dict[str, dict[str, type]] = {
    "answer": {"question": str},
    "calculate": {"expression": str},
    "expense": {"account": str, "amount": str},
    "extract": {"pattern": str, "document": str},
    "report": {"topics": list},
}
HIGHEST_PRIORITY = 9


class TaskStatus(enum.StrEnum):
    """The stages of a task; every one is also an event, such as `task.queued`."""

    SUBMITTED = enum.auto()
    QUEUED = enum.auto()
    ROUTED = enum.auto()
    ASSIGNED = enum.auto()
    EXECUTING = enum.auto()
    COMPLETED = enum.auto()
    FAILED = enum.auto()
    TIMED_OUT = enum.auto()
    CANCELLED = enum.auto()
    DEAD_LETTERED = enum.auto()


FINAL_STATUSES = frozenset(
    {
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
        TaskStatus.TIMED_OUT,
        TaskStatus.CANCELLED,
        TaskStatus.DEAD_LETTERED,
    }
)


class InvalidTaskError(Exception):
    """Tell that a submission cannot become a task; the message is fit for the caller."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work for an agent; `arguments` depend on its type."""

    id: str
    type: str
    arguments: dict[str, Any]
    priority: int
    tenant_id: str
    session_id: str

    @classmethod
    def from_json(cls, task_id: str, document: object) -> Self:
        """Check a submission and return its task; raises InvalidTaskError with what to change."""
        if not isinstance(document, dict):
            message = f"Invalid task: {document!r}. Send a JSON object with type and arguments."
            raise InvalidTaskError(message)
        task_type, arguments = document.get("type"), document.get("arguments", {})
        if task_type not in QUEUE_BY_TYPE:
            message = f"Unknown task type: {task_type!r}. Use one of {', '.join(sorted(QUEUE_BY_TYPE))}."
            raise InvalidTaskError(message)
        for name, kind in REQUIRED_ARGUMENTS[task_type].items():
            if not isinstance(arguments, dict) or not isinstance(arguments.get(name), kind):
                message = f"Missing argument {name!r} of type {kind.__name__} for a task of type {task_type!r}."
                raise InvalidTaskError(message)
        priority = document.get("priority", 0)
        if not isinstance(priority, int) or not 0 <= priority <= HIGHEST_PRIORITY:
            message = f"Invalid priority: {priority!r}. Use a whole number from 0 to {HIGHEST_PRIORITY}."
            raise InvalidTaskError(message)
        return cls(
            id=task_id,
            type=task_type,
            arguments=arguments,
            priority=priority,
            tenant_id=str(document.get("tenant_id", "unknown")),
            session_id=str(document.get("session_id", "unknown")),
        )
