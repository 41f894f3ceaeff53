"""Prometheus' query API over series in memory; tests/interop compares it with a real Prometheus."""

from collections.abc import Sequence

import pytest

from gnomon.metrics.queries import MetricQueries
from gnomon.model.errors import UnavailableError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher
from gnomon.model.samples import Exemplar, MetricFamily
from gnomon.model.series import Samples, SeriesSet
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.settings import EngineSettings
from gnomon.storage.metric_facts import SeriesExemplars
from tests.unit.web.conftest import OpenApp

NOW_MS = 1_790_000_000_000
NOW = str(NOW_MS // 1000)


class Known:
    """Know of series in memory what the store knows of its own."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source

    async def label_names(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        found = await self._source.find_series(matchers, start_ms - 1, end_ms)
        return sorted({name for labels in found.labels for name, _ in labels})

    async def label_values(self, name: str, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        found = await self._source.find_series(matchers, start_ms - 1, end_ms)
        return sorted({labels.get(name) for labels in found.labels} - {""})

    async def metadata(self, metric: str = "") -> list[MetricFamily]:
        families = [
            MetricFamily("down", "gauge", "Not up.", ""),
            MetricFamily("up", "gauge", "Up.", ""),
            MetricFamily("up", "counter", "Ups.", "ups"),
        ]
        return [family for family in families if metric in {"", family.name}]

    async def read_exemplars(self, series: SeriesSet, start_ms: int, end_ms: int) -> list[SeriesExemplars]:
        exemplar = Exemplar(Labels.of({"trace_id": "abc"}), start_ms, 0.5)
        return [SeriesExemplars(labels, (exemplar,)) for labels in series.labels]


class Gone(MemorySource):
    """A store that cannot be asked."""

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        raise UnavailableError("The engine does not answer.", reason="engine")

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        raise UnavailableError("The engine does not answer.", reason="engine")


def make_queries(source: MemorySource | None = None, **settings: int) -> MetricQueries:
    """Return questions about two series with a sample every quarter of a minute."""
    if source is None:
        source = MemorySource()
        for job in ("api", "web"):
            for step in range(20):
                labels = Labels.of({"__name__": "up", "job": job})
                source.add(labels, NOW_MS + (step - 19) * 15_000, float(step))
    engine = QueryEngine(source, EngineSettings(**settings))  # type: ignore[arg-type]  # limits are integers
    return MetricQueries(engine, source, Known(source))


async def test_queries_are_answered_over_get_and_post(open_app: OpenApp) -> None:
    """A form counts before the query string."""
    async with open_app(queries=make_queries()) as app:
        got = (await app.client.get("/api/v1/query", params={"query": "sum(up)", "time": NOW})).json()
        posted = await app.client.post("/api/v1/query?query=up", data={"query": "sum(up)", "time": NOW})

    assert got == posted.json()
    assert got == {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [NOW_MS // 1000, "38"]}]},
    }


async def test_ranges_have_a_value_at_each_step(open_app: OpenApp) -> None:
    """Steps may be durations."""
    params = {"query": 'up{job="api"}', "start": str(NOW_MS / 1000 - 30), "end": NOW, "step": "15s"}
    async with open_app(queries=make_queries()) as app:
        answer = (await app.client.get("/api/v1/query_range", params=params)).json()

    (series,) = answer["data"]["result"]
    assert [value for _, value in series["values"]] == ["17", "18", "19"]


async def test_limits_leave_out_series_and_say_so(open_app: OpenApp) -> None:
    """Of two series one is shown."""
    async with open_app(queries=make_queries()) as app:
        answer = (await app.client.get("/api/v1/query", params={"query": "up", "time": NOW, "limit": "1"})).json()
        series = (await app.client.get("/api/v1/series", params={"match[]": "up", "limit": "1"})).json()

    assert len(answer["data"]["result"]) == 1
    assert answer["warnings"] == series["warnings"] == ["results truncated due to limit"]
    assert series["data"] == [{"__name__": "up", "job": "api"}]


async def test_labels_values_and_metadata(open_app: OpenApp) -> None:
    """What there is to select."""
    async with open_app(queries=make_queries()) as app:
        names = (await app.client.get("/api/v1/labels")).json()
        values = (await app.client.get("/api/v1/label/job/values", params={"match[]": 'up{job!="web"}'})).json()
        all_metadata = (await app.client.get("/api/v1/metadata")).json()
        one = (await app.client.get("/api/v1/metadata", params={"limit": "1"})).json()
        each = (await app.client.get("/api/v1/metadata", params={"metric": "up", "limit_per_metric": "1"})).json()

    assert names["data"] == ["__name__", "job"]
    assert values["data"] == ["api"]
    assert [len(entries) for entries in all_metadata["data"].values()] == [1, 2]
    assert list(one["data"]) == ["down"]
    assert each["data"] == {"up": [{"type": "gauge", "help": "Up.", "unit": ""}]}


async def test_exemplars_come_by_series(open_app: OpenApp) -> None:
    """A query's selectors say of which series."""
    params = {"query": 'rate(up{job="api"}[5m])', "start": NOW, "end": NOW}
    async with open_app(queries=make_queries()) as app:
        answer = (await app.client.get("/api/v1/query_exemplars", params=params)).json()

    exemplar = {"labels": {"trace_id": "abc"}, "value": "0.5", "timestamp": NOW_MS // 1000}
    assert answer["data"] == [{"seriesLabels": {"__name__": "up", "job": "api"}, "exemplars": [exemplar]}]


@pytest.mark.parametrize(
    ("path", "params", "status", "kind", "words"),
    [
        ("query", {"query": "up{"}, 400, "bad_data", 'invalid parameter "query": 1:4: parse error: unexpected end'),
        ("query", {"query": "up + on () up"}, 422, "execution", "found duplicate series for the match group"),
        ("query_range", {"query": "up", "start": "1"}, 400, "bad_data", 'invalid parameter "end": cannot parse ""'),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("query", {"query": "up", "timeout": "0"}, 503, "timeout", "query timed out"),
    ],
)
async def test_mistakes_have_prometheus_types(
    open_app: OpenApp, path: str, params: dict[str, str], status: int, kind: str, words: str
) -> None:
    """Type, code and words."""
    async with open_app(queries=make_queries()) as app:
        answer = await app.client.get(f"/api/v1/{path}", params={"time": NOW, **params})

    assert answer.status_code == status
    assert answer.json()["errorType"] == kind
    assert answer.json()["error"].startswith(words)


async def test_a_limit_is_named_with_its_value(open_app: OpenApp) -> None:
    """A refused query says which setting stopped it."""
    async with open_app(queries=make_queries(max_series=1)) as app:
        answer = await app.client.get("/api/v1/query", params={"query": "up", "time": NOW})

    assert answer.status_code == 422
    assert "query.max_series" in answer.json()["error"]


async def test_a_store_that_is_away_is_told_as_such(open_app: OpenApp) -> None:
    """Clients try again later."""
    async with open_app(queries=make_queries(Gone())) as app:
        answer = await app.client.get("/api/v1/query", params={"query": "up"})
        federated = await app.client.get("/federate", params={"match[]": "up"})

    assert (answer.status_code, answer.json()["errorType"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert federated.status_code == 503


async def test_trees_and_formatted_text(open_app: OpenApp) -> None:
    """What editors ask for."""
    async with open_app(queries=make_queries()) as app:
        tree = (await app.client.get("/api/v1/parse_query", params={"query": "rate(up[5m] offset 1h)"})).json()
        text = (await app.client.get("/api/v1/format_query", params={"query": 'sum(up{a="1"})by(job)'})).json()

    (selector,) = tree["data"]["args"]
    assert (tree["data"]["type"], tree["data"]["func"]["name"]) == ("call", "rate")
    assert (selector["type"], selector["range"], selector["offset"]) == ("matrixSelector", 300_000, 3_600_000)
    assert text["data"] == 'sum by (job) (up{a="1"})'


async def test_remote_read_wants_snappy(open_app: OpenApp) -> None:
    """What cannot be unpacked is refused."""
    async with open_app(queries=make_queries()) as app:
        answer = await app.client.post("/api/v1/read", content=b"\xff\xff\xff")

    assert answer.status_code == 400
    assert answer.text == "snappy: corrupt input\n"


async def test_probes_need_no_key(open_app: OpenApp) -> None:
    """Load balancers that ask Prometheus' way get an answer."""
    async with open_app(host="0.0.0.0") as app:
        assert (await app.client.get("/-/healthy")).text == "Gnomon is Healthy.\n"
        assert (await app.client.get("/-/ready")).status_code == 200
        assert (await app.client.get("/api/v1/query", params={"query": "1"})).status_code == 401
