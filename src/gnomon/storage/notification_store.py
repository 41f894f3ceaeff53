"""Notifications in the state database: what is to be told, every attempt, and what was told last."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from gnomon.storage.state_store import StateStore

_metadata = sa.MetaData()
_notifications = sa.Table(
    "notifications",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("receiver", sa.String(200), nullable=False),
    sa.Column("integration", sa.String(100), nullable=False),
    sa.Column("group_labels", sa.Text, nullable=False),
    sa.Column("alerts", sa.Text, nullable=False),
    sa.Column("firing", sa.Integer, nullable=False),
    sa.Column("resolved", sa.Integer, nullable=False),
    sa.Column("decided_at_ns", sa.BigInteger, nullable=False),
    sa.Column("repeat_interval_ms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("ended_at_ns", sa.BigInteger),
)
_attempts = sa.Table(
    "notification_attempts",
    _metadata,
    sa.Column("notification_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("duration_ms", sa.Float, nullable=False),
    sa.Column("delivered", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("answer", sa.Text, nullable=False),
)
_log = sa.Table(
    "notification_log",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("firing", sa.Text, nullable=False),
    sa.Column("resolved", sa.Text, nullable=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
)


class NotificationState(StrEnum):
    """What has become of a notification."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver; `at_ns` is Unix nanoseconds, `answer` what the other side said."""

    number: int
    at_ns: int
    duration_ms: float
    delivered: bool
    reason: str
    status: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class Notification:
    """What one channel of a receiver is told about a group; `alerts` are as decoded from JSON."""

    id: str
    group_key: str
    receiver: str
    integration: str
    group_labels: dict[str, str]
    alerts: list[dict[str, Any]]
    firing: int
    resolved: int
    decided_at_ns: int
    repeat_interval_ms: int
    state: NotificationState = NotificationState.PENDING
    ended_at_ns: int | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What was told last to one channel about a group: fingerprints of alerts, and when (Unix nanoseconds)."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at_ns: int
    expires_at_ns: int = field(compare=False)


class NotificationStore:
    """Keep notifications; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore) -> None:
        """Keep them in `state`."""
        self._state = state

    async def add(self, notification: Notification) -> None:
        """Store what is to be told, before it is."""
        statement = sa.insert(_notifications).values(
            id=notification.id,
            group_key=notification.group_key,
            receiver=notification.receiver,
            integration=notification.integration,
            group_labels=orjson.dumps(notification.group_labels).decode(),
            alerts=orjson.dumps(notification.alerts).decode(),
            firing=notification.firing,
            resolved=notification.resolved,
            decided_at_ns=notification.decided_at_ns,
            repeat_interval_ms=notification.repeat_interval_ms,
            state=NotificationState.PENDING.value,
        )
        await self._state.execute(statement)

    async def add_attempt(self, notification_id: str, attempt: Attempt) -> None:
        """Store an attempt that did not end the matter."""
        await self._state.execute(_insert_attempt(notification_id, attempt))

    async def end_delivered(self, notification: Notification, attempt: Attempt | None, entry: LogEntry) -> None:
        """Store that it was told, and what was told, all or none."""
        log_id = _log_id(notification.group_key, notification.receiver, notification.integration)
        statements: list[sa.Executable] = [
            _end(notification.id, NotificationState.DELIVERED, entry.at_ns),
            sa.delete(_log).where(_log.c.id == log_id),
            sa.insert(_log).values(
                id=log_id,
                firing=orjson.dumps(sorted(entry.firing)).decode(),
                resolved=orjson.dumps(sorted(entry.resolved)).decode(),
                at_ns=entry.at_ns,
                expires_at_ns=entry.expires_at_ns,
            ),
        ]
        if attempt is not None:
            statements.append(_insert_attempt(notification.id, attempt))
        await self._state.transact(statements)

    async def end_failed(self, notification_id: str, at_ns: int, attempt: Attempt | None) -> None:
        """Store that it was given up; the group's next look decides anew."""
        statements: list[sa.Executable] = [_end(notification_id, NotificationState.FAILED, at_ns)]
        if attempt is not None:
            statements.append(_insert_attempt(notification_id, attempt))
        await self._state.transact(statements)

    async def last_told(self, group_key: str, receiver: str, integration: str, now_ns: int) -> LogEntry | None:
        """Return what was told last, None if nothing was or it is long ago."""
        log_id = _log_id(group_key, receiver, integration)
        rows = await self._state.execute(sa.select(_log).where(_log.c.id == log_id, _log.c.expires_at_ns > now_ns))
        if not rows:
            return None
        row = rows[0]
        firing, resolved = (frozenset(orjson.loads(text)) for text in (row.firing, row.resolved))
        return LogEntry(firing, resolved, row.at_ns, row.expires_at_ns)

    async def pending(self) -> list[Notification]:
        """Return what was decided and not told yet, the oldest first."""
        chosen = sa.select(_notifications).where(_notifications.c.state == NotificationState.PENDING.value)
        rows = await self._state.execute(chosen.order_by(_notifications.c.decided_at_ns))
        return await self._with_attempts(rows)

    async def find(
        self,
        *,
        limit: int,
        receiver: str = "",
        states: Collection[NotificationState] = (),
        before_ns: int | None = None,
    ) -> list[Notification]:
        """Return notifications with their attempts, the latest first."""
        chosen = sa.select(_notifications)
        if receiver:
            chosen = chosen.where(_notifications.c.receiver == receiver)
        if states:
            chosen = chosen.where(_notifications.c.state.in_([state.value for state in states]))
        if before_ns is not None:
            chosen = chosen.where(_notifications.c.decided_at_ns < before_ns)
        chosen = chosen.order_by(_notifications.c.decided_at_ns.desc(), _notifications.c.id).limit(limit)
        return await self._with_attempts(await self._state.execute(chosen))

    async def forget(self, decided_before_ns: int, now_ns: int) -> None:
        """Remove what was decided before a time and is over, and what the log need not hold any more."""
        old = sa.select(_notifications.c.id).where(
            _notifications.c.decided_at_ns < decided_before_ns,
            _notifications.c.state != NotificationState.PENDING.value,
        )
        await self._state.transact(
            [
                sa.delete(_attempts).where(_attempts.c.notification_id.in_(old)),
                sa.delete(_notifications).where(_notifications.c.id.in_(old)),
                sa.delete(_log).where(_log.c.expires_at_ns <= now_ns),
            ]
        )

    async def _with_attempts(self, rows: list[Any]) -> list[Notification]:
        if not rows:
            return []
        ids = [row.id for row in rows]
        tried: dict[str, list[Attempt]] = {}
        chosen = sa.select(_attempts).where(_attempts.c.notification_id.in_(ids)).order_by(_attempts.c.number)
        for row in await self._state.execute(chosen):
            attempt = Attempt(row.number, row.at_ns, row.duration_ms, row.delivered, row.reason, row.status, row.answer)
            tried.setdefault(row.notification_id, []).append(attempt)
        return [_notification(row, tuple(tried.get(row.id, ()))) for row in rows]


def _notification(row: Any, attempts: tuple[Attempt, ...]) -> Notification:
    return Notification(
        id=row.id,
        group_key=row.group_key,
        receiver=row.receiver,
        integration=row.integration,
        group_labels=orjson.loads(row.group_labels),
        alerts=orjson.loads(row.alerts),
        firing=row.firing,
        resolved=row.resolved,
        decided_at_ns=row.decided_at_ns,
        repeat_interval_ms=row.repeat_interval_ms,
        state=NotificationState(row.state),
        ended_at_ns=row.ended_at_ns,
        attempts=attempts,
    )


def _insert_attempt(notification_id: str, attempt: Attempt) -> sa.Executable:
    return sa.insert(_attempts).values(
        notification_id=notification_id,
        number=attempt.number,
        at_ns=attempt.at_ns,
        duration_ms=attempt.duration_ms,
        delivered=attempt.delivered,
        reason=attempt.reason,
        status=attempt.status,
        answer=attempt.answer,
    )


def _end(notification_id: str, state: NotificationState, at_ns: int) -> sa.Executable:
    chosen = sa.update(_notifications).where(_notifications.c.id == notification_id)
    return chosen.values(state=state.value, ended_at_ns=at_ns)


def _log_id(group_key: str, receiver: str, integration: str) -> str:
    return hashlib.sha256(f"{receiver}\x00{integration}\x00{group_key}".encode()).hexdigest()
