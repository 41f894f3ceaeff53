"""`/api/notifications` and `/api/receivers`: what was told to whom, and whether a channel works."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, Field

from gnomon.alerting.channels.channel import Composed, Outcome
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.notification_records import NotificationRecord, NotificationState
from gnomon.model.labels import Labels
from gnomon.model.timestamps import UnixNanoseconds
from gnomon.web.services import ServicesDep

router = APIRouter(tags=["notifications"])

_ReceiverName = Annotated[str, Path(max_length=200, description="The receiver's name.")]


class NotificationListResponse(BaseModel):
    """List notifications, the latest first, each with every attempt to deliver it."""

    notifications: list[NotificationRecord]


class ReceiverIntegration(BaseModel):
    """Show a channel of a receiver: its name, its kind, and whether its last notification failed."""

    name: str
    kind: str
    sends_resolved: bool
    failing: bool
    failing_since_ns: UnixNanoseconds | None = None
    problem: str = ""


class ReceiverSummary(BaseModel):
    """Show a receiver with its channels, and how many routes lead to it."""

    name: str
    routes: int
    integrations: list[ReceiverIntegration]


class ReceiverListResponse(BaseModel):
    """List receivers."""

    receivers: list[ReceiverSummary]


class TestAlert(BaseModel):
    """Make up an alert."""

    labels: dict[str, str] = Field(
        default_factory=lambda: {"alertname": "GnomonTest", "severity": "info", "service": "gnomon"}
    )
    annotations: dict[str, str] = Field(
        default_factory=lambda: {"summary": "This is a test of a notification channel; nothing is wrong."}
    )
    resolved: bool = False


class TestMessage(BaseModel):
    """Say which alerts to send; without any, one is made up."""

    alerts: list[TestAlert] = Field(default_factory=lambda: [TestAlert()], min_length=1, max_length=100)


class ComposedMessage(BaseModel):
    """Show a message as it would leave a channel, secrets hidden."""

    integration: str
    target: str
    headers: dict[str, str]
    body: str
    html: str


class PreviewResponse(BaseModel):
    """Show what each channel would send."""

    messages: list[ComposedMessage]


class TestOutcome(BaseModel):
    """Tell whether a channel delivered, and what the other side answered."""

    integration: str
    delivered: bool
    reason: str
    status: int | None
    answer: str


class TestResponse(BaseModel):
    """Tell what became of a test by each channel."""

    outcomes: list[TestOutcome]


@router.get("/api/notifications", summary="List notifications")
async def list_notifications(
    services: ServicesDep,
    receiver: Annotated[str, Query(description="Only of this receiver.")] = "",
    state: Annotated[list[NotificationState] | None, Query(description="Only in these states.")] = None,
    before_ns: Annotated[int | None, Query(description="Only those decided before, in Unix nanoseconds.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most notifications.")] = 100,
) -> NotificationListResponse:
    """Return what was told to whom and why not, the latest first."""
    found = await services.notifications.find_records(
        limit=limit, receiver=receiver, states=state or (), before_ns=before_ns
    )
    return NotificationListResponse(notifications=found)


@router.get("/api/receivers", summary="List receivers with their channels")
async def list_receivers(services: ServicesDep) -> ReceiverListResponse:
    """Return all receivers; no secret is ever shown."""
    notifications = services.notifications
    failing = notifications.failing_channels()
    summaries = []
    for name in notifications.config.receivers:
        integrations = []
        for each in notifications.integrations(name):
            alert = failing.get((name, each.name))
            integrations.append(
                ReceiverIntegration(
                    name=each.name,
                    kind=each.channel.kind,
                    sends_resolved=each.channel.sends_resolved,
                    failing=alert is not None,
                    failing_since_ns=None if alert is None else alert.starts_at_ns,
                    problem="" if alert is None else alert.annotations["description"],
                )
            )
        routes = sum(route.receiver == name for route in notifications.config.route.walk())
        summaries.append(ReceiverSummary(name=name, routes=routes, integrations=integrations))
    return ReceiverListResponse(receivers=summaries)


@router.post("/api/receivers/{name}/preview", summary="Preview messages")
async def preview_receiver(
    services: ServicesDep, name: _ReceiverName, message: Annotated[TestMessage | None, Body()] = None
) -> PreviewResponse:
    """Return what each channel of a receiver would send; nothing is sent."""
    composed = await services.notifications.preview(name, _alerts(services.notifications.now_ns(), message))
    return PreviewResponse(messages=[_shown(key, part) for key, parts in composed.items() for part in parts])


@router.post("/api/receivers/{name}/test", summary="Send a test")
async def send_test_message(
    services: ServicesDep, name: _ReceiverName, message: Annotated[TestMessage | None, Body()] = None
) -> TestResponse:
    """Send a message by each channel of a receiver, once, and return what came of it."""
    outcomes = await services.notifications.send_test(name, _alerts(services.notifications.now_ns(), message))
    return TestResponse(outcomes=[_outcome(key, outcome) for key, outcome in outcomes.items()])


def _alerts(now_ns: int, message: TestMessage | None) -> list[FiredAlert]:
    minute_ns = 60_000_000_000
    return [
        FiredAlert(
            Labels.of(alert.labels),
            alert.annotations,
            now_ns - minute_ns,
            now_ns if alert.resolved else now_ns + minute_ns,
            updated_at_ns=now_ns,
        )
        for alert in (message or TestMessage()).alerts
    ]


def _shown(integration: str, part: Composed) -> ComposedMessage:
    return ComposedMessage(
        integration=integration, target=part.target, headers=dict(part.headers), body=part.body, html=part.html
    )


def _outcome(integration: str, outcome: Outcome) -> TestOutcome:
    return TestOutcome(
        integration=integration,
        delivered=outcome.delivered,
        reason=outcome.reason.value,
        status=outcome.status,
        answer=outcome.answer,
    )
