"""Factors are those of the published table, and the rules made of them fire and stay quiet as they should."""

from dataclasses import replace
from pathlib import Path

import pytest

from gnomon.alerting.engine_query import query_with
from gnomon.alerting.rule_files import Rule
from gnomon.alerting.rule_results import Result
from gnomon.model.labels import Labels
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.parser import parse
from gnomon.slo.burn_rates import PAIRS, pairs_of, rule_groups
from gnomon.slo.openslo_files import load_slo_files
from gnomon.slo.time_windows import RollingWindow
from tests.unit.slo.recorded_events import DAY_MS, HOUR_MS, NOW_MS, SLO, record, source_of, write

POLICY = """
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: slow}
      spec:
        alertWhenNoData: true
        conditions:
          - kind: AlertCondition
            metadata: {name: burns}
            spec:
              severity: ticket
              condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 12h, alertAfter: 10m}
        notificationTargets: [{targetRef: shop-team}]
"""


@pytest.mark.parametrize(("days", "factors"), [(30, (14.4, 6, 3, 1)), (28, (13.44, 5.6, 2.8, 0.93))])
def test_factors_are_those_of_the_published_table(days: int, factors: tuple[float, ...]) -> None:
    assert [round(pair.factor(days * DAY_MS), 2) for pair in PAIRS] == list(factors)
    assert [(pair.short_ms / HOUR_MS, pair.long_ms / HOUR_MS) for pair in PAIRS] == [
        (pytest.approx(5 / 60), 1),
        (0.5, 6),
        (2, 24),
        (6, 72),
    ]


def test_what_is_allowed_all_the_time_raises_no_alert_in_short_periods() -> None:
    assert [round(pair.factor(7 * DAY_MS), 2) for pair in PAIRS] == [3.36, 1.4, 1, 1]


def rules_of(path: str, *, window_days: int = 30) -> list[Rule]:
    (objective,) = load_slo_files([path])
    made = rule_groups([replace(objective, window=RollingWindow(window_days * DAY_MS))])
    return [rule for group in made for rule in group.rules]


async def fired(rules: list[Rule], source: MemorySource) -> list[tuple[str, str]]:
    """Return severity and long window of what fires after one evaluation."""
    query = query_with(QueryEngine(source))
    for rule in rules:
        if rule.record:
            for result in await query(rule.expr, NOW_MS):
                assert isinstance(result.value, float)
                labels = Labels.of({**dict(result.labels.pairs), "__name__": rule.record, **rule.labels})
                source.add(labels, NOW_MS, result.value)
    firing: list[tuple[str, str]] = []
    for rule in rules:
        answer: list[Result] = await query(rule.expr, NOW_MS) if rule.alert else []
        firing += [(rule.labels["severity"], rule.labels.get("long_window", "")) for _ in answer]
    return firing


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ((0,), []),
        # 60 a minute, 1 % may fail: 10 % are a burn of 10, 20 % one of 20.
        ((6,), [("page", "6h"), ("ticket", "1d"), ("ticket", "3d")]),
        ((12,), [("page", "1h"), ("page", "6h"), ("ticket", "1d"), ("ticket", "3d")]),
    ],
)
async def test_pairs_fire_at_their_factors(
    tmp_path: Path, bad: tuple[int, ...], expected: list[tuple[str, str]]
) -> None:
    rules = rules_of(write(tmp_path))

    assert await fired(rules, source_of(record(3 * DAY_MS, bad))) == expected


async def test_a_burn_that_is_over_pages_nobody(tmp_path: Path) -> None:
    rules = rules_of(write(tmp_path))
    # Everything failed for some hours, until half an hour ago.
    bad = [0] * (3 * 24 * 60 - 300) + [60] * 269 + [0] * 31

    assert [severity for severity, _ in await fired(rules, source_of(record(3 * DAY_MS, bad)))] == ["ticket", "ticket"]


async def test_a_policy_adds_its_own_rule_with_whom_to_tell(tmp_path: Path) -> None:
    rules = rules_of(write(tmp_path, SLO + POLICY))
    burning, without_data = [rule for rule in rules if "alert_policy" in rule.labels]

    assert (burning.for_ms, burning.labels["notification_targets"]) == (600_000, "shop-team")
    assert ("ticket", "12h") in await fired(rules, source_of(record(3 * DAY_MS, (6,))))
    assert without_data.expr.startswith("absent(")
    assert await fired(rules, MemorySource()) == [("ticket", "")]


def test_every_rule_is_promql_and_says_whose_it_is(tmp_path: Path) -> None:
    slices = SLO.replace("Occurrences", "Timeslices").replace(
        "{target: 0.99}", "{target: 0.9, timeSliceTarget: 0.98, timeSliceWindow: 10m}"
    )
    for text in (SLO, slices, SLO.replace("good:", "bad:")):
        rules = rules_of(write(tmp_path, text))
        assert len(rules) == 12
        for rule in rules:
            parse(rule.expr)
            assert rule.labels["slo"] == "checkout"


def test_a_pair_needs_a_window_that_is_longer(tmp_path: Path) -> None:
    (objective,) = load_slo_files([write(tmp_path)])

    assert [pair.long_ms for pair in pairs_of(objective)] == [HOUR_MS, 6 * HOUR_MS]
