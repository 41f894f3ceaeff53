"""The short form of alert rules, and what it means in PromQL and in conditions on logs and spans."""

from pathlib import Path
from typing import Any

import pytest

from gnomon.alerting.anomaly_bands import Band, make_band
from gnomon.alerting.rule_files import RuleFileError
from gnomon.alerting.rule_library import RuleLibrary
from gnomon.alerting.short_rules import make_rule, parse_short_rule
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import ConflictError, InvalidInputError
from gnomon.model.labels import Labels
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.storage.alert_rule_store import AlertRuleStore
from gnomon.storage.state_store import StateStore

METRIC = "agent_execution_total{status='failed'}"


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ({"metric": METRIC, "condition": "rate(5m) > 0.1"}, f"rate({METRIC}[5m]) > 0.1"),
        ({"metric": "cost_total", "condition": "> budget_limit * 0.9"}, "cost_total > budget_limit * 0.9"),
        ({"metric": "x", "condition": "avg(10m) >= 2"}, "avg_over_time(x[10m]) >= 2"),
        (
            {"metric": "latency_seconds{job='a'}", "condition": "p99(5m) > 2.5"},
            "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket{job='a'}[5m]))) > 2.5",
        ),
        ({"expr": "sum(x)", "condition": "max(1h) < 3"}, "max_over_time((sum(x))[1h:]) < 3"),
        ({"expr": "sum(x) > 3"}, "sum(x) > 3"),
        ({"logs": 'level:error "disk full"', "condition": "count(5m) > 10"},
         'log_count("level:error \\"disk full\\"", 5m) > 10'),
        ({"spans": "service:gateway", "condition": "p95(5m) > 2.5"},
         'span_quantile(0.95, "service:gateway", 5m) > 2.5'),
        ({"spans": "", "condition": "error_share(10m) > 0.01"}, 'span_error_share("", 10m) > 0.01'),
    ],
)  # fmt: skip
def test_what_is_measured_and_when_it_is_too_much(given: dict[str, Any], expression: str) -> None:
    rule = make_rule(parse_short_rule({"name": "A", "severity": "page", "notification": ["email", "slack"], **given}))
    assert rule.expr == expression
    assert rule.labels == {"severity": "page", "notification": "email,slack"}


@pytest.mark.parametrize(
    "given",
    [
        {"condition": "> 1"},
        {"metric": "x", "expr": "y", "condition": "> 1"},
        {"metric": "x", "condition": "rate > 1"},
        {"metric": "x", "condition": "guess(5m) > 1"},
        {"metric": "x{", "condition": "> 1"},
        {"logs": "level:error", "condition": "rate(5m) > 1"},
        {"spans": "a:b", "condition": "p95(5m) > much"},
        {"spans": "(", "condition": "count(5m) > 1"},
        {"metric": "x", "anomaly": {}, "condition": "> 1"},
        {"metric": "x", "condition": "> 1", "summary": "{{ .Oops"},
        {"metric": "x", "condition": "> 1", "for": "soon"},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="Invalid alert rule"):
        parse_short_rule({"name": "A", **given})


@pytest.mark.parametrize("band", list(Band))
async def test_an_anomaly_is_what_leaves_its_band(band: Band) -> None:
    source = MemorySource()
    day_ms, step_ms = 86_400_000, 300_000
    for name, last in (("steady", 101.0), ("odd", 180.0)):
        for place, time_ms in enumerate(range(0, day_ms + 1, step_ms)):
            value = last if time_ms == day_ms else 100.0 + place % 3
            source.add(Labels.of({"__name__": "x", "name": name}), time_ms, value)
    made = make_band("x", band, sensitivity=3, window="24h", smoothing="1h", step="5m")
    engine = QueryEngine(source)
    found = await engine.instant(made.condition, day_ms)
    assert [labels.get("name") for labels in found.labels] == ["odd"]
    upper = await engine.instant(made.upper, day_ms)
    lower = await engine.instant(made.lower, day_ms)
    for place, labels in enumerate(upper.labels):
        if labels.get("name") == "steady":
            assert lower.values[place, 0] < 101 < upper.values[place, 0] < 120


async def test_files_and_stored_rules_are_groups_and_thresholds_are_tunable(tmp_path: Path) -> None:
    file = tmp_path / "budget.yaml"
    file.write_text(
        "thresholds: {budget_limit: 50}\n"
        "rules: [{name: Budget, metric: cost_total, condition: '> budget_limit * 0.9', severity: critical}]\n",
        encoding="utf-8",
    )
    clock, told = SystemClock(), []
    state = StateStore(tmp_path, None, clock)
    await state.start()

    async def changed() -> None:
        told.append("changed")

    library = RuleLibrary(AlertRuleStore(state, clock), lambda: (str(tmp_path / "*.yaml"),), changed)
    rule = parse_short_rule({"name": "Errors", "logs": "level:error", "condition": "count(5m) > 3"})
    view = await library.create(rule)
    groups = await library.groups()
    assert [(group.file, group.rules[0].expr) for group in groups] == [
        (str(file), "cost_total > 50 * 0.9"),
        ("gnomon", 'log_count("level:error", 5m) > 3'),
    ]
    with pytest.raises(ConflictError):
        await library.create(rule)
    changed_rule = rule.model_copy(update={"severity": "page"})
    assert (await library.change(view.id, 1, changed_rule)).version == 2
    with pytest.raises(ConflictError):
        await library.change(view.id, 1, rule)
    await library.delete(view.id, 2)
    assert [view.file for view in await library.views()] == [str(file)]
    assert told == ["changed"] * 3
    file.write_text("rules: [{name: Broken}]\n", encoding="utf-8")
    with pytest.raises(RuleFileError, match=r"budget\.yaml"):
        await library.groups()
    await state.stop()
