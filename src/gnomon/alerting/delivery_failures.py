"""Channels that fail: each raises an alert of its own, which goes another way."""

from collections.abc import Mapping
from urllib.parse import quote_plus

from gnomon.alerting.channels.channel import Outcome
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.routing import Route, plain_route
from gnomon.lifecycle import Clock
from gnomon.model.labels import Labels

ALERT_NAME = "GnomonNotificationsFailing"

# Nothing was sent for so long: whether the channel works is not known, and the alert ends.
_LASTS_NS = 3600 * 1_000_000_000


class DeliveryFailures:
    """Know which channels fail."""

    def __init__(self, clock: Clock) -> None:
        """Know of none."""
        self._clock = clock
        self._failing: dict[tuple[str, str], FiredAlert] = {}

    @property
    def failing(self) -> Mapping[tuple[str, str], FiredAlert]:
        """Return the alerts of channels that fail, by receiver and integration."""
        return self._failing

    def failed(self, receiver: str, integration: str, outcome: Outcome, external_url: str) -> FiredAlert:
        """Take note of a failure and return the alert that tells of it."""
        now_ns = self._clock.now_ns()
        known = self._failing.get((receiver, integration))
        labels = {
            "alertname": ALERT_NAME,
            "severity": "critical",
            "receiver": receiver,
            "integration": integration,
        }
        annotations = {
            "summary": f"Notifications to {receiver} by {integration} are not delivered.",
            "description": (
                f"The last attempt failed: {outcome.reason.value or 'error'}"
                f"{f' (status {outcome.status})' if outcome.status else ''}: {outcome.answer or 'no answer'}. "
                "Nobody hears of alerts by this channel until it works again. Look at its attempts "
                f"({external_url}/api/notifications?receiver={quote_plus(receiver)}), correct its configuration or its "
                "secret, and send a test. docs/runbooks/notifications-failing.md says what the reasons mean."
            ),
        }
        starts_at_ns = now_ns if known is None else known.starts_at_ns
        alert = FiredAlert(Labels.of(labels), annotations, starts_at_ns, now_ns + _LASTS_NS)
        self._failing[receiver, integration] = alert
        return alert

    def delivered(self, receiver: str, integration: str) -> FiredAlert | None:
        """Take note of a success and return the alert's end, None if the channel did not fail."""
        known = self._failing.pop((receiver, integration), None)
        if known is None:
            return None
        return FiredAlert(known.labels, known.annotations, known.starts_at_ns, self._clock.now_ns())

    def failing_receivers(self, integrations: Mapping[str, int]) -> set[str]:
        """Return receivers all of whose channels fail, given how many each has."""
        failing: dict[str, int] = {}
        for receiver, _integration in self._failing:
            failing[receiver] = failing.get(receiver, 0) + 1
        return {name for name, count in integrations.items() if count <= failing.get(name, 0)}


def route_around(alert: FiredAlert, root: Route, integrations: Mapping[str, int], failing: set[str]) -> list[Route]:
    """Return the routes by which a failure is told: its own ones that work, or else some receiver that does.

    `failing` are receivers that cannot be told; where nobody is left, the alert's own routes stay, for the record.
    """
    own = root.match(alert.labels)
    working = [route for route in own if route.receiver not in failing and integrations.get(route.receiver, 0)]
    if working:
        return working
    other = next((route for route in root.walk() if _works(route.receiver, integrations, failing)), None)
    if other is not None:
        return [plain_route(root, other.receiver, waits=False)]
    name = next((name for name in integrations if _works(name, integrations, failing)), None)
    return own if name is None else [plain_route(root, name, waits=False)]


def _works(receiver: str, integrations: Mapping[str, int], failing: set[str]) -> bool:
    return receiver not in failing and integrations.get(receiver, 0) > 0
