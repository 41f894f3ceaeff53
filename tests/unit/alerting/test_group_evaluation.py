from collections.abc import Sequence

import numpy as np

from gnomon.alerting.engine_query import query_with
from gnomon.alerting.group_evaluation import GroupEvaluator, GroupState, Health
from gnomon.alerting.rule_files import Rule, RuleGroup
from gnomon.alerting.rule_results import Result
from gnomon.alerting.templates import template_expander
from gnomon.model.errors import UnavailableError
from gnomon.model.labels import Labels
from gnomon.model.series import is_stale
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource

MINUTE = 60_000
Stored = dict[tuple[str, int], float | str]


class World:
    """A store with rules over it."""

    def __init__(self, *rules: Rule, limit: int = 0, query_offset_ms: int | None = None) -> None:
        self.source = MemorySource()
        self.query = query_with(QueryEngine(self.source))
        self.evaluator = GroupEvaluator(self.query, self.write, template_expander(self.query, {}, ""))
        self.stored: Stored = {}
        self.refuses = False
        self.state = self.make(*rules, limit=limit, query_offset_ms=query_offset_ms)

    @staticmethod
    def make(*rules: Rule, limit: int = 0, query_offset_ms: int | None = None) -> GroupState:
        group = RuleGroup("g", "rules.yml", rules, query_offset_ms=query_offset_ms, limit=limit)
        return GroupState.create(group, MINUTE, 0)

    async def write(self, results: Sequence[Result], time_ms: int) -> None:
        if self.refuses:
            raise UnavailableError("the journal is full", reason="full")
        for result in results:
            self.source.add(result.labels, time_ms, result.value)
            value = result.value if isinstance(result.value, float) else str(result.value)
            stale = isinstance(value, float) and bool(is_stale(np.array([value]))[0])
            labels = ",".join(f"{key}={text}" for key, text in result.labels if key != "__name__")
            self.stored[f"{result.labels.metric_name}{{{labels}}}", time_ms] = "stale" if stale else value

    def see(self, instance: str, time_ms: int, value: float) -> None:
        self.source.add(Labels.of({"__name__": "x", "instance": instance}), time_ms, value)

    async def evaluate(self, time_ms: int) -> Stored:
        """Return what was stored."""
        self.stored = {}
        await self.evaluator.evaluate(self.state, time_ms)
        return self.stored


SUM = Rule("sum(x)", record="x:sum", labels={"team": "core"})


async def test_results_are_stored_under_the_rules_name_and_labels() -> None:
    world = World(SUM)
    world.see("a", 0, 2.0)
    assert await world.evaluate(0) == {("x:sum{team=core}", 0): 2.0}
    (rule,) = world.state.rules
    assert (rule.health, rule.last_error, world.state.last_evaluation_ms) == (Health.OK, "", 0)


async def test_a_rule_finds_what_the_one_before_it_stored() -> None:
    world = World(SUM, Rule("x:sum * 2", record="x:double"))
    world.see("a", 0, 2.0)
    assert (await world.evaluate(0))["x:double{team=core}", 0] == 4.0


async def test_a_series_that_vanishes_is_ended() -> None:
    world = World(Rule("x > 1", record="x:large"))
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    world.see("a", MINUTE, 1.0)
    assert await world.evaluate(MINUTE) == {("x:large{instance=a}", MINUTE): "stale"}
    assert await world.evaluate(2 * MINUTE) == {}


async def test_the_query_offset_moves_the_question_and_the_answer() -> None:
    world = World(SUM, query_offset_ms=MINUTE)
    world.see("a", 0, 2.0)
    world.see("a", MINUTE, 3.0)
    assert await world.evaluate(MINUTE) == {("x:sum{team=core}", 0): 2.0}


async def test_a_rule_that_fails_is_noted_and_the_next_one_comes() -> None:
    world = World(Rule("x + on () x", record="bad"), SUM)
    world.see("a", 0, 2.0)
    world.see("b", 0, 2.0)
    assert await world.evaluate(0) == {("x:sum{team=core}", 0): 4.0}
    bad, good = world.state.rules
    assert (bad.health, good.health) == (Health.FAILED, Health.OK)
    assert "many-to-many" in bad.last_error


async def test_results_above_the_limit_are_none() -> None:
    world = World(Rule("x", record="y"), limit=1)
    world.see("a", 0, 2.0)
    world.see("b", 0, 2.0)
    assert await world.evaluate(0) == {}
    assert world.state.rules[0].last_error == "exceeded limit of 1 with 2 series"


async def test_what_cannot_be_stored_now_is_a_failure() -> None:
    world = World(SUM)
    world.refuses = True
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    assert world.state.rules[0].last_error == "the journal is full"


async def test_series_of_removed_rules_are_ended_by_the_next_evaluation() -> None:
    world = World(SUM, Rule("x", record="y"))
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    changed = world.make(SUM)
    changed.take_over(world.state)
    world.state = changed
    assert await world.evaluate(MINUTE) == {("x:sum{team=core}", MINUTE): 2.0, ("y{instance=a}", MINUTE): "stale"}


async def test_alerts_survive_a_change_of_the_group() -> None:
    alert = Rule("x > 1", alert="Large", for_ms=2 * MINUTE)
    world = World(alert)
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    changed = world.make(SUM, alert)
    changed.take_over(world.state)
    world.state = changed
    stored = await world.evaluate(2 * MINUTE)
    assert stored["ALERTS{alertname=Large,alertstate=firing,instance=a}", 2 * MINUTE] == 1.0
    assert stored["ALERTS{alertname=Large,alertstate=pending,instance=a}", 2 * MINUTE] == "stale"


async def test_all_series_of_a_group_that_goes_are_ended() -> None:
    world = World(SUM)
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    world.stored = {}
    await world.evaluator.end(world.state, MINUTE)
    assert world.stored == {("x:sum{team=core}", MINUTE): "stale"}


async def test_a_range_is_no_result() -> None:
    world = World(Rule("x[5m]", record="y"))
    world.see("a", 0, 2.0)
    await world.evaluate(0)
    assert world.state.rules[0].last_error == "rule result is not a vector or scalar"
