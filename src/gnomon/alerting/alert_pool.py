"""All alerts that are on their way: put in by rules and other servers, stored before that is answered."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from prometheus_client import Counter

from gnomon.alerting.fired_alerts import NEVER, FiredAlert
from gnomon.lifecycle import Clock
from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import Labels
from gnomon.storage.fired_alert_store import FiredAlertStore, StoredAlert

RECEIVED = Counter("gnomon_alerts_received_total", "Alerts that rules and other servers told.", ["status"])
INVALID = Counter("gnomon_alerts_invalid_total", "Alerts that were refused.")

# Those whose end was told stay for a look at them, and to inhibit nothing by accident.
_RESOLVED_KEPT_NS = 15 * 60 * 1_000_000_000

Listener = Callable[[Sequence[FiredAlert]], None]


class InvalidAlertsError(InvalidInputError):
    """Tell why some alerts were refused; the others were taken."""


class AlertPool:
    """Hold alerts by their labels, and tell listeners of all that comes in."""

    def __init__(self, store: FiredAlertStore, clock: Clock) -> None:
        """Hold none yet."""
        self._store = store
        self._clock = clock
        self._alerts: dict[int, FiredAlert] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call a function with all that comes in from now on."""
        self._listeners.append(listener)

    def all(self) -> list[FiredAlert]:
        """Return all alerts, those included that have just ended."""
        return list(self._alerts.values())

    async def load(self, resolve_timeout_ms: int) -> None:
        """Read what is stored. What fired is given time to be told again, and ends when nobody does."""
        now_ns = self._clock.now_ns()
        grace_ns = now_ns + resolve_timeout_ms * 1_000_000
        for stored in await self._store.load():
            fired = stored.ends_at_ns == NEVER or stored.ends_at_ns > stored.updated_at_ns
            alert = FiredAlert(
                Labels.of(stored.labels),
                stored.annotations,
                stored.starts_at_ns,
                max(stored.ends_at_ns, grace_ns) if fired else stored.ends_at_ns,
                stored.generator_url,
                stored.updated_at_ns,
                stored.timed_out or fired,
            )
            self._alerts[alert.fingerprint] = alert

    async def put(self, alerts: Sequence[FiredAlert], resolve_timeout_ms: int) -> None:
        """Take alerts in, and return once they are stored.

        Raises InvalidAlertsError for those that are wrong; the others are taken all the same.
        """
        now_ns = self._clock.now_ns()
        faults: list[str] = []
        taken: dict[int, FiredAlert] = {}
        for given in alerts:
            alert = _complete(given, now_ns, resolve_timeout_ms)
            if fault := _fault(alert):
                INVALID.inc()
                faults.append(fault)
                continue
            RECEIVED.labels("resolved" if alert.is_resolved(now_ns) else "firing").inc()
            known = taken.get(alert.fingerprint) or self._alerts.get(alert.fingerprint)
            if known is not None and _overlap(known, alert):
                alert = known.merge(alert, now_ns)
            taken[alert.fingerprint] = alert
        changed = [alert for alert in taken.values() if self._is_news(alert, now_ns)]
        await self._store.save([_to_stored(alert) for alert in changed])
        self._alerts.update(taken)
        if taken:
            for listener in self._listeners:
                listener(list(taken.values()))
        if faults:
            raise InvalidAlertsError("; ".join(faults))

    async def forget_resolved(self) -> None:
        """Forget alerts that ended a while ago."""
        before_ns = self._clock.now_ns() - _RESOLVED_KEPT_NS
        gone = [alert for alert in self._alerts.values() if alert.is_resolved(before_ns)]
        await self._store.forget([alert.fingerprint_text for alert in gone])
        for alert in gone:
            if self._alerts.get(alert.fingerprint) is alert:
                del self._alerts[alert.fingerprint]

    def _is_news(self, alert: FiredAlert, now_ns: int) -> bool:
        """Tell whether an alert must be stored: one that is only repeated need not."""
        known = self._alerts.get(alert.fingerprint)
        return (
            known is None
            or known.is_resolved(now_ns) != alert.is_resolved(now_ns)
            or known.starts_at_ns != alert.starts_at_ns
            or known.annotations != alert.annotations
        )


def _complete(alert: FiredAlert, now_ns: int, resolve_timeout_ms: int) -> FiredAlert:
    starts_at_ns = alert.starts_at_ns or alert.ends_at_ns or now_ns
    if alert.ends_at_ns == NEVER:
        return replace(
            alert,
            starts_at_ns=starts_at_ns,
            ends_at_ns=now_ns + resolve_timeout_ms * 1_000_000,
            updated_at_ns=now_ns,
            timed_out=True,
        )
    return replace(alert, starts_at_ns=starts_at_ns, updated_at_ns=now_ns)


def _fault(alert: FiredAlert) -> str:
    if alert.ends_at_ns < alert.starts_at_ns:
        return "start time must be before end time"
    if not len(alert.labels):
        return "at least one label pair required"
    return ""


def _overlap(known: FiredAlert, alert: FiredAlert) -> bool:
    return (known.starts_at_ns < alert.ends_at_ns < known.ends_at_ns) or (
        known.starts_at_ns < alert.starts_at_ns < known.ends_at_ns
    )


def _to_stored(alert: FiredAlert) -> StoredAlert:
    return StoredAlert(
        alert.fingerprint_text,
        alert.labels.to_dict(),
        dict(alert.annotations),
        alert.starts_at_ns,
        alert.ends_at_ns,
        alert.updated_at_ns,
        alert.generator_url,
        alert.timed_out,
    )
