"""Tasks as the services hand them to each other, and the words for their stages."""

import enum
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

QUEUE_BY_TYPE = {
    "answer": "interactive",
    "calculate": "interactive",
    "chapter": "interactive",
    "chat": "interactive",
    "expense": "interactive",
    "extract": "batch",
    "report": "batch",
}
"""Which queue serves a type of task; its keys are all the types there are."""

ROLE_BY_TYPE = {
    "answer": "librarian",
    "calculate": "mathematician",
    "chapter": "librarian",
    "chat": "concierge",
    "expense": "accountant",
    "extract": "archivist",
    "report": "researcher",
}
"""Which kind of agent does a type of task."""

REQUIRED_ARGUMENTS: dict[str, dict[str, type]] = {
    "answer": {"question": str},
    "calculate": {"expression": str},
    "chapter": {"topic": str},
    "chat": {"text": str},
    "expense": {"account": str, "amount": str},
    "extract": {"pattern": str, "document": str},
    "report": {"topics": list},
}
HIGHEST_PRIORITY = 9
_NORMAL, _HIGH = 3, 7


class TaskStatus(enum.StrEnum):
    """How a task stands."""

    QUEUED = enum.auto()
    ROUTED = enum.auto()
    EXECUTING = enum.auto()
    RETRYING = enum.auto()
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
    """One piece of work for an agent; `arguments` depend on its type, `deadline` is in Unix seconds."""

    id: str
    type: str
    arguments: dict[str, Any]
    priority: int
    tenant_id: str
    session_id: str
    persona_id: str = "unknown"
    deadline: float | None = None
    agent_id: str = ""
    depth: int = 0

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
            persona_id=str(document.get("persona_id", "unknown")),
            deadline=document.get("deadline"),
            agent_id=str(document.get("agent_id", "")),
            depth=int(document.get("depth", 0)),
        )

    @classmethod
    def from_message(cls, body: bytes) -> Self:
        """Read a task from a message's body; raises InvalidTaskError."""
        try:
            document = json.loads(body)
        except ValueError as error:
            message = f"Invalid message: {body[:80]!r}. A task is a JSON object."
            raise InvalidTaskError(message) from error
        if not isinstance(document, dict) or not isinstance(document.get("id"), str):
            message = f"Invalid message: {body[:80]!r}. A task has an id."
            raise InvalidTaskError(message)
        return cls.from_json(document["id"], document)

    @property
    def queue(self) -> str:
        """The queue that serves it."""
        return QUEUE_BY_TYPE[self.type]

    @property
    def priority_name(self) -> str:
        """Its priority in a word."""
        return "high" if self.priority >= _HIGH else "normal" if self.priority >= _NORMAL else "low"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)
