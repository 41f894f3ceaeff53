"""Evaluate rule groups on schedule, as a service: what they record is written like everybody's samples."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from gnomon.alerting.active_alerts import ActiveAlerts
from gnomon.alerting.alert_restoration import restore_active_since
from gnomon.alerting.conditions import Conditions, query_conditions
from gnomon.alerting.engine_query import query_with
from gnomon.alerting.group_evaluation import FAILURES, PER_GROUP, GroupEvaluator, GroupState, Health
from gnomon.alerting.recent_samples import RecentSamples
from gnomon.alerting.rule_alerts import Put, RuleAlerts
from gnomon.alerting.rule_files import RuleGroup, load_rule_files
from gnomon.alerting.rule_results import Result
from gnomon.alerting.rule_schedule import missed_slots, offset_ns, slot_ns
from gnomon.alerting.templates import template_expander
from gnomon.ingest.histogram_messages import encode_histogram
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.write_request import SampleWriter, encode_labels, encode_sample, encode_series
from gnomon.lifecycle import Clock
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.promql.engine import QueryEngine
from gnomon.promql.source import SeriesSource
from gnomon.promql.syntax_tree import Features

log = structlog.get_logger(__name__)

MISSED = Counter(
    "gnomon_rule_group_iterations_missed_total",
    "Evaluations of rule groups that were left out because the one before took too long.",
    ["rule_group"],
)
SCHEDULED = Counter(
    "gnomon_rule_group_iterations_total", "Evaluations of rule groups that were due, done or missed.", ["rule_group"]
)
INTERVAL = Gauge("gnomon_rule_group_interval_seconds", "How often the group is evaluated.", ["rule_group"])

_PROTOCOL = "rules"
_NS = 1_000_000_000
_MOST_LABELS = 200_000
# Renamed rules get this many intervals to take their series over before these are ended.
_GRACE_INTERVALS = 2
# A group that misses more than these is late enough to be told.
_LATE_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Which files hold rules (patterns), how often groups are evaluated that do not say it, and what templates see.

    An evaluation begins `settle_s` after its time: what was acknowledged by then can be found by then.
    """

    rule_files: tuple[str, ...] = ()
    evaluation_interval_ms: int = 60_000
    query_offset_ms: int = 0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    features: Features = field(default_factory=Features)
    resend_delay_ms: int = 60_000
    alert_relabel_rules: tuple[RelabelRule, ...] = ()
    settle_s: float = 0.75


class RuleService:
    """Hold the rule groups and evaluate each on its own schedule."""

    def __init__(
        self,
        source: SeriesSource,
        make_engine: Callable[[SeriesSource], QueryEngine],
        writer: SampleWriter,
        clock: Clock,
        read_settings: Callable[[], RuleSettings],
        put_alerts: Put,
        conditions: Conditions | None = None,
        more_groups: Callable[[], Awaitable[Sequence[RuleGroup]]] | None = None,
    ) -> None:
        """Query `source` through an engine, write through `writer`, tell alerts to `put_alerts`.

        `conditions` answer what is no PromQL; `more_groups` are those that stand in no rule file.

        Settings are read at the start and to reload.
        """
        self._recent = RecentSamples(source)
        promql = query_with(make_engine(self._recent))
        self._query = promql if conditions is None else query_conditions(promql, conditions)
        self._more_groups = more_groups
        self._writer = writer
        self._clock = clock
        self._read_settings = read_settings
        self._put_alerts = put_alerts
        self._settings = RuleSettings()
        self._running: dict[str, tuple[GroupState, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._encoded: dict[Labels, bytes] = {}
        self._told: dict[tuple[str, int], str] = {}
        self._evaluator = self._make_evaluator()
        self._begun_ms = clock.now_ns() // 1_000_000

    @property
    def groups(self) -> list[GroupState]:
        """Return all groups with what became of their last evaluation, in the order of their files."""
        return [state for state, _ in self._running.values()]

    def problem(self) -> str:
        """Return why rules are not evaluated as they should be, empty when they are."""
        now_ms = self._clock.now_ns() // 1_000_000
        for state in self.groups:
            since_ms = now_ms - max(state.last_evaluation_ms, self._begun_ms)
            if since_ms > _LATE_INTERVALS * state.interval_ms + round(self._settings.settle_s * 1000):
                return f"rule group {state.group.name!r} was not evaluated for {since_ms // 1000} s"
        return ""

    async def start(self) -> None:
        """Read the rule files and begin, with alerts as they were before a restart; raises RuleFileError."""
        await self._load(restored=False)

    async def stop(self) -> None:
        """End after the evaluations under way are cancelled; series stay as they are."""
        tasks = [*(task for _, task in self._running.values()), *self._ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()
        self._ending.clear()

    async def reload(self) -> None:
        """Read the rule files again; groups that did not change go on undisturbed.

        Raises RuleFileError, and then nothing changes.
        """
        await self._load(restored=True)

    async def _load(self, *, restored: bool) -> None:
        settings = self._read_settings()
        groups = load_rule_files(settings.rule_files, settings.features)
        if self._more_groups is not None:
            groups += await self._more_groups()
        self._settings = settings
        self._evaluator = self._make_evaluator()
        self._begin(groups, restored=restored)

    async def write(self, results: Sequence[Result], time_ms: int) -> None:
        """Store results, and show them to queries of rules at once."""
        await self._writer.write([self._encode(result, time_ms) for result in results], protocol=_PROTOCOL)
        self._recent.keep(results, time_ms)

    def _make_evaluator(self) -> GroupEvaluator:
        settings = self._settings
        expand = template_expander(self._query, settings.external_labels, settings.external_url)
        alerts = RuleAlerts(
            self._put_alerts,
            settings.external_labels,
            settings.external_url,
            settings.resend_delay_ms,
            settings.alert_relabel_rules,
        )
        return GroupEvaluator(self._query, self.write, expand, alerts.tell, self._restore)

    async def _restore(self, alerts: ActiveAlerts, time_ms: int) -> None:
        await restore_active_since(alerts, self._recent, time_ms)

    def _begin(self, groups: Sequence[RuleGroup], *, restored: bool) -> None:
        before, self._running = self._running, {}
        settings = self._settings
        for group in groups:
            old = before.pop(group.key, None)
            state = GroupState.create(group, settings.evaluation_interval_ms, settings.query_offset_ms)
            for rule in state.rules:
                if rule.alerts is not None:
                    rule.alerts.restored = restored
            same = old is not None and old[0].group == group and old[0].interval_ms == state.interval_ms
            if old is not None and same:
                self._running[group.key] = old
                continue
            if old is not None:
                old[1].cancel()
                state.take_over(old[0])
            INTERVAL.labels(group.key).set(state.interval_ms / 1000)
            task = _spawn(self._run(state), f"rules {group.name}")
            self._running[group.key] = (state, task)
        for state, task in before.values():
            task.cancel()
            ending = _spawn(self._end_later(state), f"end of rules {state.group.name}")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _run(self, state: GroupState) -> None:
        key, interval_ms = state.group.key, state.interval_ms
        offset = offset_ns(state.group.name, state.group.file, interval_ms)
        slot = slot_ns(self._clock.now_ns(), interval_ms, offset) + interval_ms * 1_000_000
        while True:
            await self._clock.sleep(max(0, slot - self._clock.now_ns()) / _NS + self._settings.settle_s)
            SCHEDULED.labels(key).inc()
            try:
                await self._evaluator.evaluate(state, slot // 1_000_000)
                self._tell_failures(state)
            except Exception:
                FAILURES.labels(key).inc()
                log.exception("rule group failed", group=state.group.name, file=state.group.file)
            missed = missed_slots(slot, self._clock.now_ns(), interval_ms)
            if missed:
                MISSED.labels(key).inc(missed)
                SCHEDULED.labels(key).inc(missed)
            slot += (missed + 1) * interval_ms * 1_000_000

    def _tell_failures(self, state: GroupState) -> None:
        """Log why rules fail, once for the same reason."""
        for place, rule in enumerate(state.rules):
            key = (state.group.key, place)
            if rule.health is Health.FAILED and self._told.get(key) != rule.last_error:
                log.warning("rule failed", group=state.group.name, rule=rule.rule.name, error=rule.last_error)
            self._told[key] = rule.last_error

    async def _end_later(self, state: GroupState) -> None:
        """Mark the series of a group that is gone as ended, once renamed rules have had time to take them over."""
        ends_ms = self._clock.now_ns() // 1_000_000
        await self._clock.sleep(_GRACE_INTERVALS * state.interval_ms / 1000)
        alive: set[Labels] = set()
        for other, _ in self._running.values():
            alive |= other.all_series()
        state.orphans = state.all_series() - alive
        for rule in state.rules:
            rule.series = frozenset()
        await self._evaluator.end(state, ends_ms)
        if state.group.key not in self._running:
            for metric in (*PER_GROUP, MISSED, SCHEDULED, INTERVAL):
                with suppress(KeyError):
                    metric.remove(state.group.key)

    def _encode(self, result: Result, time_ms: int) -> bytes:
        labels = self._encoded.get(result.labels)
        if labels is None:
            if len(self._encoded) >= _MOST_LABELS:
                self._encoded.clear()
            labels = self._encoded[result.labels] = encode_labels(result.labels)
        if isinstance(result.value, NativeHistogram):
            return encode_series(labels, histograms=[encode_histogram(result.value, time_ms)])
        return encode_sample(labels, time_ms, result.value)


def _spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task that is no part of what is under way: a request to reload ends, rules go on."""
    return asyncio.create_task(work, name=name, context=Context())
