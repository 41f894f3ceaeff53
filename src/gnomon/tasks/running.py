"""Tasks that run now, and how long they still need."""

from collections.abc import Sequence

import numpy as np

from gnomon.lifecycle import Clock
from gnomon.model.tasks import Task
from gnomon.storage.task_store import TaskStore
from gnomon.tasks.task_views import Forecast, RunningTask

# With fewer of a kind, one in a hundred says nothing.
_ENOUGH = 20


class RunningTasks:
    """Show what has not ended."""

    def __init__(self, store: TaskStore, clock: Clock) -> None:
        """Read from `store`."""
        self._store = store
        self._clock = clock

    async def list(self, limit: int) -> list[RunningTask]:
        """Return the tasks under way, those that outrun their kind first, then the oldest."""
        now_ns = self._clock.now_ns()
        tasks = await self._store.running(now_ns, limit)
        lengths = await self._store.durations(sorted({task.type for task in tasks}), now_ns)
        running = [RunningTask(task, forecast(task, lengths.get(task.type, ()), now_ns)) for task in tasks]
        return sorted(running, key=lambda found: (not found.forecast.outruns, found.task.start_ns))

    async def forecast(self, task: Task) -> Forecast | None:
        """Return how long one task still needs; null where it has ended."""
        if task.ended:
            return None
        now_ns = self._clock.now_ns()
        lengths = await self._store.durations([task.type], now_ns)
        return forecast(task, lengths.get(task.type, ()), now_ns)


def forecast(task: Task, lengths_ns: Sequence[int], now_ns: int) -> Forecast:
    """Return how long a task still needs, by how long others of its kind took, in nanoseconds.

    Only those say something that took at least as long as this one has: what is left of them is what may be left here.
    """
    elapsed = max(0, now_ns - task.start_ns)
    known = np.sort(np.asarray(lengths_ns, dtype=np.int64))
    longer = known[np.searchsorted(known, elapsed, side="right") :] - elapsed
    p50 = int(np.quantile(known, 0.5)) if len(known) else None
    p99 = int(np.quantile(known, 0.99)) if len(known) else None
    remaining = (int(np.quantile(longer, 0.5)), int(np.quantile(longer, 0.9))) if len(longer) else (None, None)
    deadline = task.deadline_ns
    return Forecast(
        elapsed_ns=elapsed,
        samples=len(known),
        usual_p50_ns=p50,
        usual_p99_ns=p99,
        remaining_p50_ns=remaining[0],
        remaining_p90_ns=remaining[1],
        outruns=p99 is not None and len(known) >= _ENOUGH and elapsed > p99,
        late=deadline is not None and now_ns + (remaining[0] or 0) > deadline,
        silent_ns=max(0, now_ns - task.last_heard_ns),
    )
