"""Promises are judged as a plain loop over the recorded samples judges them."""

import json
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gnomon.promql.memory_source import MemorySource
from gnomon.slo.openslo_files import load_slo_files
from gnomon.slo.settings import SlaSettings
from gnomon.slo.sla_monitor import SlaMonitor
from gnomon.slo.sla_views import SlaStatus
from tests.unit.slo.recorded_events import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    NOW_MS,
    SLO,
    FixedClock,
    Sample,
    count,
    engine_over,
    record,
    source_of,
    write,
)
from tests.unit.web.conftest import OpenApp, open_app

__all__ = ["open_app"]

UNEVEN = (0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 3)


def monitor(
    tmp_path: Path, source: MemorySource, text: str = SLO, journal: Path | None = None, clock: FixedClock | None = None
) -> SlaMonitor:
    objectives = load_slo_files([write(tmp_path, text)])
    return SlaMonitor(engine_over(source), clock or FixedClock(), lambda: objectives, SlaSettings(journal=journal))


async def judged(tmp_path: Path, samples: list[Sample], text: str = SLO) -> SlaStatus:
    (status,) = (await monitor(tmp_path, source_of(samples), text).report()).slas
    return status


async def test_attained_margin_budget_and_burns_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    samples = record(2 * DAY_MS, UNEVEN)
    status = await judged(tmp_path, samples)
    good, total = count(samples, NOW_MS - DAY_MS, NOW_MS)

    assert (status.good, status.total) == (good, total)
    assert status.attained == pytest.approx(good / total)
    assert status.margin == pytest.approx(good / total - 0.99)
    assert status.budget_left == pytest.approx(1 - (total - good) / (total * 0.01))
    assert [burn.long_window for burn in status.burns] == ["1h", "6h"]
    for burn, short_ms, long_ms in zip(
        status.burns, (5 * MINUTE_MS, 30 * MINUTE_MS), (HOUR_MS, 6 * HOUR_MS), strict=True
    ):
        for found, length_ms in ((burn.short_burn, short_ms), (burn.long_burn, long_ms)):
            good, total = count(samples, NOW_MS - length_ms, NOW_MS)
            assert found == pytest.approx((total - good) / total / 0.01)


async def test_timeslices_count_slices_that_were_good_enough(tmp_path: Path) -> None:
    text = SLO.replace("Occurrences", "Timeslices").replace(
        "{target: 0.99}", "{target: 0.9, timeSliceTarget: 0.991, timeSliceWindow: 10m}"
    )
    samples = record(2 * DAY_MS, UNEVEN)
    status = await judged(tmp_path, samples, text)
    end = NOW_MS // (10 * MINUTE_MS) * 10 * MINUTE_MS
    slices = [count(samples, start, start + 10 * MINUTE_MS) for start in range(end - DAY_MS, end, 10 * MINUTE_MS)]
    kept = sum(good / total >= 0.991 for good, total in slices)

    assert 0 < kept < len(slices)
    assert (status.good, status.total) == (kept, len(slices))


async def test_a_threshold_makes_an_event_of_each_minute(tmp_path: Path) -> None:
    text = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: quick}
spec:
  thresholdMetric: {metricSource: {spec: {query: 'requests_total{code="500"}'}}}
"""
    slo = SLO.split("  indicator:")[0] + "  indicatorRef: quick\n" + "  timeWindow" + SLO.split("  timeWindow")[1]
    slo = slo.replace("{target: 0.99}", "{target: 0.99, op: lt, value: 100}")
    samples = record(2 * DAY_MS, UNEVEN)
    status = await judged(tmp_path, samples, f"{slo}\n---\n{text}")
    inside = [sample for sample in samples if NOW_MS - DAY_MS < sample.time_ms <= NOW_MS]

    assert status.total == len(inside)
    assert status.good == sum(sample.bad < 100 for sample in inside)
    assert status.state == "violated"


async def test_without_events_there_is_no_data_and_no_figure(tmp_path: Path) -> None:
    (status,) = (await monitor(tmp_path, MemorySource()).report()).slas

    assert status.state == "no_data"
    assert (status.attained, status.margin, status.budget_left, status.burn) == (None, None, None, None)
    assert status.exhaustion.at is None
    assert REGISTRY.get_sample_value("gnomon_slo_attained_ratio", {"slo": "checkout"}) is None
    assert REGISTRY.get_sample_value("gnomon_slo_state", {"slo": "checkout", "state": "no_data"}) == 1


async def test_a_source_where_nothing_is_good_attains_nothing(tmp_path: Path) -> None:
    source = MemorySource()
    for labels in source_of(record(DAY_MS, (60,))).labels():
        if labels.get("code") == "500":
            for time_ms, value in source_of(record(DAY_MS, (60,))).values(labels).items():
                source.add(labels, time_ms, value)
    (status,) = (await monitor(tmp_path, source).report()).slas

    assert (status.state, status.attained) == ("violated", 0.0)


async def test_going_on_counts_the_same_as_counting_anew(tmp_path: Path) -> None:
    samples = record(2 * DAY_MS, UNEVEN)
    clock = FixedClock(NOW_MS - 7 * HOUR_MS)
    source = source_of([sample for sample in samples if sample.time_ms <= clock.now_ms])
    going = monitor(tmp_path, source, clock=clock)
    await going.evaluate()
    for labels in source.labels():
        for time_ms, value in source_of(samples).values(labels).items():
            source.add(labels, time_ms, value)
    for _ in range(7):
        clock.now_ms += HOUR_MS
        await going.evaluate()

    (status,) = (await going.report()).slas
    assert (status.good, status.total) == count(samples, NOW_MS - DAY_MS, NOW_MS)


async def test_the_journal_tells_changes_of_state_and_each_hour(tmp_path: Path) -> None:
    clock, source, journal = FixedClock(), MemorySource(), tmp_path / "sla-compliance.jsonl"
    following = monitor(tmp_path, source, journal=journal, clock=clock)
    await following.evaluate()
    for labels in source_of(record(DAY_MS, (0,))).labels():
        for time_ms, value in source_of(record(DAY_MS, (0,))).values(labels).items():
            source.add(labels, time_ms, value)
    for _ in range(3):
        clock.now_ms += MINUTE_MS
        await following.evaluate()
    clock.now_ms += HOUR_MS
    await following.evaluate()

    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [line["state"] for line in lines] == ["no_data", "met", "met"]
    assert lines[1]["name"] == "checkout"
    assert lines[1]["attained"] == 1.0


async def test_the_status_is_told_over_http(tmp_path: Path, open_app: OpenApp) -> None:
    async with open_app(slas=monitor(tmp_path, source_of(record(2 * DAY_MS, (0,))))) as app:
        answer = await app.client.get("/api/sla/status")

    assert answer.status_code == 200
    (status,) = answer.json()["slas"]
    assert {"name", "target", "attained", "margin", "budget_left", "burn", "exhaustion", "state"} <= set(status)
    assert (status["name"], status["state"]) == ("checkout", "met")
