"""What rules find, told as alerts: at once when something begins or ends, and again while it lasts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote_plus

from gnomon.alerting.active_alerts import ActiveAlerts, Alert, AlertState
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.ingest.scraping.relabel import RelabelRule, relabel
from gnomon.model.labels import Labels

Put = Callable[[Sequence[FiredAlert]], Awaitable[None]]
"""Take alerts in; raises GnomonError."""

_MS_NS = 1_000_000
# An alert lives on for so many intervals without being told again: some evaluations may be late or missing.
_LIVES_INTERVALS = 4


class RuleAlerts:
    """Tell the alerts of rules as Prometheus does."""

    def __init__(
        self,
        put: Put,
        external_labels: Mapping[str, str],
        external_url: str,
        resend_delay_ms: int,
        relabel_rules: Sequence[RelabelRule] = (),
    ) -> None:
        """Tell them to `put`, with external labels where they have none of the name."""
        self._put = put
        self._external_labels = external_labels
        self._external_url = external_url
        self._resend_delay_ms = resend_delay_ms
        self._relabel_rules = relabel_rules

    async def tell(self, active: ActiveAlerts, time_ms: int, interval_ms: int) -> None:
        """Tell what is due after an evaluation; raises GnomonError."""
        due = [alert for alert in active.alerts.values() if self._is_due(alert, time_ms)]
        lives_ms = _LIVES_INTERVALS * max(interval_ms, self._resend_delay_ms)
        url = f"{self._external_url}/explore?expr={quote_plus(active.rule.expr)}"
        told = [self._fired(alert, url, time_ms + lives_ms) for alert in due]
        kept = [alert for alert in told if alert is not None]
        if kept:
            await self._put(kept)
        for alert in due:
            alert.told_at_ms = time_ms

    def _is_due(self, alert: Alert, time_ms: int) -> bool:
        if alert.state is AlertState.PENDING:
            return False
        told_at_ms = alert.told_at_ms
        if told_at_ms is None:
            return True
        if alert.resolved_at_ms is not None and alert.resolved_at_ms > told_at_ms:
            return True
        return told_at_ms + self._resend_delay_ms < time_ms

    def _fired(self, alert: Alert, url: str, valid_until_ms: int) -> FiredAlert | None:
        labels = {**self._external_labels, **alert.labels.to_dict()}
        if not relabel(self._relabel_rules, labels):
            return None
        ends_at_ms = valid_until_ms if alert.resolved_at_ms is None else alert.resolved_at_ms
        fired_at_ms = alert.active_at_ms if alert.fired_at_ms is None else alert.fired_at_ms
        return FiredAlert(Labels.of(labels), alert.annotations, fired_at_ms * _MS_NS, ends_at_ms * _MS_NS, url)
