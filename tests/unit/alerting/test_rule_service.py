import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import REGISTRY

from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.rule_files import RuleFileError
from gnomon.alerting.rule_service import RuleService, RuleSettings
from gnomon.ingest.write_request import SampleWriter
from gnomon.model.labels import Labels
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource

SECOND = 1_000_000_000


class SteppedClock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1_000_000 * SECOND
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / SECOND

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + round(seconds * SECOND), woken))
        await woken.wait()

    async def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += SECOND
            for due, woken in list(self._sleepers):
                if due <= self.now:
                    self._sleepers.remove((due, woken))
                    woken.set()
            for _ in range(10):
                await asyncio.sleep(0)


class Writer:
    """Count what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, parts: Sequence[bytes], *, protocol: str) -> None:
        assert protocol == "rules"
        self.written += parts


async def nobody(alerts: Sequence[FiredAlert]) -> None:
    """Hear of no alert."""


class World:
    """A service over rule files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.writer, self.source = SteppedClock(), Writer(), MemorySource()
        now_ms = self.clock.now // 1_000_000
        for offset_s in range(0, 1000, 10):
            self.source.add(Labels.of({"__name__": "x"}), now_ms + offset_s * 1000, float(offset_s))
        self.service = RuleService(
            self.source, QueryEngine, cast("SampleWriter", self.writer), self.clock, self.settings, nobody
        )

    def settings(self) -> RuleSettings:
        return RuleSettings(rule_files=(str(self.folder / "*.yml"),), settle_s=0)

    def write_rules(self, name: str, *records: str) -> None:
        rules = "\n".join(f"      - {{record: {record}, expr: sum(x)}}" for record in records)
        (self.folder / f"{name}.yml").write_text(f"groups:\n  - name: {name}\n    rules:\n{rules}\n")

    def count(self, name: str) -> int:
        return sum(name.encode() in part for part in self.writer.written)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_every_group_is_evaluated_once_an_interval(world: World) -> None:
    world.write_rules("a", "a:sum")
    world.write_rules("b", "b:sum")
    await world.service.start()
    await world.clock.pass_s(180)
    # The last evaluation may still be under way; no time passes for another one.
    async with asyncio.timeout(30):
        while min(world.count("a:sum"), world.count("b:sum")) < 3:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
    await world.service.stop()
    assert (world.count("a:sum"), world.count("b:sum")) == (3, 3)
    assert [state.group.name for state in world.service.groups] == []


async def test_times_of_evaluation_are_even_whatever_the_delay(world: World) -> None:
    world.write_rules("a", "a:sum")
    await world.service.start()
    times = set()
    for _ in range(4):
        await world.clock.pass_s(60)
        times.add(world.service.groups[0].last_evaluation_ms % 60_000)
    await world.service.stop()
    assert len(times) == 1


async def test_a_reload_leaves_groups_alone_that_did_not_change(world: World) -> None:
    world.write_rules("a", "a:sum")
    await world.service.start()
    (before,) = world.service.groups
    world.write_rules("b", "b:sum")
    await world.service.reload()
    after = world.service.groups
    await world.service.stop()
    assert [state.group.name for state in after] == ["a", "b"]
    assert after[0] is before


async def test_series_of_a_group_that_is_gone_are_ended_after_a_while(world: World) -> None:
    world.write_rules("a", "a:sum")
    await world.service.start()
    await world.clock.pass_s(60)
    # The evaluation of the last second may still be under way.
    while not world.count("a:sum"):
        await world.clock.pass_s(1)
    (world.folder / "a.yml").unlink()
    await world.service.reload()
    assert world.count("a:sum") == 1
    key = {"rule_group": f"{world.folder / 'a.yml'};a"}
    assert REGISTRY.get_sample_value("gnomon_rule_group_rules", key) == 1
    await world.clock.pass_s(121)
    await world.service.stop()
    assert world.count("a:sum") == 2
    assert REGISTRY.get_sample_value("gnomon_rule_group_rules", key) is None
    assert b"\x02\x00\x00\x00\x00\x00\xf0\x7f" in world.writer.written[-1]


async def test_wrong_rules_change_nothing(world: World) -> None:
    world.write_rules("a", "a:sum")
    await world.service.start()
    (world.folder / "b.yml").write_text("groups: [{name: b, rules: [{record: c, expr: sum( }]}]\n")
    with pytest.raises(RuleFileError, match="unclosed left parenthesis"):
        await world.service.reload()
    assert [state.group.name for state in world.service.groups] == ["a"]
    await world.service.stop()


async def test_missed_evaluations_are_counted(world: World) -> None:
    world.write_rules("slow", "slow:sum")
    await world.service.start()
    await asyncio.sleep(0)
    world.clock.now += 200 * SECOND
    await world.clock.pass_s(1)
    key = {"rule_group": f"{world.folder / 'slow.yml'};slow"}
    await world.service.stop()
    missed = REGISTRY.get_sample_value("gnomon_rule_group_iterations_missed_total", key)
    scheduled = REGISTRY.get_sample_value("gnomon_rule_group_iterations_total", key)
    assert missed in {2, 3}
    assert scheduled == missed + 1
    assert world.count("slow:sum") == 1
