"""How long alerts had been active before a restart, read back from ALERTS_FOR_STATE as Prometheus does."""

from gnomon.alerting.active_alerts import ALERT_NAME, ALERTS_FOR_STATE, ActiveAlerts
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import is_stale
from gnomon.promql.source import SeriesSource

# After a longer outage alerts begin anew.
_OUTAGE_TOLERANCE_MS = 3600 * 1000
# An alert that waits for less is not restored; others wait at least this long after a restart.
_GRACE_MS = 600 * 1000


async def restore_active_since(active: ActiveAlerts, source: SeriesSource, time_ms: int) -> None:
    """Set since when alerts are active that were so before the restart; time out of service counts for nothing.

    Raises GnomonError when the store cannot be asked.
    """
    if active.rule.for_ms >= _GRACE_MS and active.alerts:
        seen = await _last_seen(active, source, time_ms)
        for labels, alert in active.alerts.items():
            if labels in seen:
                down_at_ms, active_at_ms = seen[labels]
                alert.active_at_ms = _active_since(down_at_ms, active_at_ms, active.rule.for_ms, time_ms)
    active.restored = True


def _active_since(down_at_ms: int, active_at_ms: int, for_ms: int, time_ms: int) -> int:
    left_ms = for_ms - (down_at_ms - active_at_ms)
    if left_ms <= 0:
        # It was firing, and fires again at the next evaluation that finds it.
        return active_at_ms
    if left_ms < _GRACE_MS:
        return time_ms + _GRACE_MS - for_ms
    return active_at_ms + time_ms - down_at_ms


async def _last_seen(active: ActiveAlerts, source: SeriesSource, time_ms: int) -> dict[Labels, tuple[int, int]]:
    """Return when each alert was last seen, and since when it was active then, both in Unix milliseconds."""
    rule = active.rule
    matchers = [
        Matcher(METRIC_NAME, MatchOperator.EQUAL, ALERTS_FOR_STATE),
        Matcher(ALERT_NAME, MatchOperator.EQUAL, rule.alert),
    ]
    start_ms = time_ms - _OUTAGE_TOLERANCE_MS
    series = await source.find_series(matchers, start_ms, time_ms)
    samples = await source.read_samples(series, start_ms, time_ms)
    stale = is_stale(samples.values)
    seen = {}
    for place, labels in enumerate(series.labels):
        last = int(samples.offsets[place + 1]) - 1
        if last >= int(samples.offsets[place]) and not stale[last]:
            alert_labels = labels.drop({METRIC_NAME})
            seen[alert_labels] = (int(samples.times_ms[last]), int(samples.values[last]) * 1000)
    return seen
