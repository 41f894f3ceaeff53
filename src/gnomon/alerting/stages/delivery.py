"""Tell the channels of a receiver what is news to them: stored first, tried until it is delivered or too late.

    decide ──► store as pending ──► try ──► delivered: store that, and what was told, in one transaction
                    ▲                │
      next start ───┘                └─► failed: wait and try again, until the deadline; the next look decides anew

A process that dies between two steps leaves the notification pending; the next one delivers it. It is delivered twice
only when the process dies after the other side has answered and before that is stored.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

import structlog
from prometheus_client import Counter, Histogram

from gnomon.alerting.channels.channel import Outcome, Reason
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.message_values import Message
from gnomon.alerting.receivers import Integration, Receivers
from gnomon.alerting.stages.flush import Flush
from gnomon.lifecycle import Clock
from gnomon.model.errors import GnomonError
from gnomon.model.labels import Labels
from gnomon.storage.notification_store import Attempt, LogEntry, Notification, NotificationStore

log = structlog.get_logger(__name__)

_BY = ["integration"]
NOTIFICATIONS = Counter("gnomon_notifications_total", "Notifications that were delivered.", _BY)
FAILED = Counter("gnomon_notifications_failed_total", "Notifications that were given up.", [*_BY, "reason"])
ATTEMPTS = Counter("gnomon_notification_attempts_total", "Attempts to deliver a notification.", [*_BY, "outcome"])
SECONDS = Histogram(
    "gnomon_notification_duration_seconds", "How long an attempt took.", _BY, buckets=(0.01, 0.1, 0.5, 1, 5, 10, 30)
)

_NS = 1_000_000_000
_FIRST_WAIT_S, _LONGEST_WAIT_S, _GROWTH, _SPREAD = 0.5, 60.0, 1.5, 0.5
# As long as Alertmanager remembers what it told.
_LOG_KEPT_NS = 120 * 3600 * _NS

Report = Callable[[Integration, Outcome], None]
"""Take note of what became of a notification in the end."""


class DeliveryError(GnomonError):
    """Tell that some channel could not be told."""


@dataclass(frozen=True, slots=True)
class DeliveryTools:
    """What deliveries work with; `external_url` is where people find Gnomon."""

    store: NotificationStore
    clock: Clock
    external_url: Callable[[], str]
    report: Report


class Deliver:
    """Tell every channel of the route's receiver, all at the same time."""

    def __init__(self, receivers: Receivers, tools: DeliveryTools) -> None:
        """Deliver to these receivers."""
        self._receivers = receivers
        self._tools = tools
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Return the alerts once every channel knows them; raises DeliveryError."""
        integrations = self._receivers.get(flush.route.receiver, ())
        told = await asyncio.gather(
            *(self._tell(integration, flush, alerts) for integration in integrations), return_exceptions=True
        )
        for result in told:
            if isinstance(result, BaseException):
                raise result
        if not all(told):
            raise DeliveryError(f"Some channels of {flush.route.receiver!r} could not be told.")
        return alerts

    async def resume(self, notification: Notification, deadline_ns: int) -> bool:
        """Deliver what another process left; tell whether that went well. Looks at its group wait until it is over."""
        integrations = self._receivers.get(notification.receiver, ())
        integration = next((each for each in integrations if each.name == notification.integration), None)
        if integration is None:
            await self._tools.store.end_failed(notification.id, self._tools.clock.now_ns(), None)
            return False
        message = Message(
            notification.receiver,
            notification.group_key,
            Labels.of(notification.group_labels),
            tuple(map(_read_alert, notification.alerts)),
            notification.decided_at_ns,
            self._tools.external_url(),
        )
        async with self._lock(notification.group_key, integration):
            return await self._try(integration, notification, message, deadline_ns)

    async def _tell(self, integration: Integration, flush: Flush, alerts: Sequence[FiredAlert]) -> bool:
        async with self._lock(flush.group_key, integration):
            now_ns = self._tools.clock.now_ns()
            last = await self._tools.store.last_told(flush.group_key, integration.receiver, integration.name, now_ns)
            firing = frozenset(each.fingerprint_text for each in alerts if not each.is_resolved(flush.now_ns))
            resolved = frozenset(each.fingerprint_text for each in alerts if each.is_resolved(flush.now_ns))
            sends_resolved = integration.channel.sends_resolved
            if not is_news(last, firing, resolved, flush.route.repeat_interval_ms, now_ns, sends_resolved):
                return True
            message = Message(
                integration.receiver,
                flush.group_key,
                flush.group_labels,
                tuple(alerts),
                flush.now_ns,
                self._tools.external_url(),
            )
            notification = _make_notification(message, integration, firing, resolved, flush, now_ns)
            await self._tools.store.add(notification)
            return await self._try(integration, notification, message, flush.deadline_ns)

    async def _try(
        self, integration: Integration, notification: Notification, message: Message, deadline_ns: int
    ) -> bool:
        """Try until it is delivered, cannot be, or is too late."""
        tools = self._tools
        sent = message
        if not integration.channel.sends_resolved:
            firing = tuple(alert for alert in message.alerts if not alert.is_resolved(message.now_ns))
            if not firing:
                await tools.store.end_delivered(notification, None, self._entry(message, notification))
                return True
            sent = replace(message, alerts=firing)
        number = max((attempt.number for attempt in notification.attempts), default=0)
        wait_s = _FIRST_WAIT_S
        while True:
            number += 1
            outcome, attempt = await self._attempt(integration, sent, number)
            if outcome.delivered:
                await tools.store.end_delivered(notification, attempt, self._entry(message, notification))
                NOTIFICATIONS.labels(integration.name).inc()
                tools.report(integration, outcome)
                return True
            pause_s = wait_s * (1 + _SPREAD * (2 * random.random() - 1))  # noqa: S311 - only spreads retries
            if not outcome.recoverable or tools.clock.now_ns() + pause_s * _NS >= deadline_ns:
                await tools.store.end_failed(notification.id, tools.clock.now_ns(), attempt)
                FAILED.labels(integration.name, outcome.reason.value).inc()
                tools.report(integration, outcome)
                return False
            await tools.store.add_attempt(notification.id, attempt)
            await tools.clock.sleep(pause_s)
            wait_s = min(wait_s * _GROWTH, _LONGEST_WAIT_S)

    async def _attempt(self, integration: Integration, message: Message, number: int) -> tuple[Outcome, Attempt]:
        clock = self._tools.clock
        at_ns, began = clock.now_ns(), clock.monotonic()
        try:
            outcome = await integration.channel.send(message)
        except Exception as error:
            log.exception("channel failed unexpectedly", receiver=integration.receiver, integration=integration.name)
            outcome = Outcome(delivered=False, reason=Reason.OTHER, answer=f"{type(error).__name__}: {error}")
        duration_s = clock.monotonic() - began
        ATTEMPTS.labels(integration.name, "delivered" if outcome.delivered else outcome.reason.value).inc()
        SECONDS.labels(integration.name).observe(duration_s)
        if not outcome.delivered:
            log.warning(
                "notification not delivered",
                receiver=integration.receiver,
                integration=integration.name,
                attempt=number,
                reason=outcome.reason.value,
                status=outcome.status,
                answer=outcome.answer,
            )
        return outcome, Attempt(
            number, at_ns, duration_s * 1000, outcome.delivered, outcome.reason.value, outcome.status, outcome.answer
        )

    def _entry(self, message: Message, notification: Notification) -> LogEntry:
        now_ns = self._tools.clock.now_ns()
        firing: set[str] = set()
        resolved: set[str] = set()
        for alert in message.alerts:
            (resolved if alert.is_resolved(message.now_ns) else firing).add(alert.fingerprint_text)
        kept_ns = min(_LOG_KEPT_NS, 2 * notification.repeat_interval_ms * 1_000_000)
        return LogEntry(frozenset(firing), frozenset(resolved), now_ns, now_ns + kept_ns)

    def _lock(self, group_key: str, integration: Integration) -> asyncio.Lock:
        # Whoever waits for a lock keeps it alive.
        return self._locks.setdefault((group_key, integration.receiver, integration.name), asyncio.Lock())


def is_news(
    last: LogEntry | None,
    firing: frozenset[str],
    resolved: frozenset[str],
    repeat_interval_ms: int,
    now_ns: int,
    sends_resolved: bool,  # noqa: FBT001 - the last of several conditions
) -> bool:
    """Tell whether a channel must be told: something fires or ended that it does not know, or it is time to repeat."""
    if last is None:
        return bool(firing)
    if not firing <= last.firing:
        return True
    if not firing:
        # The end of all is logged also where it is not sent, so that a new beginning is news.
        return bool(last.firing)
    if sends_resolved and not resolved <= last.resolved:
        return True
    return last.at_ns < now_ns - repeat_interval_ms * 1_000_000


def _make_notification(
    message: Message,
    integration: Integration,
    firing: frozenset[str],
    resolved: frozenset[str],
    flush: Flush,
    now_ns: int,
) -> Notification:
    return Notification(
        id=uuid.uuid4().hex,
        group_key=message.group_key,
        receiver=integration.receiver,
        integration=integration.name,
        group_labels=message.group_labels.to_dict(),
        alerts=[_write_alert(alert) for alert in message.alerts],
        firing=len(firing),
        resolved=len(resolved),
        decided_at_ns=now_ns,
        repeat_interval_ms=flush.route.repeat_interval_ms,
    )


def _write_alert(alert: FiredAlert) -> dict[str, Any]:
    return {
        "labels": alert.labels.to_dict(),
        "annotations": dict(alert.annotations),
        "starts_at_ns": alert.starts_at_ns,
        "ends_at_ns": alert.ends_at_ns,
        "generator_url": alert.generator_url,
    }


def _read_alert(content: dict[str, Any]) -> FiredAlert:
    return FiredAlert(
        Labels.of(content["labels"]),
        content["annotations"],
        content["starts_at_ns"],
        content["ends_at_ns"],
        content["generator_url"],
    )
