"""Rule groups: rules evaluated one after another at one time, and what became of each."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from prometheus_client import Counter, Gauge, Histogram

from gnomon.alerting.active_alerts import ActiveAlerts
from gnomon.alerting.recording import record
from gnomon.alerting.rule_files import Rule, RuleGroup
from gnomon.alerting.rule_results import Query, Result
from gnomon.alerting.templates import Expand
from gnomon.model.errors import GnomonError
from gnomon.model.labels import Labels
from gnomon.model.series import STALE

log = structlog.get_logger(__name__)

_GROUP = ["rule_group"]
EVALUATIONS = Counter("gnomon_rule_evaluations_total", "Rule evaluations.", _GROUP)
FAILURES = Counter("gnomon_rule_evaluation_failures_total", "Rule evaluations that failed.", _GROUP)
SECONDS = Histogram(
    "gnomon_rule_evaluation_duration_seconds", "Time to evaluate a rule.", buckets=(0.001, 0.01, 0.1, 1, 10)
)
GROUP_SECONDS = Histogram(
    "gnomon_rule_group_duration_seconds", "Time to evaluate a rule group.", buckets=(0.001, 0.01, 0.1, 1, 10)
)
LAST_EVALUATION = Gauge(
    "gnomon_rule_group_last_evaluation_timestamp_seconds", "When the group was evaluated last.", _GROUP
)
LAST_SECONDS = Gauge("gnomon_rule_group_last_duration_seconds", "How long the group's last evaluation took.", _GROUP)
LAST_SAMPLES = Gauge("gnomon_rule_group_last_evaluation_samples", "Samples that the last evaluation yielded.", _GROUP)
RULES = Gauge("gnomon_rule_group_rules", "Rules of the group.", _GROUP)

PER_GROUP = (EVALUATIONS, FAILURES, LAST_EVALUATION, LAST_SECONDS, LAST_SAMPLES, RULES)

Write = Callable[[Sequence[Result], int], Awaitable[None]]
"""Store results at a time (Unix milliseconds); later rules of the group find them. Raises GnomonError."""


Tell = Callable[[ActiveAlerts, int, int], Awaitable[None]]
"""Tell what a rule has found at a time, evaluated once an interval (both milliseconds). Raises GnomonError."""

Restore = Callable[[ActiveAlerts, int], Awaitable[None]]
"""Find out since when alerts are active. Raises GnomonError."""

# By then scrapes and recording rules have brought what alerts depend on.
_RESTORED_AFTER = 2


class Health(StrEnum):
    """How a rule fared in its last evaluation."""

    UNKNOWN = "unknown"
    OK = "ok"
    FAILED = "err"


@dataclass(slots=True)
class RuleState:
    """A rule, and how its last evaluation went; `alerts` is None for recording rules."""

    rule: Rule
    alerts: ActiveAlerts | None
    health: Health = Health.UNKNOWN
    last_error: str = ""
    last_evaluation_ms: int = 0
    evaluation_s: float = 0.0
    series: frozenset[Labels] = frozenset()


@dataclass(slots=True)
class GroupState:
    """A rule group, and how its last evaluation went; `orphans` are series whose rules are gone."""

    group: RuleGroup
    interval_ms: int
    rules: list[RuleState]
    query_offset_ms: int = 0
    last_evaluation_ms: int = 0
    evaluation_s: float = 0.0
    orphans: set[Labels] = field(default_factory=set)
    evaluations: int = 0

    @classmethod
    def create(cls, group: RuleGroup, default_interval_ms: int, default_query_offset_ms: int) -> "GroupState":
        """Return the state of a group that was never evaluated."""
        rules = [RuleState(rule, ActiveAlerts(rule) if rule.alert else None) for rule in group.rules]
        offset_ms = default_query_offset_ms if group.query_offset_ms is None else group.query_offset_ms
        RULES.labels(group.key).set(len(rules))
        return cls(group, group.interval_ms or default_interval_ms, rules, offset_ms)

    def take_over(self, other: "GroupState") -> None:
        """Carry on from an earlier version of the group: alerts and series of rules with the same name and labels."""
        self.last_evaluation_ms, self.evaluation_s = other.last_evaluation_ms, other.evaluation_s
        left = list(other.rules)
        for state in self.rules:
            same = next((old for old in left if _identity(old.rule) == _identity(state.rule)), None)
            if same is None:
                continue
            left.remove(same)
            state.series = same.series
            if state.alerts is not None and same.alerts is not None:
                state.alerts.alerts, state.alerts.restored = same.alerts.alerts, same.alerts.restored
        self.orphans = other.orphans.union(*(old.series for old in left))

    def all_series(self) -> set[Labels]:
        """Return the series of the last evaluation, orphans included."""
        return self.orphans.union(*(state.series for state in self.rules))


def _identity(rule: Rule) -> tuple[bool, str, Labels]:
    return bool(rule.alert), rule.name, Labels.of(rule.labels)


class GroupEvaluator:
    """Evaluate groups."""

    def __init__(
        self, query: Query, write: Write, expand: Expand, tell: Tell | None = None, restore: Restore | None = None
    ) -> None:
        """Ask and store by these functions."""
        self._query = query
        self._write = write
        self._expand = expand
        self._tell = tell
        self._restore = restore

    async def evaluate(self, state: GroupState, time_ms: int) -> None:
        """Evaluate every rule at a time and store what it yields; a rule that fails is noted, and the next comes."""
        began = time.perf_counter()
        samples = 0
        for rule_state in state.rules:
            samples += await self._evaluate_rule(state, rule_state, time_ms)
        await self._end_orphans(state, time_ms)
        state.evaluations += 1
        if self._restore is not None and state.evaluations >= _RESTORED_AFTER:
            await self._restore_alerts(state, self._restore, time_ms)
        state.last_evaluation_ms = time_ms
        state.evaluation_s = time.perf_counter() - began
        key = state.group.key
        GROUP_SECONDS.observe(state.evaluation_s)
        LAST_EVALUATION.labels(key).set(time_ms / 1000)
        LAST_SECONDS.labels(key).set(state.evaluation_s)
        LAST_SAMPLES.labels(key).set(samples)

    async def end(self, state: GroupState, time_ms: int) -> None:
        """Mark all series of a group that is gone as ended."""
        state.orphans = state.all_series()
        for rule_state in state.rules:
            rule_state.series = frozenset()
        await self._end_orphans(state, time_ms)

    async def _evaluate_rule(self, state: GroupState, rule_state: RuleState, time_ms: int) -> int:
        key = state.group.key
        EVALUATIONS.labels(key).inc()
        began = time.perf_counter()
        results: list[Result] = []
        try:
            results = await self._results(state, rule_state, time_ms)
            await self._store(state, rule_state, results, time_ms)
            if self._tell is not None and rule_state.alerts is not None:
                await self._tell(rule_state.alerts, time_ms, state.interval_ms)
            rule_state.health, rule_state.last_error = Health.OK, ""
        except GnomonError as error:
            FAILURES.labels(key).inc()
            rule_state.health, rule_state.last_error = Health.FAILED, str(error)
        rule_state.evaluation_s = time.perf_counter() - began
        rule_state.last_evaluation_ms = time_ms
        SECONDS.observe(rule_state.evaluation_s)
        return len(results)

    async def _restore_alerts(self, state: GroupState, restore: Restore, time_ms: int) -> None:
        for rule_state in state.rules:
            alerts = rule_state.alerts
            if alerts is None or alerts.restored:
                continue
            try:
                await restore(alerts, time_ms)
            except GnomonError as error:
                log.warning("state of alerts not restored", rule=rule_state.rule.name, error=str(error))

    async def _results(self, state: GroupState, rule_state: RuleState, time_ms: int) -> list[Result]:
        limit, offset_ms = state.group.limit, state.query_offset_ms
        if rule_state.alerts is not None:
            return await rule_state.alerts.evaluate(self._query, self._expand, time_ms, offset_ms, limit)
        return await record(rule_state.rule, self._query, time_ms - offset_ms, limit)

    async def _store(self, state: GroupState, rule_state: RuleState, results: Sequence[Result], time_ms: int) -> None:
        now = frozenset(result.labels for result in results)
        ended = [Result(labels, STALE) for labels in rule_state.series - now]
        if results or ended:
            await self._write([*results, *ended], time_ms - state.query_offset_ms)
        rule_state.series = now

    async def _end_orphans(self, state: GroupState, time_ms: int) -> None:
        if not state.orphans:
            return
        alive = frozenset[Labels]().union(*(rule_state.series for rule_state in state.rules))
        try:
            ended = [Result(labels, STALE) for labels in state.orphans - alive]
            if ended:
                await self._write(ended, time_ms - state.query_offset_ms)
        except GnomonError as error:
            log.warning("series of removed rules could not be ended", group=state.group.name, error=str(error))
            return
        state.orphans = set()
