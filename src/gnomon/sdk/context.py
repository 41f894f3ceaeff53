"""What the work at hand belongs to: ids that spans, events and log lines take from the context they run in."""

from contextvars import ContextVar
from dataclasses import dataclass
from operator import attrgetter
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class WorkContext:
    """Name the task, agent, tenant, … that code runs for; None where nobody said."""

    task_id: str | None = None
    task_type: str | None = None
    task_attempt: int | None = None
    task_parent_id: str | None = None
    agent_id: str | None = None
    tenant_id: str | None = None
    chain_id: str | None = None
    session_id: str | None = None
    correlation_id: str | None = None
    client_id: str | None = None
    endpoint: str | None = None

    def fields(self) -> dict[str, str | int]:
        """Return what is known by field name, as log lines and journals carry it."""
        values = _values(self)
        if values[:-1] == _NOTHING:  # a request's
            return {} if self.endpoint is None else {"endpoint": self.endpoint}
        return {name: value for name, value in zip(_FIELDS, values, strict=True) if value is not None}

    def attributes(self) -> dict[str, str | int]:
        """Return what is known by attribute name (`task.id`, …), as spans and events carry it.

        The endpoint is not among them: HTTP spans tell it.
        """
        values = _values(self)[:-1]
        if values == _NOTHING:
            return {}
        return {key: value for key, value in zip(_KEYS, values, strict=True) if value is not None}


_FIELDS = tuple(WorkContext.__slots__)
_values = attrgetter(*_FIELDS)
ATTRIBUTES = {
    "task_id": "task.id",
    "task_type": "task.type",
    "task_attempt": "task.attempt",
    "task_parent_id": "task.parent_id",
    "agent_id": "agent.id",
    "tenant_id": "tenant.id",
    "chain_id": "chain.id",
    "session_id": "session.id",
    "correlation_id": "correlation.id",
    "client_id": "client.id",
}
# All but the endpoint, which is the last field.
_KEYS = tuple(ATTRIBUTES.values())
_NOTHING = (None,) * len(_KEYS)
EMPTY = WorkContext()
_current: ContextVar[WorkContext] = ContextVar("gnomon_work", default=EMPTY)


def current() -> WorkContext:
    """Return the work that this code runs for."""
    return _current.get()


class bind:  # noqa: N801 - read as a function: `with bind(tenant_id="acme"):`
    """Say more about the work until the block ends; tasks and threads started inside with the context inherit it.

    Unknown names are refused with TypeError. A None takes the outer value away.
    """

    __slots__ = ("_outer", "_work")

    def __init__(self, **fields: str | int | None) -> None:
        """Take the fields of WorkContext that change."""
        outer = _current.get()
        self._work = WorkContext(**{**{name: getattr(outer, name) for name in _FIELDS}, **fields})
        self._outer = outer

    def __enter__(self) -> WorkContext:
        """Make it the current work."""
        self._outer = _current.get()
        _current.set(self._work)
        return self._work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Return to what was current before; a generator that ends in another context finds nothing to return to."""
        if _current.get() is self._work:
            _current.set(self._outer)


def replace_current(work: WorkContext) -> WorkContext:
    """Make `work` current without a block and return what it replaces: for code that cannot nest, such as consumers."""
    outer = _current.get()
    _current.set(work)
    return outer


class carried:  # noqa: N801 - read as a function
    """Run a block for work that came from elsewhere (a message, another process) in place of the current one."""

    __slots__ = ("_outer", "_work")

    def __init__(self, work: WorkContext) -> None:
        """Take the work to run for."""
        self._work = work
        self._outer = EMPTY

    def __enter__(self) -> Self:
        """Make it the current work."""
        self._outer = replace_current(self._work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Return to what was current before."""
        if _current.get() is self._work:
            _current.set(self._outer)
