"""Find tasks, and break them down."""

from dataclasses import dataclass

from gnomon.model.errors import InvalidInputError
from gnomon.model.tasks import Task, TaskCounts, TaskFilter, TaskSort
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.task_store import TaskStore

_STEPS = 60
_FARTHEST = 100_000


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Hold tasks of one page; `next_cursor` is empty on the last one."""

    tasks: tuple[Task, ...]
    next_cursor: str


class TaskSearch:
    """Answer which tasks there were."""

    def __init__(self, store: TaskStore) -> None:
        """Read from `store`."""
        self._store = store

    async def search(
        self, time_range: TimeRange, wanted: TaskFilter, sort: TaskSort, limit: int, cursor: str
    ) -> TaskPage:
        """Return a page of the tasks that began in a range; raises InvalidInputError for a cursor that is none."""
        if cursor and not (cursor.isdecimal() and int(cursor) <= _FARTHEST):
            raise InvalidInputError(f"Invalid cursor: {cursor!r}. Take `next_cursor` of the page before.")
        offset = int(cursor or 0)
        found = await self._store.search(time_range, wanted, sort, limit + 1, offset)
        more = len(found) > limit and offset + limit <= _FARTHEST
        return TaskPage(tuple(found[:limit]), str(offset + limit) if more else "")

    async def count(self, time_range: TimeRange, wanted: TaskFilter) -> TaskCounts:
        """Return distributions, kinds and facets of the tasks that began in a range."""
        return await self._store.count(time_range, wanted, _STEPS)

    async def of_trace(self, trace_id: str) -> list[Task]:
        """Return the tasks that a trace is of."""
        return await self._store.of_trace(trace_id)

    async def find(self, task_ids: list[str]) -> list[Task]:
        """Return those of some tasks that there are."""
        return await self._store.find(task_ids)
