"""Alerting rules: which alerts are pending or firing, from one evaluation to the next."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gnomon.alerting.rule_files import Rule
from gnomon.alerting.rule_results import Query, Result, RuleError, Value
from gnomon.alerting.templates import Expand
from gnomon.model.labels import METRIC_NAME, Labels

ALERT_NAME = "alertname"
ALERTS, ALERTS_FOR_STATE = "ALERTS", "ALERTS_FOR_STATE"

# How long a resolved alert is kept, so that its end is told even when telling fails for a while.
_RESOLVED_KEPT_MS = 15 * 60 * 1000


class AlertState(StrEnum):
    """What has become of an alert."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(slots=True)
class Alert:
    """One alert; times are Unix milliseconds."""

    labels: Labels
    annotations: dict[str, str]
    value: Value
    active_at_ms: int
    state: AlertState = AlertState.PENDING
    fired_at_ms: int | None = None
    resolved_at_ms: int | None = None
    kept_firing_since_ms: int | None = None
    told_at_ms: int | None = None


@dataclass(slots=True)
class ActiveAlerts:
    """The alerts of one rule; they have series once it is known since when they are active (`restored`)."""

    rule: Rule
    alerts: dict[Labels, Alert] = field(default_factory=dict)
    restored: bool = True

    @property
    def state(self) -> AlertState:
        """Return the most serious state of any alert."""
        states = {alert.state for alert in self.alerts.values()}
        for state in (AlertState.FIRING, AlertState.PENDING):
            if state in states:
                return state
        return AlertState.INACTIVE

    def pending_or_firing(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return [alert for alert in self.alerts.values() if alert.state is not AlertState.INACTIVE]

    async def evaluate(
        self, query: Query, expand: Expand, time_ms: int, query_offset_ms: int, limit: int
    ) -> list[Result]:
        """Bring the alerts up to date and return their series (ALERTS and ALERTS_FOR_STATE).

        Raises RuleError where two alerts would be the same, and above `limit` (0: none).
        """
        found: dict[Labels, Alert] = {}
        for result in await query(self.rule.expr, time_ms - query_offset_ms):
            alert = await self._make_alert(result, expand, time_ms)
            if alert.labels in found:
                raise RuleError("vector contains metrics with the same labelset after applying alert labels")
            found[alert.labels] = alert
        for labels, alert in found.items():
            known = self.alerts.get(labels)
            if known is not None and known.state is not AlertState.INACTIVE:
                known.value, known.annotations = alert.value, alert.annotations
            else:
                self.alerts[labels] = alert
        for labels, alert in list(self.alerts.items()):
            self._advance(alert, time_ms, found=labels in found)
        active = self.pending_or_firing()
        if 0 < limit < len(active):
            self.alerts.clear()
            raise RuleError(f"exceeded limit of {limit} with {len(active)} alerts")
        return [result for alert in active for result in self._series(alert)] if self.restored else []

    async def _make_alert(self, result: Result, expand: Expand, time_ms: int) -> Alert:
        rule = self.rule
        labels = {name: await expand(rule.alert, text, result, time_ms) for name, text in rule.labels.items()}
        annotations = {name: await expand(rule.alert, text, result, time_ms) for name, text in rule.annotations.items()}
        return Alert(
            result.labels.replace({METRIC_NAME: "", **labels, ALERT_NAME: rule.alert}),
            annotations,
            result.value,
            time_ms,
        )

    def _advance(self, alert: Alert, time_ms: int, *, found: bool) -> None:
        rule = self.rule
        if found:
            alert.kept_firing_since_ms = None
        elif not self._keeps_firing(alert, time_ms):
            self._resolve(alert, time_ms)
            return
        held = time_ms - alert.active_at_ms >= rule.for_ms
        if alert.state is AlertState.PENDING and held:
            alert.state, alert.fired_at_ms = AlertState.FIRING, time_ms
        elif alert.state is AlertState.FIRING and not held:
            # The rule was changed to wait for longer.
            alert.state, alert.fired_at_ms, alert.kept_firing_since_ms = AlertState.PENDING, None, None

    def _keeps_firing(self, alert: Alert, time_ms: int) -> bool:
        if alert.state is not AlertState.FIRING or not self.rule.keep_firing_for_ms:
            return False
        if alert.kept_firing_since_ms is None:
            alert.kept_firing_since_ms = time_ms
        return time_ms - alert.kept_firing_since_ms < self.rule.keep_firing_for_ms

    def _resolve(self, alert: Alert, time_ms: int) -> None:
        long_ago = alert.resolved_at_ms is not None and time_ms - alert.resolved_at_ms > _RESOLVED_KEPT_MS
        if alert.state is AlertState.PENDING or long_ago:
            del self.alerts[alert.labels]
        if alert.state is not AlertState.INACTIVE:
            alert.state, alert.resolved_at_ms = AlertState.INACTIVE, time_ms

    def _series(self, alert: Alert) -> Iterator[Result]:
        labels = Labels.of({**self.rule.labels, **alert.labels.to_dict(), ALERT_NAME: self.rule.alert})
        yield Result(labels.replace({METRIC_NAME: ALERTS, "alertstate": alert.state.value}), 1.0)
        yield Result(labels.replace({METRIC_NAME: ALERTS_FOR_STATE}), float(alert.active_at_ms // 1000))
