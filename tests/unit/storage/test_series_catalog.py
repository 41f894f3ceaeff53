"""The catalog knows what is stored, at each start and after each load, and keeps new series out beyond the limits."""

import time
from pathlib import Path

import pytest

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.storage.metric_facts import MetricFacts
from gnomon.storage.settings import MetricSettings
from gnomon.storage.streams import Stream
from tests.opened_metrics import OpenedMetrics, make_series, open_metrics
from tests.opened_storage import OpenedStorage

NOW_MS = time.time_ns() // 1_000_000
LIMITS = MetricSettings(series=8, series_per_metric=5)


def _request(metric: str, *places: int, ms: int = NOW_MS - 1000) -> bytes:
    return b"".join(make_series({"__name__": metric, "place": str(place), "job": "a"}, [(ms, 1.0)]) for place in places)


async def _stored(opened: OpenedMetrics, metric: str) -> list[str]:
    found = await opened.store.find_series([Matcher("__name__", MatchOperator.EQUAL, metric)], 0, NOW_MS)
    return [labels.get("place") for labels in found.labels]


async def test_a_restart_knows_all_series(opened_storage: OpenedStorage, tmp_path: Path) -> None:
    """What was stored before is found after, and known series are not written again."""
    async with open_metrics(opened_storage, tmp_path) as opened:
        await opened.load(_request("m", 1, 2, 3))
    await opened_storage.engine.command("TRUNCATE TABLE known_series")
    async with open_metrics(opened_storage, tmp_path) as again:
        assert await _stored(again, "m") == ["1", "2", "3"]
        await again.load(_request("m", 1, 2, 3, ms=NOW_MS - 500), token="after")
        assert (await opened_storage.engine.query("SELECT count() FROM series")).value() == 3


async def test_new_series_beyond_a_metrics_limit_are_refused(opened_storage: OpenedStorage, tmp_path: Path) -> None:
    """Known series go on, those of other metrics come in; refused ones are counted with metric and offending label."""
    async with open_metrics(opened_storage, tmp_path, LIMITS) as opened:
        await opened.load(_request("m", 1, 2, 3, 4, 5))
        await opened.load(_request("m", 1, 6, 7, ms=NOW_MS - 500), _request("other", 1))
        assert await _stored(opened, "m") == ["1", "2", "3", "4", "5"]
        assert await _stored(opened, "other") == ["1"]
        assert (await opened_storage.engine.query("SELECT count() FROM samples")).value() == 7
        facts = MetricFacts(opened_storage.engine, opened.catalog, LIMITS)
        (refused,) = (await facts.cardinality()).refused
        assert (refused.metric, refused.samples, refused.limit) == ("m", 2, 5)
        assert (refused.label, refused.label_values) == ("place", 5)
        assert refused.example in {Labels.of({"__name__": "m", "place": place, "job": "a"}) for place in ("6", "7")}


async def test_new_series_beyond_the_total_limit_are_refused(opened_storage: OpenedStorage, tmp_path: Path) -> None:
    """With as many series as there may be, no metric takes new ones."""
    async with open_metrics(opened_storage, tmp_path, LIMITS) as opened:
        await opened.load(_request("m", 1, 2, 3, 4), _request("n", 1, 2, 3, 4))
        await opened.load(_request("o", 1), _request("n", 4, ms=NOW_MS - 500))
        assert await _stored(opened, "o") == []
        assert (await opened_storage.engine.query("SELECT count() FROM samples")).value() == 9
        facts = MetricFacts(opened_storage.engine, opened.catalog, LIMITS)
        (refused,) = (await facts.cardinality()).refused
        assert (refused.metric, refused.samples, refused.limit) == ("o", 1, 8)


async def test_limits_let_go_when_series_have_ended(opened_storage: OpenedStorage, tmp_path: Path) -> None:
    """Only series seen today or yesterday count."""
    async with open_metrics(opened_storage, tmp_path, LIMITS) as opened:
        await opened.load(_request("m", 1, 2, 3, 4, 5, ms=NOW_MS - 3 * 86_400_000))
        await opened.load(_request("m", 6))
        assert await _stored(opened, "m") == ["1", "2", "3", "4", "5", "6"]


async def test_late_samples_are_told(opened_metrics: OpenedMetrics) -> None:
    """Asked with the token of the last time, the oldest sample that came in since is told."""
    await opened_metrics.load(_request("m", 1))
    token = opened_metrics.store.late_since(0).token
    assert opened_metrics.store.late_since(token).oldest_ms is None
    await opened_metrics.load(_request("m", 1, ms=NOW_MS))
    await opened_metrics.load(_request("m", 1, 2, ms=NOW_MS - 5000))
    assert opened_metrics.store.late_since(token) == (token + 2, NOW_MS - 5000)
    assert opened_metrics.store.late_since(token + 2).oldest_ms is None


async def test_series_told_of_before_they_are_visible_are_found(
    opened_storage: OpenedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks while an insert is under way, and sees one of its tables before another, looks again."""
    engine, load = opened_storage.engine, opened_storage.engine.load
    tell = "INSERT INTO arrivals SELECT fromUnixTimestamp64Micro({us:Int64}, 'UTC'), {ms:Int64}, {ms:Int64}, 1, 0, 0, 0"
    async with open_metrics(opened_storage, tmp_path) as opened:

        async def load_with_a_look_between(stream: Stream, segment: Path, token: str) -> None:
            told = {"us": time.time_ns() // 1000, "ms": NOW_MS - 1000}
            await engine.command(tell, told)
            await opened.catalog.refresh()
            await load(stream, segment, token)
            # An insert tells of itself once: here, before its series were there.
            await engine.command("TRUNCATE TABLE arrivals")
            await engine.command(tell, told)

        monkeypatch.setattr(engine, "load", load_with_a_look_between)
        await opened_storage.journal.append("remote_write", _request("m", 1), b"a" * 16)
        await opened_storage.journal.flush()
        assert await _stored(opened, "m") == ["1"]


async def test_what_takes_up_room_is_told(opened_metrics: OpenedMetrics) -> None:
    """Series by metric, values by label, and the labels of one metric."""
    await opened_metrics.load(_request("m", *range(20)), _request("n", 1, 2))
    facts = MetricFacts(opened_metrics.storage.engine, opened_metrics.catalog, MetricSettings())
    told = await facts.cardinality(2)
    assert (told.series, told.active_series) == (22, 22)
    assert [(one.name, one.count) for one in told.series_by_metric] == [("m", 20), ("n", 2)]
    assert [(one.name, one.count) for one in told.values_by_label] == [("place", 20), ("__name__", 2)]
    assert [(one.name, one.count) for one in told.series_by_pair] == [("job=a", 22), ("__name__=m", 20)]
    metric = await facts.metric_labels("m")
    assert (metric.series, metric.values_by_label[0].name, metric.values_by_label[0].count) == (20, "place", 20)
    assert await facts.label_names([Matcher("__name__", MatchOperator.EQUAL, "n")], 0, NOW_MS) == [
        "__name__", "job", "place",
    ]  # fmt: skip
    assert await facts.label_values("place", [Matcher("__name__", MatchOperator.EQUAL, "n")], 0, NOW_MS) == ["1", "2"]
