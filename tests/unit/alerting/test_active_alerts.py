import pytest

from gnomon.alerting.active_alerts import ActiveAlerts, AlertState
from gnomon.alerting.rule_files import Rule
from gnomon.alerting.rule_results import Query, Result, RuleError
from gnomon.model.labels import Labels

MINUTE = 60_000


class Story:
    """Evaluate a rule minute by minute over instances that are down."""

    def __init__(self, for_ms: int = 0, keep_firing_for_ms: int = 0) -> None:
        rule = Rule("up == 0", "", "Down", for_ms, keep_firing_for_ms, {"severity": "page"}, {"s": "t"})
        self.alerts = ActiveAlerts(rule)
        self.minute = -1
        self.limit = 0

    async def tick(self, *down: str) -> dict[str, float]:
        """Return the series that the next evaluation yields."""
        self.minute += 1
        results = [Result(Labels.of({"__name__": "up", "instance": name}), 0.0) for name in down]
        found = await self.alerts.evaluate(_answer(results), _expand, self.minute * MINUTE, 0, self.limit)
        return {
            f"{one.labels.metric_name} {one.labels.get('instance')} {one.labels.get('alertstate')}".strip(): value
            for one in found
            if isinstance(value := one.value, float)
        }

    @property
    def states(self) -> list[AlertState]:
        return [alert.state for alert in self.alerts.alerts.values()]


def _answer(results: list[Result]) -> Query:
    async def query(_: str, __: int) -> list[Result]:
        return results

    return query


async def _expand(_: str, text: str, __: Result, ___: int) -> str:
    return text


async def test_an_alert_waits_before_it_fires() -> None:
    story = Story(for_ms=2 * MINUTE)
    assert await story.tick("a") == {"ALERTS a pending": 1, "ALERTS_FOR_STATE a": 0}
    await story.tick("a")
    assert story.alerts.state is AlertState.PENDING
    assert await story.tick("a") == {"ALERTS a firing": 1, "ALERTS_FOR_STATE a": 0}


async def test_without_a_wait_it_fires_at_once() -> None:
    story = Story()
    assert await story.tick("a", "b") == {
        "ALERTS a firing": 1,
        "ALERTS b firing": 1,
        "ALERTS_FOR_STATE a": 0,
        "ALERTS_FOR_STATE b": 0,
    }
    labels = next(iter(story.alerts.alerts))
    assert labels == Labels.of({"alertname": "Down", "instance": "a", "severity": "page"})


async def test_a_pending_alert_is_forgotten_and_starts_anew() -> None:
    story = Story(for_ms=2 * MINUTE)
    await story.tick("a")
    assert await story.tick() == {}
    assert story.states == []
    assert await story.tick("a") == {"ALERTS a pending": 1, "ALERTS_FOR_STATE a": 120}


async def test_a_resolved_alert_is_kept_for_a_quarter_of_an_hour() -> None:
    story = Story()
    await story.tick("a")
    assert await story.tick() == {}
    assert story.states == [AlertState.INACTIVE]
    for _ in range(15):
        await story.tick()
    assert story.states == [AlertState.INACTIVE]
    await story.tick()
    assert story.states == []


async def test_an_alert_may_be_kept_firing() -> None:
    story = Story(keep_firing_for_ms=2 * MINUTE)
    await story.tick("a")
    assert "ALERTS a firing" in await story.tick()
    assert "ALERTS a firing" in await story.tick()
    assert await story.tick() == {}


async def test_too_many_alerts_are_none() -> None:
    story = Story()
    story.limit = 1
    with pytest.raises(RuleError, match="exceeded limit of 1 with 2 alerts"):
        await story.tick("a", "b")
    assert story.states == []


async def test_twins_are_refused() -> None:
    story = Story()
    with pytest.raises(RuleError, match="vector contains metrics with the same labelset after applying alert labels"):
        await story.tick("a", "a")
