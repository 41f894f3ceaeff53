"""Burn rates on pairs of windows, as Google's SRE workbook has them, and the rules that watch them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.alerting.rule_files import Rule, RuleGroup
from gnomon.model.prometheus_durations import format_prometheus_duration
from gnomon.slo.indicator_queries import error_ratio
from gnomon.slo.objectives import AlertPolicy, Objective

ERROR_RATIO = "slo:sli_error:ratio"
"""What rules record the share of errors as, with labels `slo` and `window`."""

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_FOUR_WEEKS_MS = 28 * _DAY_MS
_PAGE_INTERVAL_MS = _MINUTE_MS
_TICKET_INTERVAL_MS = 2 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class WindowPair:
    """Fire when this share of a period's budget went within the long window, and still goes in the short one."""

    short_ms: int
    long_ms: int
    severity: str
    budget: float

    def factor(self, period_ms: int) -> float:
        """Return the burn rate at which that share goes within the long window.

        In periods under four weeks that may be less than what is allowed all the time, which is no reason to alert.
        """
        factor = self.budget * period_ms / self.long_ms
        return factor if period_ms >= _FOUR_WEEKS_MS else max(1.0, factor)


PAIRS = (
    WindowPair(5 * _MINUTE_MS, _HOUR_MS, "page", 0.02),
    WindowPair(30 * _MINUTE_MS, 6 * _HOUR_MS, "page", 0.05),
    WindowPair(2 * _HOUR_MS, _DAY_MS, "ticket", 0.1),
    WindowPair(6 * _HOUR_MS, 3 * _DAY_MS, "ticket", 0.1),
)


def pairs_of(objective: Objective) -> tuple[WindowPair, ...]:
    """Return the pairs whose long window the objective's own one has room for."""
    return tuple(pair for pair in PAIRS if pair.long_ms < objective.window.length_ms)


def rule_groups(objectives: Sequence[Objective]) -> list[RuleGroup]:
    """Return the rules that record error ratios and fire on their burn, two groups an objective."""
    return [group for objective in objectives for group in _groups(objective) if group.rules]


def _groups(objective: Objective) -> list[RuleGroup]:
    pairs = pairs_of(objective)
    alerts = {severity: [_pair_rule(objective, p) for p in pairs if p.severity == severity] for severity in _SEVERITIES}
    windows = {
        severity: sorted({length for p in pairs if p.severity == severity for length in (p.short_ms, p.long_ms)})
        for severity in _SEVERITIES
    }
    recorded = {length for lengths in windows.values() for length in lengths}
    own = sorted({policy.lookback_ms for policy in objective.policies} - recorded)
    windows["page"] += own
    alerts["page"] += [rule for policy in objective.policies for rule in _policy_rules(objective, policy)]
    return [
        RuleGroup(
            name=f"slo {objective.name} {severity}",
            file=objective.file,
            rules=(*(_record(objective, length) for length in dict.fromkeys(windows[severity])), *alerts[severity]),
            interval_ms=interval_ms,
        )
        for severity, interval_ms in _SEVERITIES.items()
    ]


_SEVERITIES = {"page": _PAGE_INTERVAL_MS, "ticket": _TICKET_INTERVAL_MS}


def _record(objective: Objective, window_ms: int) -> Rule:
    return Rule(
        expr=error_ratio(objective, window_ms),
        record=ERROR_RATIO,
        labels={"slo": objective.name, "window": format_prometheus_duration(window_ms)},
    )


def _recorded(objective: Objective, window_ms: int) -> str:
    window = format_prometheus_duration(window_ms)
    return f'{ERROR_RATIO}{{slo="{objective.name}",window="{window}"}}'


def _labels(objective: Objective, severity: str) -> dict[str, str]:
    return {"severity": severity, "slo": objective.name, "service": objective.service}


def _pair_rule(objective: Objective, pair: WindowPair) -> Rule:
    factor = pair.factor(objective.window.length_ms)
    limit = f"{factor:.6g} * {1 - objective.target:.12g}"
    short, long = _recorded(objective, pair.short_ms), _recorded(objective, pair.long_ms)
    window = format_prometheus_duration(pair.long_ms)
    return Rule(
        alert="SloBudgetBurn",
        expr=f"{long} > {limit} and ignoring(window) {short} > {limit}",
        labels={
            **_labels(objective, pair.severity),
            "long_window": window,
            "short_window": format_prometheus_duration(pair.short_ms),
        },
        annotations={
            "summary": f"{objective.title}: the error budget burns more than {factor:.3g} times as fast as allowed",
            "description": f"{{{{ $value | humanizePercentage }}}} failed in the last {window}, where "
            f"{100 * (1 - objective.target):.6g} % may. {objective.description}".rstrip(),
        },
    )


def _policy_rules(objective: Objective, policy: AlertPolicy) -> list[Rule]:
    labels = {**_labels(objective, policy.severity), "alert_policy": policy.name}
    if policy.notification_targets:
        labels["notification_targets"] = ",".join(policy.notification_targets)
    recorded = _recorded(objective, policy.lookback_ms)
    window = format_prometheus_duration(policy.lookback_ms)
    rules = [
        Rule(
            alert="SloAlertPolicy",
            expr=f"{recorded} {policy.operator} {policy.threshold!r} * {1 - objective.target:.12g}",
            for_ms=policy.for_ms,
            labels={**labels, "long_window": window},
            annotations={
                "summary": f"{objective.title}: burn rate {policy.operator} {policy.threshold:g} over {window} "
                f"(policy {policy.name})"
            },
        )
    ]
    if policy.without_data:
        absent = Rule(
            alert="SloWithoutData",
            expr=f"absent({recorded})",
            for_ms=policy.for_ms,
            labels=labels,
            annotations={"summary": f"{objective.title}: no data over {window} (policy {policy.name})"},
        )
        rules.append(absent)
    return rules
