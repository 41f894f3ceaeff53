"""Files of unit tests for rules, in promtool's format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from gnomon.ingest.scraping.file_sections import DurationMs, Section
from gnomon.model.errors import InvalidInputError
from gnomon.model.yaml_documents import YamlDocument, YamlError, parse_yaml

_DEFAULT_INTERVAL_MS = 60_000
_FLOATS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def _float(value: object) -> object:
    return _FLOATS.get(value.lower(), value) if isinstance(value, str) else value


def _time_ms(value: object) -> object:
    """Read Unix seconds or a time by RFC 3339."""
    if not isinstance(value, str):
        return value
    try:
        return round(float(value) * 1000)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f'cannot parse "{value}" to a valid timestamp') from error
    return round(time.replace(tzinfo=time.tzinfo or UTC).timestamp() * 1000)


class InputSeries(Section):
    """A series with its values, as tests write them."""

    series: str = ""
    values: str = ""


class ExpectedAlert(Section):
    """A firing alert; `alertname` is added to its labels."""

    exp_labels: dict[str, str] = Field(default_factory=dict)
    exp_annotations: dict[str, str] = Field(default_factory=dict)


class AlertTest(Section):
    """Which alerts of a name fire at a time."""

    eval_time: DurationMs = 0
    alertname: str = ""
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class ExpectedSample(Section):
    """An element of a vector; `histogram` counts instead of `value` when it is not empty."""

    labels: str = ""
    value: Annotated[float, BeforeValidator(_float)] = 0.0
    histogram: str = ""


class QueryTest(Section):
    """What a query answers at a time."""

    expr: str = ""
    eval_time: DurationMs = 0
    exp_samples: tuple[ExpectedSample, ...] = ()


class TestGroup(Section):
    """Series, and what rules and queries make of them."""

    name: str = ""
    interval: DurationMs = 0
    input_series: tuple[InputSeries, ...] = ()
    alert_rule_test: tuple[AlertTest, ...] = ()
    promql_expr_test: tuple[QueryTest, ...] = ()
    external_labels: dict[str, str] = Field(default_factory=dict)
    external_url: str = ""
    start_timestamp: Annotated[int, BeforeValidator(_time_ms)] = 0

    @property
    def duration_ms(self) -> int:
        """Return the time of the last test."""
        times_ms = [test.eval_time for test in self.alert_rule_test] + [
            test.eval_time for test in self.promql_expr_test
        ]
        return max(times_ms, default=0)


class _File(Section):
    rule_files: tuple[str, ...] = ()
    evaluation_interval: DurationMs = 0
    group_eval_order: tuple[str, ...] = ()
    tests: tuple[TestGroup, ...] = ()
    fuzzy_compare: bool = False


@dataclass(frozen=True, slots=True)
class RuleTests:
    """A file of tests; `rule_files` are patterns, relative ones lie beside the file."""

    rule_files: tuple[str, ...]
    evaluation_interval_ms: int
    group_order: Mapping[str, int]
    groups: tuple[TestGroup, ...]
    fuzzy: bool


def load_rule_tests(path: Path) -> RuleTests:
    """Return a file of tests; raises InvalidInputError with what is wrong and where."""
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error
    except YamlError as error:
        raise InvalidInputError(f"{path}:{error.line}: {error}") from error
    try:
        file = _File.model_validate(document.content or {})
    except ValidationError as error:
        faults = [_explain(fault, document) for fault in error.errors(include_url=False)]
        raise InvalidInputError("\n  ".join(["yaml: unmarshal errors:", *faults])) from error
    order: dict[str, int] = {}
    for name in file.group_eval_order:
        if name in order:
            raise InvalidInputError(f"group name repeated in evaluation order: {name}")
        order[name] = len(order)
    return RuleTests(
        tuple(str(path.parent / pattern) for pattern in file.rule_files),
        file.evaluation_interval or _DEFAULT_INTERVAL_MS,
        order,
        file.tests,
        file.fuzzy_compare,
    )


# What promtool calls the mappings, by the key that leads to them.
_TYPES = {
    "tests": "testGroup",
    "input_series": "series",
    "alert_rule_test": "alertTestCase",
    "exp_alerts": "alert",
    "promql_expr_test": "promqlTestCase",
    "exp_samples": "sample",
}


def _explain(fault: Any, document: YamlDocument) -> str:
    *path, key = fault["loc"]
    line = document.line_of(fault["loc"])
    if fault["type"] == "extra_forbidden":
        around = next((_TYPES[part] for part in reversed(path) if part in _TYPES), "unitTestFile")
        return f"line {line}: field {key} not found in type main.{around}"
    return f"line {line}: {key}: {fault['msg'].removeprefix('Value error, ')}"
