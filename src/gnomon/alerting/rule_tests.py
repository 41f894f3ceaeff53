"""Unit tests of rules, run as promtool runs them: with its verdicts and its words."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from gnomon.alerting.active_alerts import ALERT_NAME, AlertState
from gnomon.alerting.engine_query import query_with
from gnomon.alerting.group_evaluation import GroupEvaluator, GroupState
from gnomon.alerting.rule_files import RuleFileError, load_rule_files
from gnomon.alerting.rule_results import Query, Result
from gnomon.alerting.rule_test_files import AlertTest, QueryTest, RuleTests, TestGroup, load_rule_tests
from gnomon.alerting.templates import template_expander
from gnomon.model.errors import GnomonError, InvalidInputError
from gnomon.model.float_text import format_exponent
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.prometheus_durations import format_prometheus_duration
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.quoting import format_labels, quote
from gnomon.promql.series_notation import format_histogram, parse_metric, parse_series, parse_values
from gnomon.promql.settings import EngineSettings
from gnomon.promql.syntax_tree import Features


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a file of tests: nothing in `faults` means success; `warnings` are worth a look."""

    faults: tuple[str, ...]
    warnings: tuple[str, ...] = ()


async def run_rule_tests(path: Path, features: Features | None = None) -> Verdict:
    """Run all tests of a file."""
    features = features or Features()
    try:
        tests = load_rule_tests(path)
    except InvalidInputError as error:
        return Verdict((str(error),))
    warnings = tuple(f"no file match pattern {pattern}" for pattern in tests.rule_files if not glob(pattern))  # noqa: PTH207
    faults: list[str] = []
    for group in tests.groups:
        try:
            faults += await _Run(tests, group, features).run()
        except RuleFileError as error:
            faults += error.faults
        except GnomonError as error:
            faults.append(str(error))
    return Verdict(tuple(faults), warnings)


class _Run:
    """One group of tests over its own series."""

    def __init__(self, tests: RuleTests, group: TestGroup, features: Features) -> None:
        self._tests = tests
        self._group = group
        self._source = MemorySource()
        self._pending: deque[tuple[int, Result]] = deque()
        settings = EngineSettings(subquery_step_ms=tests.evaluation_interval_ms, features=features)
        self._query: Query = query_with(QueryEngine(self._source, settings))
        loaded = load_rule_files(tests.rule_files, features)
        states = [GroupState.create(one, group.interval or tests.evaluation_interval_ms, 0) for one in loaded]
        self._states = sorted(states, key=lambda state: tests.group_order.get(state.group.name, 0))
        expand = template_expander(self._query, group.external_labels, group.external_url)
        self._evaluator = GroupEvaluator(self._query, self._write, expand)

    async def run(self) -> list[str]:
        """Return all faults."""
        group, start_ms = self._group, self._group.start_timestamp
        for test in group.alert_rule_test:
            if not test.alertname:
                where = f" (in TestGroup {group.name})" if group.name else ""
                time = format_prometheus_duration(test.eval_time)
                message = (
                    f"an item under alert_rule_test misses required attribute alertname at eval_time {time}{where}"
                )
                return [message]
        self._pending.extend(sorted(self._read_series(), key=lambda sample: sample[0]))
        faults: list[str] = []
        interval_ms = self._tests.evaluation_interval_ms
        for elapsed_ms in range(0, group.duration_ms + 1, interval_ms):
            self._load_until(start_ms + elapsed_ms)
            for state in self._states:
                await self._evaluator.evaluate(state, start_ms + elapsed_ms)
            failed = list(self._failures(start_ms + elapsed_ms))
            if failed:
                return faults + failed
            due = [test for test in group.alert_rule_test if 0 <= test.eval_time - elapsed_ms < interval_ms]
            faults += (
                fault for test in sorted(due, key=lambda one: one.eval_time) for fault in self._check_alerts(test)
            )
        for query_test in group.promql_expr_test:
            faults += await self._check_query(query_test)
        return faults

    def _read_series(self) -> Iterator[tuple[int, Result]]:
        group = self._group
        interval_ms = group.interval or self._tests.evaluation_interval_ms
        for given in group.input_series:
            noted = parse_series(f"{given.series} {given.values}")
            for place, value in enumerate(noted.values):
                if value.value is not None:
                    yield group.start_timestamp + place * interval_ms, Result(noted.labels, value.value)

    def _load_until(self, time_ms: int) -> None:
        """Add the samples up to a time, as a server would have seen them by then."""
        while self._pending and self._pending[0][0] <= time_ms:
            sample_ms, result = self._pending.popleft()
            self._source.add(result.labels, sample_ms, result.value)

    async def _write(self, results: Sequence[Result], time_ms: int) -> None:
        for result in results:
            self._source.add(result.labels, time_ms, result.value)

    def _failures(self, time_ms: int) -> Iterator[str]:
        for state in self._states:
            for rule in state.rules:
                if rule.last_error:
                    yield f"    rule: {rule.rule.name}, time: {_format_go_duration(time_ms)}, err: {rule.last_error}"

    def _check_alerts(self, test: AlertTest) -> Iterator[str]:
        expected = sorted(
            (Labels.of({**alert.exp_labels, ALERT_NAME: test.alertname}), Labels.of(alert.exp_annotations))
            for alert in test.exp_alerts
        )
        got = sorted(
            (alert.labels, Labels.of(alert.annotations))
            for state in self._states
            for rule in state.rules
            if rule.alerts is not None and rule.rule.alert == test.alertname
            for alert in rule.alerts.alerts.values()
            if alert.state is AlertState.FIRING
        )
        if expected != got:
            name = f"    name: {self._group.name},\n" if self._group.name else ""
            yield (
                f"{name}    alertname: {test.alertname}, time: {format_prometheus_duration(test.eval_time)}, \n"
                f"        exp:{_format_alerts(expected)}, \n        got:{_format_alerts(got)}"
            )

    async def _check_query(self, test: QueryTest) -> list[str]:
        head = f"    expr: {quote(test.expr)}, time: {format_prometheus_duration(test.eval_time)},"
        try:
            got = await self._query(test.expr, self._group.start_timestamp + test.eval_time)
        except GnomonError as error:
            return [f"{head} err: {error}"]
        expected: list[Result] = []
        for sample in test.exp_samples:
            try:
                value = _parse_histogram(sample.histogram) if sample.histogram else sample.value
                expected.append(Result(parse_metric(sample.labels), value))
            except InvalidInputError as error:
                return [f"{head} err: labels {quote(sample.labels)}: {error}"]
        expected.sort(key=lambda result: result.labels.pairs)
        got.sort(key=lambda result: result.labels.pairs)
        same = len(expected) == len(got) and all(
            one.labels == two.labels and _same_value(one, two, fuzzy=self._tests.fuzzy)
            for one, two in zip(expected, got, strict=True)
        )
        if same:
            return []
        return [f"{head}\n        exp: {_format_results(expected)}\n        got: {_format_results(got)}"]


def _parse_histogram(text: str) -> NativeHistogram:
    values = list(parse_values(text))
    if len(values) != 1:
        raise InvalidInputError(f"expected 1 value, got {len(values)}")
    value = values[0].value
    if not isinstance(value, NativeHistogram):
        raise InvalidInputError(f"expected histogram, got {value}")
    return value


def _same_value(one: Result, two: Result, *, fuzzy: bool) -> bool:
    if isinstance(one.value, NativeHistogram) or isinstance(two.value, NativeHistogram):
        return isinstance(one.value, type(two.value)) and _format_value(one) == _format_value(two)
    near = (math.nextafter(one.value, -math.inf), math.nextafter(one.value, math.inf)) if fuzzy else ()
    return two.value in (one.value, *near)


def _format_value(result: Result) -> str:
    if isinstance(result.value, NativeHistogram):
        return format_histogram(result.value)
    return format_exponent(result.value).replace("e", "E")


def _format_results(results: Sequence[Result]) -> str:
    return ", ".join(f"{format_labels(result.labels)} {_format_value(result)}" for result in results) or "nil"


def _format_alerts(alerts: Sequence[tuple[Labels, Labels]]) -> str:
    if not alerts:
        return "[]"
    lines = ["["]
    for number, (labels, annotations) in enumerate(alerts):
        comma = "," if number < len(alerts) - 1 else ""
        lines += (
            f"            {number}:",
            f"              Labels:{format_labels(labels)}",
            f"              Annotations:{format_labels(annotations)}{comma}",
        )
    return "\n".join([*lines, "            ]"])


def _format_go_duration(time_ms: int) -> str:
    """Return a duration as Go prints it: 1h0m0s."""
    hours, rest = divmod(time_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest / 1000:g}s"
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}" if minutes else seconds


def format_verdict(path: Path, verdict: Verdict) -> str:
    """Return a verdict as promtool prints it."""
    lines = [f"Unit Testing:  {path}", *(f"  WARNING: {warning}" for warning in verdict.warnings)]
    if not verdict.faults:
        return "\n".join([*lines, "  SUCCESS", ""])
    return "\n".join([*lines, "  FAILED:", *(f"{fault}\n" for fault in verdict.faults)])
