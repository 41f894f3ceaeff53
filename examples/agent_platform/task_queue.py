"""A durable task queue in one SQLite file that the router writes and the workers read.

A message carries the trace context of its sender in `headers`, as a message broker would. A claimed task is leased:
when its worker dies, the lease runs out and another worker gets the task with the next attempt number.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from opentelemetry.instrumentation.utils import suppress_instrumentation

from examples.agent_platform.tasks import FINAL_STATUSES, Task, TaskStatus

LEASE_S = 20.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS task (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    arguments TEXT NOT NULL,
    priority INTEGER NOT NULL,
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    queue TEXT,
    headers TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    queued_at REAL NOT NULL,
    available_at REAL NOT NULL,
    leased_by TEXT,
    leased_until REAL,
    finished_at REAL,
    result TEXT,
    error TEXT
);
CREATE INDEX IF NOT EXISTS task_to_claim ON task (queue, priority DESC, available_at) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS task_to_prune ON task (finished_at) WHERE finished_at IS NOT NULL;
"""
_TASK_COLUMNS = "id, type, arguments, priority, tenant_id, session_id"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task as handed to a worker."""

    task: Task
    queue: str
    headers: dict[str, str]
    attempt: int
    waited_s: float


class TaskQueue:
    """Hand tasks from the router to the workers, each until it is finished; safe to use from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection; use `open` to get one."""
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the queue's file, creating it when needed."""
        connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        with suppress_instrumentation():
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.executescript(_SCHEMA)
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def put(self, task: Task) -> None:
        """Store a task durably; nobody gets it before it is routed."""
        now_s = time.time()
        self._execute(
            f"INSERT INTO task ({_TASK_COLUMNS}, status, queued_at, available_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                task.id,
                task.type,
                json.dumps(task.arguments),
                task.priority,
                task.tenant_id,
                task.session_id,
                TaskStatus.QUEUED,
                now_s,
                now_s,
            ),
        )

    def route(self, task_id: str, queue: str, headers: dict[str, str]) -> None:
        """Make a task available in a queue, with the trace context that its worker continues."""
        self._execute(
            "UPDATE task SET queue = ?, headers = ?, status = ? WHERE id = ?",
            (queue, json.dumps(headers), TaskStatus.ROUTED, task_id),
        )

    def list_unrouted(self) -> list[Task]:
        """Return the tasks that were stored but never routed, oldest first: a router died in between."""
        rows = self._execute(
            f"SELECT {_TASK_COLUMNS} FROM task WHERE status = ? ORDER BY queued_at", (TaskStatus.QUEUED,)
        )
        return [_to_task(row) for row in rows]

    def claim(self, queues: Sequence[str], worker: str) -> Delivery | None:
        """Lease the most urgent task to a worker, or return None; looking into an empty queue leaves no span."""
        now_s = time.time()
        wanted = ", ".join("?" for _ in queues)
        with suppress_instrumentation():
            rows = self._execute(
                f"""
                UPDATE task SET status = ?, attempt = attempt + 1, leased_by = ?, leased_until = ?
                WHERE id = (
                    SELECT id FROM task
                    WHERE queue IN ({wanted}) AND finished_at IS NULL
                        AND (status = ? AND available_at <= ? OR leased_until < ?)
                    ORDER BY priority DESC, available_at LIMIT 1
                )
                RETURNING {_TASK_COLUMNS}, queue, headers, attempt, available_at
                """,
                (TaskStatus.ASSIGNED, worker, now_s + LEASE_S, *queues, TaskStatus.ROUTED, now_s, now_s),
            )
        if not rows:
            return None
        *task, queue, headers, attempt, available_at = rows[0]
        return Delivery(_to_task(task), queue, json.loads(headers), attempt, waited_s=now_s - available_at)

    def finish(self, task_id: str, status: TaskStatus, *, result: object = None, error: str | None = None) -> None:
        """Write down how a task ended."""
        self._execute(
            "UPDATE task SET status = ?, result = ?, error = ?, finished_at = ?, leased_until = NULL WHERE id = ?",
            (status, json.dumps(result), error, time.time(), task_id),
        )

    def retry(self, task_id: str, *, delay_s: float, error: str) -> None:
        """Give a task back, to be claimed again after a while."""
        self._execute(
            "UPDATE task SET status = ?, error = ?, available_at = ?, leased_until = NULL WHERE id = ?",
            (TaskStatus.ROUTED, error, time.time() + delay_s, task_id),
        )

    def cancel(self, task_id: str) -> bool:
        """Cancel a task that no worker has yet; returns whether that was so."""
        rows = self._execute(
            "UPDATE task SET status = ?, finished_at = ? WHERE id = ? AND status IN (?, ?) RETURNING id",
            (TaskStatus.CANCELLED, time.time(), task_id, TaskStatus.QUEUED, TaskStatus.ROUTED),
        )
        return bool(rows)

    def find(self, task_id: str) -> dict[str, Any] | None:
        """Return what is known of a task, or None."""
        rows = self._execute("SELECT id, type, status, attempt, result, error FROM task WHERE id = ?", (task_id,))
        if not rows:
            return None
        found_id, task_type, status, attempt, result, error = rows[0]
        return {
            "id": found_id,
            "type": task_type,
            "status": status,
            "final": status in FINAL_STATUSES,
            "attempt": attempt,
            "result": json.loads(result) if result else None,
            "error": error,
        }

    def count_waiting(self, queue: str) -> int:
        """Return how many tasks wait in a queue."""
        rows = self._execute("SELECT count(*) FROM task WHERE queue = ? AND status = ?", (queue, TaskStatus.ROUTED))
        return int(rows[0][0])

    def prune(self, *, older_than_s: float) -> int:
        """Forget the tasks that were finished so long ago; returns how many."""
        rows = self._execute("DELETE FROM task WHERE finished_at < ? RETURNING 1", (time.time() - older_than_s,))
        return len(rows)

    def _execute(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        with self._lock:
            cursor = self._connection.cursor()
            try:
                cursor.execute(statement, parameters)
                return cursor.fetchall()
            finally:
                cursor.close()


def _to_task(row: Sequence[Any]) -> Task:
    task_id, task_type, arguments, priority, tenant_id, session_id = row
    return Task(task_id, task_type, json.loads(arguments), priority, tenant_id, session_id)
