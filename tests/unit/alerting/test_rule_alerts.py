"""When the alerts of rules are told, and with which end."""

from collections.abc import Sequence

from gnomon.alerting.active_alerts import ActiveAlerts, Alert, AlertState
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.rule_alerts import RuleAlerts
from gnomon.alerting.rule_files import Rule
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.model.labels import Labels

SECOND = 1000
LABELS = Labels.of({"alertname": "Down", "job": "x"})
INTERVAL = 15 * SECOND


class Listener:
    def __init__(self, *rules: RelabelRule) -> None:
        self.heard: list[FiredAlert] = []
        self.alerts = RuleAlerts(self._put, {"cluster": "c1", "job": "kept"}, "http://g.example", 60 * SECOND, rules)

    async def _put(self, alerts: Sequence[FiredAlert]) -> None:
        self.heard += alerts

    async def at(self, seconds: int, active: ActiveAlerts) -> list[FiredAlert]:
        """Return what is told at a time."""
        self.heard.clear()
        await self.alerts.tell(active, seconds * SECOND, INTERVAL)
        return list(self.heard)


def made(state: AlertState) -> tuple[ActiveAlerts, Alert]:
    active = ActiveAlerts(Rule("up == 0", alert="Down"))
    alert = Alert(LABELS, {"summary": "s"}, 1.0, 90 * SECOND, state, fired_at_ms=100 * SECOND)
    active.alerts[LABELS] = alert
    return active, alert


async def test_a_firing_alert_is_told_at_once_and_again_after_the_delay() -> None:
    listener, (active, _alert) = Listener(), made(AlertState.FIRING)
    (told,) = await listener.at(100, active)
    assert told.labels == LABELS.replace({"cluster": "c1"})
    assert told.starts_at_ns == 100_000_000_000
    assert told.ends_at_ns == (100 + 4 * 60) * 1_000_000_000
    assert told.generator_url == "http://g.example/explore?expr=up+%3D%3D+0"
    assert await listener.at(115, active) == []
    assert await listener.at(160, active) == []
    assert len(await listener.at(175, active)) == 1


async def test_a_pending_alert_is_not_told() -> None:
    listener, (active, _alert) = Listener(), made(AlertState.PENDING)
    assert await listener.at(100, active) == []


async def test_an_end_is_told_at_once_and_again_for_a_while() -> None:
    listener, (active, alert) = Listener(), made(AlertState.FIRING)
    await listener.at(100, active)
    alert.state, alert.resolved_at_ms = AlertState.INACTIVE, 115 * SECOND
    (told,) = await listener.at(115, active)
    assert told.ends_at_ns == 115_000_000_000
    assert await listener.at(130, active) == []
    assert len(await listener.at(180, active)) == 1


async def test_relabeling_renames_and_drops() -> None:
    rename = RelabelRule(source_labels=("cluster",), target_label="site")
    drop = RelabelRule(source_labels=("job",), regex="x", action="drop")
    (told,) = await Listener(rename).at(100, made(AlertState.FIRING)[0])
    assert told.labels.get("site") == "c1"
    assert await Listener(drop).at(100, made(AlertState.FIRING)[0]) == []
