"""Groups of alerts: those of one route that share the labels by which it groups."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gnomon.alerting.fired_alerts import NEVER, FiredAlert, order_alerts
from gnomon.alerting.routing import Route
from gnomon.model.labels import Labels


@dataclass(slots=True)
class AlertGroup:
    """A group; alerts that have ended stay until their end was told."""

    route: Route
    labels: Labels
    alerts: dict[int, FiredAlert] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what names the group."""
        return self.route.group_key(self.labels)

    def insert(self, alert: FiredAlert) -> None:
        """Take an alert in, in place of what was known of it."""
        self.alerts[alert.fingerprint] = alert

    def snapshot(self, now_ns: int) -> list[FiredAlert]:
        """Return all alerts as they stand at a time: those that fire without an end, so that time ends none of them."""
        return order_alerts(
            alert if alert.is_resolved(now_ns) else replace(alert, ends_at_ns=NEVER) for alert in self.alerts.values()
        )

    def forget_resolved(self, told: Iterable[FiredAlert], now_ns: int) -> None:
        """Forget alerts that had ended when they were told, unless they have changed since."""
        for alert in told:
            known = self.alerts.get(alert.fingerprint)
            if alert.is_resolved(now_ns) and known is not None and known.updated_at_ns == alert.updated_at_ns:
                del self.alerts[alert.fingerprint]
