"""Rules and alerts by Prometheus' API: `/api/v1/rules` and `/api/v1/alerts`."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from gnomon.alerting.active_alerts import Alert
from gnomon.alerting.conditions import is_condition
from gnomon.alerting.group_evaluation import GroupState, RuleState
from gnomon.model.float_text import format_exponent
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher
from gnomon.model.native_histograms import NativeHistogram
from gnomon.promql.parser import parse, parse_selector
from gnomon.promql.printer import to_string
from gnomon.web.prometheus_answers import (
    BadParameterError,
    Parameters,
    PrometheusResponse,
    PrometheusRoute,
    describe,
    format_time,
    succeed,
    to_json,
)
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["prometheus"], route_class=PrometheusRoute)

_NEVER = "0001-01-01T00:00:00Z"
_MILLISECOND_NS = 1_000_000
_KINDS = {"": (True, True), "alert": (True, False), "record": (False, True)}
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})


@router.get(
    "/rules", summary="List rules", response_model=PrometheusResponse,
    openapi_extra=describe(
        "type", "rule_name[]", "rule_group[]", "file[]", "match[]", "exclude_alerts", "group_limit", "group_next_token"
    ),
)  # fmt: skip
async def list_rules(services: ServicesDep, request: Request) -> Response:
    """Return recording and alerting rules by group, with how their last evaluation went."""
    parameters = await Parameters.of(request)
    chosen = _Choice(parameters)
    limit = parameters.number("group_limit", 0, "group_limit needs to be a valid number")
    token = parameters.get("group_next_token")
    if limit < 0:
        raise BadParameterError("group_limit", "group_limit needs to be greater than 0")
    if token and not limit:
        raise BadParameterError("group_limit", "group_limit needs to be present in order to paginate over the groups")
    groups = list(services.rules.groups)
    if token:
        places = [place for place, group in enumerate(groups) if _token(group) == token]
        if not places:
            reason = f"invalid group_next_token '{token}'. were rule groups changed?"
            raise BadParameterError("group_next_token", reason)
        groups = groups[places[0] :]
    answer: dict[str, Any] = {"groups": []}
    for group in groups:
        described = chosen.describe(group)
        if described is None:
            continue
        if limit and len(answer["groups"]) == limit:
            answer["groupNextToken"] = _token(group)
            break
        answer["groups"].append(described)
    return succeed(to_json(answer))


@router.get("/alerts", summary="List alerts", response_model=PrometheusResponse)
async def list_alerts(services: ServicesDep) -> Response:
    """Return all alerts that are pending or firing."""
    alerts = [_alert(alert) for group in services.rules.groups for rule in group.rules for alert in _active(rule)]
    return succeed(to_json({"alerts": alerts}))


class _Choice:
    """Which groups and rules are asked for."""

    def __init__(self, parameters: Parameters) -> None:
        kind = parameters.get("type").lower()
        if kind not in _KINDS:
            raise BadParameterError("type", f'not supported value "{kind}"')
        self._alerting, self._recording = _KINDS[kind]
        exclude = parameters.get("exclude_alerts")
        if exclude not in _TRUE | _FALSE:
            raise BadParameterError("exclude_alerts", f"error converting exclude_alerts: {exclude}")
        self._with_alerts = exclude in _FALSE
        self._rules = set(parameters.all("rule_name[]"))
        self._groups = set(parameters.all("rule_group[]"))
        self._files = set(parameters.all("file[]"))
        self._matchers = [parse_selector(text).matchers for text in parameters.all("match[]")]

    def describe(self, state: GroupState) -> dict[str, Any] | None:
        """Return a group with its rules, None when nothing of it is asked for."""
        group = state.group
        if (self._groups and group.name not in self._groups) or (self._files and group.file not in self._files):
            return None
        rules = list(self._describe_rules(state.rules))
        if not rules:
            return None
        return {
            "name": group.name,
            "file": group.file,
            "rules": rules,
            "interval": _number(state.interval_ms / 1000),
            "limit": group.limit,
            "evaluationTime": _number(state.evaluation_s),
            "lastEvaluation": _time(state.last_evaluation_ms),
        }

    def _describe_rules(self, rules: Iterable[RuleState]) -> Iterator[dict[str, Any]]:
        for state in rules:
            named = not self._rules or state.rule.name in self._rules
            if named and _matches(Labels.of(state.rule.labels), self._matchers):
                if state.alerts is not None and self._alerting:
                    yield _alerting_rule(state, with_alerts=self._with_alerts)
                if state.alerts is None and self._recording:
                    yield _recording_rule(state)


def _matches(labels: Labels, selectors: Sequence[Sequence[Matcher]]) -> bool:
    return not selectors or any(
        all(matcher.matches(labels.get(matcher.name)) for matcher in matchers) for matchers in selectors
    )


def _token(state: GroupState) -> str:
    return hashlib.sha1(state.group.key.encode(), usedforsecurity=False).hexdigest()


def _recording_rule(state: RuleState) -> dict[str, Any]:
    rule = state.rule
    return {
        "name": rule.name,
        "query": to_string(parse(rule.expr)),
        "labels": dict(sorted(rule.labels.items())),
        **_health(state),
        "type": "recording",
    }


def _alerting_rule(state: RuleState, *, with_alerts: bool) -> dict[str, Any]:
    rule = state.rule
    return {
        "state": state.alerts.state.value if state.alerts else "inactive",
        "name": rule.name,
        "query": rule.expr if is_condition(rule.expr) else to_string(parse(rule.expr)),
        "duration": _number(rule.for_ms / 1000),
        "keepFiringFor": _number(rule.keep_firing_for_ms / 1000),
        "labels": dict(sorted(rule.labels.items())),
        "annotations": dict(sorted(rule.annotations.items())),
        "alerts": [_alert(alert) for alert in _active(state)] if with_alerts else None,
        **_health(state),
        "type": "alerting",
    }


def _health(state: RuleState) -> dict[str, Any]:
    described: dict[str, Any] = {"health": state.health.value}
    if state.last_error:
        described["lastError"] = state.last_error
    described["evaluationTime"] = _number(state.evaluation_s)
    described["lastEvaluation"] = _time(state.last_evaluation_ms)
    return described


def _active(state: RuleState) -> list[Alert]:
    return state.alerts.pending_or_firing() if state.alerts else []


def _alert(alert: Alert) -> dict[str, Any]:
    value = alert.value
    described: dict[str, Any] = {
        "labels": alert.labels.to_dict(),
        "annotations": dict(sorted(alert.annotations.items())),
        "state": alert.state.value,
        "activeAt": _time(alert.active_at_ms),
        "value": str(value) if isinstance(value, NativeHistogram) else format_exponent(value),
    }
    if alert.kept_firing_since_ms is not None:
        described["keepFiringSince"] = _time(alert.kept_firing_since_ms)
    return described


def _time(time_ms: int) -> str:
    return format_time(time_ms * _MILLISECOND_NS) if time_ms else _NEVER


def _number(value: float) -> float:
    """Return whole numbers as such, as Go writes them into JSON."""
    return int(value) if value == int(value) else value
