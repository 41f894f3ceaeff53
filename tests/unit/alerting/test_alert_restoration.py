"""Since when alerts are active, after a restart: as Prometheus restores them from ALERTS_FOR_STATE."""

import pytest

from gnomon.alerting.active_alerts import ActiveAlerts, Alert
from gnomon.alerting.alert_restoration import restore_active_since
from gnomon.alerting.rule_files import Rule
from gnomon.model.labels import Labels
from gnomon.model.series import STALE
from gnomon.promql.memory_source import MemorySource

MINUTE = 60_000
NOW = 1_000_000 * MINUTE
LABELS = Labels.of({"alertname": "Down", "job": "x"})


def made(for_minutes: int) -> ActiveAlerts:
    active = ActiveAlerts(Rule("up == 0", alert="Down", for_ms=for_minutes * MINUTE), restored=False)
    active.alerts[LABELS] = Alert(LABELS, {}, 1.0, NOW)
    return active


def stored(active_minutes_ago: int, down_minutes_ago: int, *, ended: bool = False) -> MemorySource:
    source = MemorySource()
    series = LABELS.replace({"__name__": "ALERTS_FOR_STATE"})
    down_ms = NOW - down_minutes_ago * MINUTE
    source.add(series, down_ms - MINUTE, (NOW - active_minutes_ago * MINUTE) / 1000)
    source.add(series, down_ms, STALE if ended else (NOW - active_minutes_ago * MINUTE) / 1000)
    return source


@pytest.mark.parametrize(
    ("for_minutes", "active", "down", "expected"),
    [
        pytest.param(30, 60, 5, 60, id="it was firing and goes on"),
        pytest.param(30, 20, 10, 10, id="time out of service does not count as waiting"),
        pytest.param(30, 30, 5, 20, id="with little left to wait, it waits ten minutes more"),
        pytest.param(5, 60, 5, 0, id="a short wait begins anew"),
        pytest.param(30, 200, 61, 0, id="after a long outage it begins anew"),
    ],
)
async def test_active_since(for_minutes: int, active: int, down: int, expected: int) -> None:
    alerts = made(for_minutes)
    await restore_active_since(alerts, stored(active, down), NOW)
    assert (NOW - alerts.alerts[LABELS].active_at_ms) / MINUTE == expected
    assert alerts.restored


async def test_an_alert_that_had_ended_before_the_restart_is_new() -> None:
    alerts = made(30)
    await restore_active_since(alerts, stored(60, 5, ended=True), NOW)
    assert alerts.alerts[LABELS].active_at_ms == NOW
