"""Leave out what is inhibited, what is silenced, and everything at times when a route is quiet."""

from collections.abc import Mapping, Sequence

from prometheus_client import Counter

from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.inhibition import Inhibitor
from gnomon.alerting.routing import Route
from gnomon.alerting.silences import Silences
from gnomon.alerting.stages.flush import Flush
from gnomon.alerting.time_intervals import TimeInterval, intervals_around

SUPPRESSED = Counter("gnomon_notifications_suppressed_total", "Alerts that were not told, by reason.", ["reason"])

Intervals = Mapping[str, Sequence[TimeInterval]]


class LeaveOutInhibited:
    """Leave out alerts that others inhibit."""

    def __init__(self, inhibitor: Inhibitor) -> None:
        """Ask this one."""
        self._inhibitor = inhibitor

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Return the others."""
        left = [alert for alert in alerts if self._inhibitor.inhibiting(alert.labels, flush.now_ns) is None]
        SUPPRESSED.labels("inhibition").inc(len(alerts) - len(left))
        return left


class LeaveOutSilenced:
    """Leave out alerts that match a silence."""

    def __init__(self, silences: Silences) -> None:
        """Ask these."""
        self._silences = silences

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Return the others."""
        left = [alert for alert in alerts if not self._silences.silencing(alert.labels, flush.now_ns)]
        SUPPRESSED.labels("silence").inc(len(alerts) - len(left))
        return left


class LeaveOutQuietTimes:
    """Leave out everything while the route is muted or not active."""

    def __init__(self, intervals: Intervals) -> None:
        """Know the named times."""
        self._intervals = intervals

    async def __call__(self, flush: Flush, alerts: Sequence[FiredAlert]) -> Sequence[FiredAlert]:
        """Return all or none."""
        if not quiet_times(flush.route, self._intervals, flush.now_ns):
            return alerts
        SUPPRESSED.labels("time").inc(len(alerts))
        return ()


def quiet_times(route: Route, intervals: Intervals, now_ns: int) -> tuple[str, ...]:
    """Return the named times for which a route is quiet now, empty while it is not."""
    active = route.active_time_intervals
    if active and not intervals_around(active, intervals, now_ns):
        return active
    return intervals_around(route.mute_time_intervals, intervals, now_ns)
