"""Inhibition: alerts that others make superfluous are told to nobody while these fire."""

from collections.abc import Iterable, Sequence

from gnomon.alerting.alertmanager_config import InhibitRule
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.matcher_syntax import all_match
from gnomon.model.labels import Labels

Values = tuple[str, ...]


class Inhibitor:
    """Know which alerts inhibit others."""

    def __init__(self, rules: Sequence[InhibitRule]) -> None:
        """Know no alert yet."""
        self._rules = [_Rule(rule) for rule in rules]

    def observe(self, alerts: Iterable[FiredAlert]) -> None:
        """Take note of alerts, new ones and changed ones."""
        for alert in alerts:
            for rule in self._rules:
                rule.observe(alert)

    def inhibiting(self, labels: Labels, now_ns: int) -> FiredAlert | None:
        """Return an alert that inhibits one with these labels, None if there is none."""
        return next((found for rule in self._rules if (found := rule.inhibiting(labels, now_ns)) is not None), None)

    def forget(self, now_ns: int) -> None:
        """Forget alerts that have ended."""
        for rule in self._rules:
            rule.forget(now_ns)


class _Rule:
    def __init__(self, rule: InhibitRule) -> None:
        self._rule = rule
        # By the values of the labels that must be equal: a look-up touches the few that could inhibit.
        self._sources: dict[Values, dict[int, FiredAlert]] = {}

    def observe(self, alert: FiredAlert) -> None:
        if all_match(self._rule.sources, alert.labels):
            self._sources.setdefault(self._values(alert.labels), {})[alert.fingerprint] = alert

    def inhibiting(self, labels: Labels, now_ns: int) -> FiredAlert | None:
        if not all_match(self._rule.targets, labels):
            return None
        # An alert that is both source and target would otherwise inhibit itself, and its likes each other.
        both = all_match(self._rule.sources, labels)
        for source in self._sources.get(self._values(labels), {}).values():
            if not source.is_resolved(now_ns) and not (both and all_match(self._rule.targets, source.labels)):
                return source
        return None

    def forget(self, now_ns: int) -> None:
        for values, sources in list(self._sources.items()):
            left = {key: alert for key, alert in sources.items() if not alert.is_resolved(now_ns)}
            if left:
                self._sources[values] = left
            else:
                del self._sources[values]

    def _values(self, labels: Labels) -> Values:
        return tuple(labels.get(name) for name in self._rule.equal)
