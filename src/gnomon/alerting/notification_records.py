"""Notifications as people look at them."""

from typing import Any

from pydantic import BaseModel

from gnomon.model.timestamps import UnixNanoseconds
from gnomon.storage.notification_store import Notification, NotificationState

__all__ = ["AttemptRecord", "NotificationRecord", "NotificationState", "make_record"]


class AttemptRecord(BaseModel):
    """One attempt to deliver: whether it did, why not, and what the other side answered."""

    number: int
    at_ns: UnixNanoseconds
    duration_ms: float
    delivered: bool
    reason: str
    status: int | None
    answer: str


class NotificationRecord(BaseModel):
    """What one channel of a receiver was told about a group, or was not."""

    id: str
    receiver: str
    integration: str
    group_key: str
    group_labels: dict[str, str]
    state: NotificationState
    firing: int
    resolved: int
    alerts: list[dict[str, Any]]
    decided_at_ns: UnixNanoseconds
    ended_at_ns: UnixNanoseconds | None
    attempts: list[AttemptRecord]


def make_record(notification: Notification) -> NotificationRecord:
    """Return a notification for a look at it."""
    return NotificationRecord(
        id=notification.id,
        receiver=notification.receiver,
        integration=notification.integration,
        group_key=notification.group_key,
        group_labels=notification.group_labels,
        state=notification.state,
        firing=notification.firing,
        resolved=notification.resolved,
        alerts=[
            {
                "labels": alert["labels"],
                "annotations": alert["annotations"],
                "starts_at_ns": str(alert["starts_at_ns"]),
                "ends_at_ns": str(alert["ends_at_ns"]) if alert["ends_at_ns"] else None,
            }
            for alert in notification.alerts
        ],
        decided_at_ns=notification.decided_at_ns,
        ended_at_ns=notification.ended_at_ns,
        attempts=[
            AttemptRecord(
                number=attempt.number,
                at_ns=attempt.at_ns,
                duration_ms=attempt.duration_ms,
                delivered=attempt.delivered,
                reason=attempt.reason,
                status=attempt.status,
                answer=attempt.answer,
            )
            for attempt in notification.attempts
        ],
    )
