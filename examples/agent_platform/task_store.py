"""What is known of tasks, and what tenants spent: the router's tables."""

import json
import time
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from examples.agent_platform.database import Database
from examples.agent_platform.tasks import FINAL_STATUSES, Task, TaskStatus
from examples.agent_platform.tenants import DAY_S

SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS task (
        id TEXT PRIMARY KEY,
        queue TEXT NOT NULL,
        document TEXT NOT NULL,
        status TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        queued_at DOUBLE PRECISION NOT NULL,
        finished_at DOUBLE PRECISION,
        result TEXT,
        error TEXT
    )
    """,
    "CREATE INDEX IF NOT EXISTS task_by_status ON task (status, queue)",
    """
    CREATE TABLE IF NOT EXISTS spend (
        tenant TEXT NOT NULL,
        day BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        PRIMARY KEY (tenant, day)
    )
    """,
)
_OPEN = ", ".join(f"'{status}'" for status in TaskStatus if status not in FINAL_STATUSES)


class TaskStore:
    """Tasks and spending in the database."""

    def __init__(self, database: Database) -> None:
        """Use a database that was opened with this module's schema."""
        self._database = database

    async def add(self, task: Task) -> None:
        """Store a task durably."""
        await self._database.execute(
            "INSERT INTO task (id, queue, document, status, queued_at) VALUES (:id, :queue, :document, :status, :now)"
            " ON CONFLICT (id) DO NOTHING",
            id=task.id,
            queue=task.queue,
            document=json.dumps(task.to_json()),
            status=TaskStatus.QUEUED.value,
            now=time.time(),
        )

    async def move(
        self, task_id: str, status: TaskStatus, *, attempt: int = 0, result: object = None, error: str | None = None
    ) -> bool:
        """Write down how a task stands now; False, and nothing written, when it has ended already or is not known."""
        rows = await self._database.execute(
            f"UPDATE task SET status = :status, result = :result, error = :error, finished_at = :finished,"
            f" attempt = CASE WHEN :attempt > attempt THEN :attempt ELSE attempt END"
            f" WHERE id = :id AND status IN ({_OPEN}) RETURNING id",
            id=task_id,
            status=status.value,
            attempt=attempt,
            result=None if result is None else json.dumps(result),
            error=error,
            finished=time.time() if status in FINAL_STATUSES else None,
        )
        return bool(rows)

    async def cancel(self, task_id: str) -> bool:
        """Cancel a task that no worker has yet; returns whether that was so."""
        rows = await self._database.execute(
            "UPDATE task SET status = 'cancelled', finished_at = :now"
            " WHERE id = :id AND status IN ('queued', 'routed') RETURNING id",
            id=task_id,
            now=time.time(),
        )
        return bool(rows)

    async def find(self, task_id: str) -> dict[str, Any] | None:
        """Return what is known of a task, or None."""
        rows = await self._database.execute(
            "SELECT id, document, status, attempt, result, error FROM task WHERE id = :id", id=task_id
        )
        if not rows:
            return None
        (row,) = rows
        return {
            "id": row["id"],
            "type": json.loads(row["document"])["type"],
            "status": row["status"],
            "final": row["status"] in FINAL_STATUSES,
            "attempt": row["attempt"],
            "result": json.loads(row["result"]) if row["result"] else None,
            "error": row["error"],
        }

    async def list_unrouted(self) -> list[Task]:
        """Return tasks that were stored but never sent, oldest first: a router died in between."""
        rows = await self._database.execute("SELECT document FROM task WHERE status = 'queued' ORDER BY queued_at")
        return [Task.from_json(document["id"], document) for document in (json.loads(row["document"]) for row in rows)]

    async def count_waiting(self) -> dict[str, int]:
        """Return how many tasks wait, by queue; looking leaves no span."""
        with suppress_instrumentation():
            rows = await self._database.execute(
                "SELECT queue, count(*) AS waiting FROM task WHERE status IN ('queued', 'routed', 'retrying')"
                " GROUP BY queue"
            )
        return {row["queue"]: int(row["waiting"]) for row in rows}

    async def prune(self, *, older_than_s: float) -> int:
        """Forget tasks that ended so long ago; returns how many."""
        rows = await self._database.execute(
            "DELETE FROM task WHERE finished_at < :before RETURNING id", before=time.time() - older_than_s
        )
        return len(rows)

    async def spend(self, tenant: str, tokens: int) -> None:
        """Charge a tenant's budget of today."""
        await self._database.execute(
            "INSERT INTO spend (tenant, day, tokens) VALUES (:tenant, :day, :tokens)"
            " ON CONFLICT (tenant, day) DO UPDATE SET tokens = spend.tokens + excluded.tokens",
            tenant=tenant,
            day=int(time.time() // DAY_S),
            tokens=tokens,
        )

    async def spent_today(self, tenant: str) -> int:
        """Return how many tokens a tenant has spent today."""
        rows = await self._database.execute(
            "SELECT tokens FROM spend WHERE tenant = :tenant AND day = :day",
            tenant=tenant,
            day=int(time.time() // DAY_S),
        )
        return int(rows[0]["tokens"]) if rows else 0
