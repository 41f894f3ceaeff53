"""Gnomon's short form of alert rules: what is measured, when that is too much, how serious it is, and whom to tell."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gnomon.alerting.anomaly_bands import AnomalyBand, Band, make_band
from gnomon.alerting.conditions import is_condition, parse_condition
from gnomon.alerting.rule_files import Rule
from gnomon.alerting.templates import check_template
from gnomon.model.errors import InvalidInputError
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms
from gnomon.promql.errors import ParseError
from gnomon.promql.parser import parse
from gnomon.promql.quoting import quote

RECEIVERS_LABEL = "notification"

_COMPARISON = r"(?P<rest>(?:>=|<=|==|!=|>|<).+)"
_CONDITION = re.compile(rf"\s*(?:(?P<function>[a-z_]+[0-9]*)\(\s*(?P<window>\w+)\s*\)\s*)?{_COMPARISON}", re.DOTALL)
_QUANTILE = re.compile(r"p(\d{1,2}(?:_\d+)?)")
_OVER_TIME = frozenset({"avg", "min", "max", "sum", "count", "last", "stddev"})
_PLAIN = frozenset({"rate", "increase", "irate", "delta", "deriv", "changes", "resets"})
_SPAN_FUNCTIONS = {"count": "span_count", "rate": "span_rate", "error_share": "span_error_share", "mean": "span_mean"}


def _duration(text: str) -> str:
    try:
        parse_prometheus_duration_ms(text)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return text


Duration = Annotated[str, AfterValidator(_duration)]


class Anomaly(BaseModel):
    """Alert when the expression leaves the band in which it has been lately."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    band: Band = Field(default=Band.ADAPTIVE, description="adaptive: mean and deviation; robust: median and quartiles.")
    sensitivity: Annotated[float, Field(gt=0)] = Field(default=3.0, description="Deviations to each side.")
    window: Duration = Field(default="26h", description="Over which spread is judged.")
    smoothing: Duration = Field(default="1h", description="Over which the adaptive band's centre is taken.")
    step: Duration = Field(default="5m", description="How often values are looked at.")


class ShortRule(BaseModel):
    """An alert rule. One of `metric`, `expr`, `logs` and `spans` says what is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    metric: str = Field(default="", description="A selector: agent_execution_total{status='failed'}.")
    expr: str = Field(default="", description="PromQL, the condition included unless `condition` or `anomaly` says it.")
    logs: str | None = Field(default=None, description="A log query; the condition counts its lines.")
    spans: str | None = Field(default=None, description="A span query: count, rate, error_share, mean, p95 and so on.")
    condition: str = Field(default="", description='"rate(5m) > 0.1" or "> budget_limit * 0.9".')
    anomaly: Anomaly | None = None
    for_: Duration = Field(default="0s", alias="for", description="How long the condition must hold.")
    keep_firing_for: Duration = "0s"
    severity: Annotated[str, Field(max_length=100)] = "warning"
    notification: tuple[str, ...] = Field(default=(), description="Receivers to tell; none: as the routes say.")
    summary: str = ""
    description: str = ""
    runbook_url: str = ""
    labels: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "ShortRule":
        sources = (bool(self.metric), bool(self.expr), self.logs is not None, self.spans is not None)
        if sum(sources) != 1:
            raise ValueError("one of metric, expr, logs and spans must be given")
        if self.anomaly is not None and (self.condition or self.logs is not None or self.spans is not None):
            raise ValueError("anomaly goes with metric or expr, and takes the place of a condition")
        try:
            make_rule(self)
        except InvalidInputError as error:
            raise ValueError(str(error)) from error
        return self


def make_rule(short: ShortRule, thresholds: Mapping[str, float] | None = None) -> Rule:
    """Return the rule that a short one stands for; names in `thresholds` are numbers. Raises InvalidInputError."""
    expression = _expression(short)
    for name, value in (thresholds or {}).items():
        expression = re.sub(rf"\b{re.escape(name)}\b(?![({{\[])", f"{value:g}", expression)
    _check_expression(expression)
    texts = {"summary": short.summary, "description": short.description, "runbook_url": short.runbook_url}
    annotations = {name: text for name, text in texts.items() if text}
    for text in annotations.values():
        if fault := check_template(short.name, text):
            raise InvalidInputError(fault)
    labels = {"severity": short.severity, **short.labels}
    if short.notification:
        labels[RECEIVERS_LABEL] = ",".join(short.notification)
    return Rule(
        expr=expression,
        alert=short.name,
        for_ms=parse_prometheus_duration_ms(short.for_),
        keep_firing_for_ms=parse_prometheus_duration_ms(short.keep_firing_for),
        labels={name: value for name, value in labels.items() if value},
        annotations=annotations,
    )


def band_of(short: ShortRule) -> AnomalyBand | None:
    """Return the band that an anomaly rule compares with, for graphs; None for other rules."""
    anomaly = short.anomaly
    if anomaly is None:
        return None
    return make_band(
        short.expr or short.metric,
        anomaly.band,
        sensitivity=anomaly.sensitivity,
        window=anomaly.window,
        smoothing=anomaly.smoothing,
        step=anomaly.step,
    )


def _expression(short: ShortRule) -> str:
    if (band := band_of(short)) is not None:
        return band.condition
    if short.expr and not short.condition:
        return short.expr
    found = _CONDITION.fullmatch(short.condition)
    if found is None:
        raise InvalidInputError(
            f'Invalid condition {short.condition!r}. Write "rate(5m) > 0.1", "> 10" or "p95(5m) > 2.5".'
        )
    function, window, rest = found["function"] or "", found["window"] or "", found["rest"].strip()
    if window:
        parse_prometheus_duration_ms(window)
    if short.logs is not None:
        return f"{_log_function(function)}({quote(short.logs)}, {window or '5m'}) {rest}"
    if short.spans is not None:
        return f"{_span_function(function)}{quote(short.spans)}, {window or '5m'}) {rest}"
    measured = short.metric or f"({short.expr})"
    return f"{_apply(function, window, measured, ranged=bool(short.metric))} {rest}"


def _log_function(function: str) -> str:
    if function not in {"", "count"}:
        raise InvalidInputError(f"Logs are counted: write count(5m), not {function!r}.")
    return "log_count"


def _span_function(function: str) -> str:
    if (found := _QUANTILE.fullmatch(function)) is not None:
        return f"span_quantile({_share(found[1])}, "
    if function not in _SPAN_FUNCTIONS:
        names = ", ".join((*_SPAN_FUNCTIONS, "p95"))
        raise InvalidInputError(f"Nothing is known of {function!r} for spans. There are: {names}.")
    return f"{_SPAN_FUNCTIONS[function]}("


def _apply(function: str, window: str, measured: str, *, ranged: bool) -> str:
    if not function:
        return measured
    over = f"{measured}[{window}]" if ranged else f"{measured}[{window}:]"
    if (found := _QUANTILE.fullmatch(function)) is not None:
        buckets = re.sub(r"^([^{]+)", r"\1_bucket", measured) if ranged else measured
        return f"histogram_quantile({_share(found[1])}, sum by (le) (rate({buckets}[{window}])))"
    if function in _PLAIN:
        return f"{function}({over})"
    if function in _OVER_TIME:
        return f"{function}_over_time({over})"
    names = ", ".join(sorted((*_PLAIN, *_OVER_TIME, "p95")))
    raise InvalidInputError(f"Nothing is known of {function!r} in a condition. There are: {names}.")


def _share(digits: str) -> str:
    return f"{float(digits.replace('_', '.')) / 100:g}"


def _check_expression(expression: str) -> None:
    if is_condition(expression):
        parse_condition(expression)
        return
    try:
        parse(expression)
    except ParseError as error:
        raise InvalidInputError(f"could not parse expression {expression!r}: {error}") from error


def parse_short_rule(content: Any) -> ShortRule:
    """Return a rule from decoded JSON or YAML; raises InvalidInputError."""
    try:
        return ShortRule.model_validate(content)
    except ValueError as error:
        raise InvalidInputError(f"Invalid alert rule: {error}") from error
