"""From alerts to people, as a service: pool, groups, stages and channels by one configuration, replaced as a whole."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from gnomon.alerting.alert_pool import AlertPool
from gnomon.alerting.alertmanager_config import AlertmanagerConfig, no_routing
from gnomon.alerting.channels.channel import Composed, Outcome
from gnomon.alerting.delivery_failures import ALERT_NAME, DeliveryFailures, route_around
from gnomon.alerting.dispatch import Dispatcher
from gnomon.alerting.fired_alerts import NEVER, FiredAlert
from gnomon.alerting.grouping import AlertGroup
from gnomon.alerting.inhibition import Inhibitor
from gnomon.alerting.message_values import Message
from gnomon.alerting.notification_records import NotificationRecord, NotificationState, make_record
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingSettings
from gnomon.alerting.receivers import Integration, Receivers, make_receivers
from gnomon.alerting.routing import Route, plain_route
from gnomon.alerting.short_rules import RECEIVERS_LABEL
from gnomon.alerting.silences import Silences
from gnomon.alerting.stages.delivery import Deliver, DeliveryTools
from gnomon.alerting.stages.flush import Chain
from gnomon.alerting.stages.muting import LeaveOutInhibited, LeaveOutQuietTimes, LeaveOutSilenced, quiet_times
from gnomon.lifecycle import Clock, PeriodicService
from gnomon.model.errors import GnomonError, NotFoundError
from gnomon.model.labels import Labels
from gnomon.storage.fired_alert_store import FiredAlertStore
from gnomon.storage.notification_store import NotificationStore
from gnomon.storage.silence_store import SilenceStore
from gnomon.storage.state_store import StateStore

log = structlog.get_logger(__name__)

_NS = 1_000_000_000
_RESUME_NS = 5 * 60 * _NS
_HOUSEKEEPING_S = 300.0


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """How alerts reach people; `kept_s` is how long notifications are kept to look at."""

    config: AlertmanagerConfig = field(default_factory=no_routing)
    outgoing: OutgoingSettings = field(default_factory=OutgoingSettings)
    external_url: str = ""
    kept_s: float = 90 * 86_400


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """Whether an alert is told: by what it is silenced and inhibited, and who hears of it."""

    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    receivers: tuple[str, ...]

    @property
    def state(self) -> str:
        """Return `active` or `suppressed`."""
        return "suppressed" if self.silenced_by or self.inhibited_by else "active"


class NotificationService:
    """Take alerts in and see to it that people are told."""

    def __init__(self, state: StateStore, clock: Clock, read_settings: Callable[[], NotificationSettings]) -> None:
        """Keep everything in `state`; settings are read at the start and to reload."""
        self._clock = clock
        self._read_settings = read_settings
        self._settings = NotificationSettings()
        self._notifications = NotificationStore(state)
        self.silences = Silences(SilenceStore(state), clock)
        self._pool = AlertPool(FiredAlertStore(state), clock)
        self._failures = DeliveryFailures(clock)
        self._reports: set[asyncio.Task[None]] = set()
        self._resumed: set[asyncio.Task[bool]] = set()
        self._receivers: Receivers = {}
        self._inhibitor = Inhibitor(())
        self._dispatcher: Dispatcher | None = None
        self._housekeeping = PeriodicService("alert housekeeping", self._keep_house, _HOUSEKEEPING_S, clock)
        self._pool.listen(self._take)

    def now_ns(self) -> int:
        """Return the time by which alerts end and silences last, in Unix nanoseconds."""
        return self._clock.now_ns()

    @property
    def config(self) -> AlertmanagerConfig:
        """Return the configuration in use."""
        return self._settings.config

    @property
    def groups(self) -> list[AlertGroup]:
        """Return all groups with alerts in them."""
        return [] if self._dispatcher is None else self._dispatcher.groups

    @property
    def alerts(self) -> list[FiredAlert]:
        """Return all alerts that have not ended."""
        now_ns = self._clock.now_ns()
        return [alert for alert in self._pool.all() if not alert.is_resolved(now_ns)]

    async def start(self) -> None:
        """Read what is stored, deliver what is left from before, and begin."""
        self._settings = self._read_settings()
        await self.silences.load()
        await self._pool.load(self.config.resolve_timeout_ms)
        await self._begin()
        await self._housekeeping.start()

    async def stop(self) -> None:
        """End; what is pending is delivered at the next start."""
        await self._housekeeping.stop()
        await self._end()

    async def reload(self) -> None:
        """Take up new settings; groups begin anew, and what was told is not repeated."""
        settings = self._read_settings()
        await self._end()
        self._settings = settings
        await self._begin()

    async def put(self, alerts: Sequence[FiredAlert]) -> None:
        """Take alerts in and return once they are stored; raises InvalidAlertsError."""
        await self._pool.put(alerts, self.config.resolve_timeout_ms)

    def status(self, alert: FiredAlert) -> AlertStatus:
        """Return what becomes of an alert now."""
        now_ns = self._clock.now_ns()
        inhibiting = self._inhibitor.inhibiting(alert.labels, now_ns)
        return AlertStatus(
            tuple(self.silences.silencing(alert.labels, now_ns)),
            () if inhibiting is None else (inhibiting.fingerprint_text,),
            tuple(dict.fromkeys(route.receiver for route in self._choose(alert))),
        )

    def quiet_times(self, group: AlertGroup) -> tuple[str, ...]:
        """Return the named times for which a group's route is quiet now."""
        return quiet_times(group.route, self.config.time_intervals, self._clock.now_ns())

    def failing_channels(self) -> Mapping[tuple[str, str], FiredAlert]:
        """Return the alerts of channels whose last notification failed, by receiver and integration."""
        return self._failures.failing

    def problem(self) -> str:
        """Return why nobody can be told at all, empty when somebody can: a reason to withhold heartbeats."""
        counts = {name: len(integrations) for name, integrations in self._receivers.items() if integrations}
        if counts and self._failures.failing_receivers(counts) == set(counts):
            return "no receiver can be told"
        return "" if self._dispatcher is not None else "notifications are not started"

    async def find_records(
        self, *, limit: int, receiver: str = "", states: Collection[NotificationState] = (), before_ns: int | None
    ) -> list[NotificationRecord]:
        """Return notifications with their attempts, the latest first."""
        found = await self._notifications.find(limit=limit, receiver=receiver, states=states, before_ns=before_ns)
        return [make_record(notification) for notification in found]

    def integrations(self, receiver: str) -> tuple[Integration, ...]:
        """Return a receiver's channels; raises NotFoundError."""
        if receiver not in self._receivers:
            raise NotFoundError(f"There is no receiver {receiver!r}. /api/receivers lists them.")
        return self._receivers[receiver]

    async def preview(self, receiver: str, alerts: Sequence[FiredAlert]) -> dict[str, list[Composed]]:
        """Return what each channel of a receiver would send about alerts; raises InvalidInputError."""
        message = self._message(receiver, alerts)
        return {each.name: await each.channel.compose(message) for each in self.integrations(receiver)}

    async def send_test(self, receiver: str, alerts: Sequence[FiredAlert]) -> dict[str, Outcome]:
        """Send alerts by each channel of a receiver now, once, and return what came of it."""
        message = self._message(receiver, alerts)
        integrations = self.integrations(receiver)
        outcomes = await asyncio.gather(*(each.channel.send(message) for each in integrations))
        return {each.name: outcome for each, outcome in zip(integrations, outcomes, strict=True)}

    def _message(self, receiver: str, alerts: Sequence[FiredAlert]) -> Message:
        now_ns = self._clock.now_ns()
        told = tuple(alert if alert.is_resolved(now_ns) else replace(alert, ends_at_ns=NEVER) for alert in alerts)
        labels = self.config.route.group_labels(told[0].labels) if told else Labels()
        key = f"{{}}/test:{receiver}:{now_ns}"
        return Message(receiver, key, labels, told, now_ns, self._settings.external_url)

    async def _begin(self) -> None:
        config = self.config
        for warning in config.warnings:
            log.warning("part of the Alertmanager configuration is not used", what=warning)
        self._inhibitor = Inhibitor(config.inhibit_rules)
        self._inhibitor.observe(self._pool.all())
        self._receivers = make_receivers(config, OutgoingHttp(self._settings.outgoing))
        tools = DeliveryTools(self._notifications, self._clock, lambda: self._settings.external_url, self._report)
        deliver = Deliver(self._receivers, tools)
        deadline_ns = self._clock.now_ns() + _RESUME_NS
        for notification in await self._notifications.pending():
            task = asyncio.create_task(deliver.resume(notification, deadline_ns), name="resumed notification")
            self._resumed.add(task)
            task.add_done_callback(self._resumed.discard)
        chain = Chain(
            LeaveOutInhibited(self._inhibitor),
            LeaveOutQuietTimes(config.time_intervals),
            LeaveOutSilenced(self.silences),
            deliver,
        )
        self._dispatcher = Dispatcher(self._choose, chain, self._clock)
        self._dispatcher.start(self._pool.all())

    async def _end(self) -> None:
        if self._dispatcher is not None:
            await self._dispatcher.stop()
            self._dispatcher = None
        tasks = [*self._resumed, *self._reports]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, alerts: Sequence[FiredAlert]) -> None:
        self._inhibitor.observe(alerts)
        if self._dispatcher is not None:
            self._dispatcher.insert(alerts)

    def _choose(self, alert: FiredAlert) -> list[Route]:
        root = self.config.route
        if alert.name != ALERT_NAME:
            return self._named_routes(alert) or root.match(alert.labels)
        counts = {name: len(integrations) for name, integrations in self._receivers.items()}
        failing = self._failures.failing_receivers(counts)
        # Its end goes where its beginning went, though the channel works again by then.
        return route_around(alert, root, counts, failing | {alert.labels.get("receiver")})

    def _named_routes(self, alert: FiredAlert) -> list[Route]:
        """Return a route to each receiver that the alert's rule names, none where it names none that exists."""
        names = alert.labels.get(RECEIVERS_LABEL).split(",")
        return [plain_route(self.config.route, name) for name in names if name in self._receivers]

    def _report(self, integration: Integration, outcome: Outcome) -> None:
        """Raise or end the alert about a channel."""
        failures = self._failures
        if outcome.delivered:
            alert = failures.delivered(integration.receiver, integration.name)
        else:
            url = self._settings.external_url
            alert = failures.failed(integration.receiver, integration.name, outcome, url)
        if alert is not None:
            task = asyncio.create_task(self._put_own(alert), name="alert about a channel")
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)

    async def _put_own(self, alert: FiredAlert) -> None:
        try:
            await self.put((alert,))
        except GnomonError as error:
            log.warning("the alert about a failing channel could not be raised", error=str(error))

    async def _keep_house(self) -> None:
        now_ns = self._clock.now_ns()
        await self._pool.forget_resolved()
        await self.silences.forget_old()
        self._inhibitor.forget(now_ns)
        await self._notifications.forget(now_ns - round(self._settings.kept_s * _NS), now_ns)
