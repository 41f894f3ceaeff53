"""The same series go to a real Prometheus and to Gnomon; its clients must see the same answers."""

import json
import math
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gnomon.model.series import STALE
from tests.gnomon_process import GnomonProcess
from tests.peers.fixtures import PROMQL_FEATURES
from tests.peers.prometheus import Prometheus, prometheus_running, promtool, wait_for_samples
from tests.write_requests import V1, Series, compress, sound_histogram, write_request

STEP_MS = 15_000
STEPS = 80
Pairs = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Both:
    """A Prometheus and a Gnomon with the same data; times are Unix seconds."""

    prometheus: Prometheus
    gnomon: GnomonProcess
    client: httpx.Client
    start_s: float
    end_s: float

    def ask(self, path: str, params: Pairs = (), *, form: bool = False) -> tuple[httpx.Response, httpx.Response]:
        """Return Prometheus' answer and Gnomon's."""
        answers = []
        for url in (self.prometheus.url, self.gnomon.url):
            if form:
                pairs = httpx.QueryParams(list(params))
                headers = {"content-type": "application/x-www-form-urlencoded"}
                answers.append(self.client.post(url + path, content=str(pairs), headers=headers))
            else:
                answers.append(self.client.get(url + path, params=httpx.QueryParams(list(params))))
        return answers[0], answers[1]

    def assert_same(self, path: str, params: Pairs = (), *, form: bool = False) -> Any:
        """Compare status and JSON, and return the data."""
        theirs, ours = self.ask(path, params, form=form)
        assert_alike(ours.json(), theirs.json(), f"{path} {params}")
        assert ours.status_code == theirs.status_code
        return ours.json().get("data")


def assert_alike(ours: Any, theirs: Any, place: str) -> None:
    """Compare JSON: series in any order, as Prometheus promises none, and the last digits of computed numbers aside."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), place
        for name in theirs:
            assert_alike(ours[name], theirs[name], f"{place}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        assert len(ours) == len(theirs), (place, ours, theirs)
        if theirs and isinstance(theirs[0], dict):
            ours, theirs = sorted(ours, key=order), sorted(theirs, key=order)
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{place}[{number}]")
    elif isinstance(theirs, str) and isinstance(ours, str) and ours != theirs:
        assert math.isclose(to_number(ours), to_number(theirs), rel_tol=1e-9), (place, ours, theirs)
    else:
        assert ours == theirs, place


def order(row: dict[str, Any]) -> str:
    """Return what a series is sorted by."""
    return json.dumps(row.get("metric", row), sort_keys=True)


def to_number(text: str) -> float:
    """Return the number that a text is, or NaN, which is like nothing."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def make_requests(now_ms: int) -> list[bytes]:
    """Return remote write requests with counters, odd values, UTF-8 names, histograms and exemplars."""
    times = [now_ms - (STEPS - 1 - step) * STEP_MS for step in range(STEPS)]
    series = []
    for job in ("api", "web"):
        for instance in ("a:1", "b:2"):
            for code in ("200", "500"):
                rate = (3 if job == "api" else 5) * (ord(instance[0]) - 96) * (7 if code == "200" else 0.25)
                values = [rate * (step % 53 + 1) for step in range(STEPS)]
                labels = [("__name__", "http_requests_total"), ("code", code), ("instance", instance), ("job", job)]
                trace = [("trace_id", f"{job}{code}")]
                exemplars = [(trace, 0.25, times[40]), (trace, 1e-7, times[41])]
                samples = list(zip(times, values, strict=True))
                series.append(Series(labels, samples, exemplars=exemplars))
    odd = [math.nan, math.inf, -math.inf, 1e-7, 1e-6, 1.5e-5, 1e15, 1e16, 123456789012345680, 1e20, 1e21, 1.5e300, -0.0]
    odd += [0.1, 1 / 3, 5e-324, 100.0, -2.5]
    values = [odd[step % len(odd)] for step in range(STEPS)]
    series.append(Series([("__name__", "odd"), ("text", 'a"b\\c<\n☀')], list(zip(times, values, strict=True))))
    series.append(Series([("__name__", "service.requests"), ("http.status", "200")], [(at, 1.0) for at in times]))
    ended = [(at, 2.0) for at in times[:40]] + [(times[40], STALE)]
    series.append(Series([("__name__", "ended"), ("job", "api")], ended))
    histograms = [
        sound_histogram(
            timestamp=at, count_int=6 + 5 * step, zero_count_int=1, sum=7.5 * step,
            positive_deltas=[2 + 2 * step, -1, step],
        )
        for step, at in enumerate(times)
    ]  # fmt: skip
    for histogram in histograms:
        counts = [histogram["positive_deltas"][0]]
        for delta in histogram["positive_deltas"][1:]:
            counts.append(counts[-1] + delta)
        histogram["count_int"] = 1 + sum(counts)
    series.append(Series([("__name__", "latency"), ("job", "api")], (), histograms=histograms))
    return [write_request(series)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, prometheus_program: Path) -> Iterator[Both]:
    """Run both and write the same requests to them."""
    assert prometheus_program.exists()
    folder = tmp_path_factory.mktemp("api")
    settings = {
        "query": {"features": list(PROMQL_FEATURES)},
        "own_metrics": {"enabled": False},
        "own_traces": {"enabled": False},
        "host_metrics": {"enabled": False},
    }
    config = folder / "gnomon.yml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    gnomon = GnomonProcess(folder / "gnomon", ("--config", str(config)))
    features = (*PROMQL_FEATURES, "exemplar-storage")
    with prometheus_running(folder / "prometheus", features=features) as server:
        try:
            gnomon.start()
            now_ms = int(time.time()) * 1000
            for request in make_requests(now_ms):
                body = compress(request)
                for url in (server.url, gnomon.url):
                    answer = httpx.post(f"{url}/api/v1/write", content=body, headers=V1, timeout=30.0, trust_env=False)
                    assert answer.is_success, answer.text
            start_s, end_s = now_ms / 1000 - (STEPS - 1) * STEP_MS / 1000, now_ms / 1000
            wait_for_samples(Prometheus(0, gnomon.url), "count(latency) == 1 and on () count(http_requests_total) == 8")
            with httpx.Client(trust_env=False, timeout=60.0) as client:
                yield Both(server, gnomon, client, start_s, end_s)
        finally:
            gnomon.stop()


QUERIES = (
    "1",
    "1e-7",
    '"text"',
    "http_requests_total",
    "odd",
    '{"service.requests"}',
    "sum by (job) (rate(http_requests_total[2m]))",
    'http_requests_total{code="500"} > 3',
    "latency",
    "histogram_quantile(0.9, latency)",
    "rate(latency[1m])",
    "nothing",
    "ended",
    "-http_requests_total",
    "topk(2, http_requests_total)",
    "rate(odd[1m])",
    "http_requests_total[45s]",
    "latency[45s]",
    "ended[20m]",
    "sum(rate(http_requests_total[1m]))[2m:30s]",
    'label_replace(odd, "x", "$1", "text", "(a).*")',
    "vector(time())",
)


@pytest.mark.parametrize("query", QUERIES)
def test_instant_queries(both: Both, query: str) -> None:
    """Types, labels, times, numbers, histograms, warnings and infos are Prometheus'."""
    both.assert_same("/api/v1/query", [("query", query), ("time", both.end_s - 0.5)])
    both.assert_same("/api/v1/query", [("query", query), ("time", both.start_s + 600)], form=True)


@pytest.mark.parametrize("query", [query for query in QUERIES if "]" not in query[-2:] and query[0] != '"'])
def test_range_queries(both: Both, query: str) -> None:
    """Series are in order, and each has the same values at the same steps."""
    params = [("query", query), ("start", both.start_s), ("end", both.end_s + 400), ("step", "15s")]
    both.assert_same("/api/v1/query_range", params)
    both.assert_same("/api/v1/query_range", [*params[:3], ("step", 7.25)], form=True)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("query", []),
        ("query", [("query", "sum(")]),
        ("query", [("query", "up{é}")]),
        ("query", [("query", "1"), ("time", "soon")]),
        ("query", [("query", "1"), ("timeout", "soon")]),
        ("query", [("query", "1"), ("limit", "-1")]),
        ("query", [("query", "1"), ("limit", "many")]),
        ("query", [("query", "1"), ("lookback_delta", "long")]),
        ("query", [("query", 'label_replace(odd, "a", "$1", "b", "(")')]),
        ("query_range", [("query", "1")]),
        ("query_range", [("query", "1"), ("start", 2), ("end", 1)]),
        ("query_range", [("query", "1"), ("start", 1), ("end", 2), ("step", 0)]),
        ("query_range", [("query", "1"), ("start", 1), ("end", 2), ("step", "x")]),
        ("query_range", [("query", "1"), ("start", 1), ("end", 20_000), ("step", 1)]),
        ("query_range", [("query", '"a"'), ("start", 1), ("end", 2), ("step", 1)]),
        ("series", []),
        ("series", [("match[]", "")]),
        ("series", [("match[]", "{}")]),
        ("series", [("match[]", "up"), ("start", "x")]),
        ("labels", [("limit", "x")]),
        ("labels", [("match[]", "1")]),
        ("label/job/values", [("end", "x")]),
        ("metadata", [("limit", "x")]),
        ("metadata", [("limit_per_metric", "x")]),
        ("query_exemplars", []),
        ("targets/metadata", [("limit", "x")]),
        ("status/tsdb", [("limit", "x")]),
        ("format_query", [("query", "sum by (x)")]),
        ("parse_query", [("query", "foo[")]),
    ],
)
def test_mistakes_are_told_alike(both: Both, path: str, params: Pairs) -> None:
    """Status code, type and words of errors are Prometheus'."""
    given = dict(params)
    at = [("time", both.end_s)] if path == "query" and "time" not in given else []
    both.assert_same(f"/api/v1/{path}", [*params, *at])


def test_series_labels_and_values(both: Both) -> None:
    """What there is to select is the same, with and without selectors, limits and UTF-8 names."""
    window = [("start", both.start_s), ("end", both.end_s)]
    for match in ('http_requests_total{code="500"}', '{job="api"}', '{__name__=~".+"}', "nothing"):
        theirs, ours = both.ask("/api/v1/series", [("match[]", match), *window])
        assert sorted(ours.json()["data"], key=order) == sorted(theirs.json()["data"], key=order)
        both.assert_same("/api/v1/labels", [("match[]", match), *window])
        both.assert_same("/api/v1/label/code/values", [("match[]", match), *window])
    both.assert_same("/api/v1/labels", window)
    both.assert_same("/api/v1/labels", form=True)
    both.assert_same("/api/v1/labels", [("limit", 2)])
    theirs, ours = both.ask("/api/v1/label/__name__/values", [("limit", 1)])
    assert ours.json()["warnings"] == theirs.json()["warnings"]
    assert len(ours.json()["data"]) == 1
    both.assert_same("/api/v1/label/__name__/values", [("match[]", "odd"), ("match[]", "ended")])
    assert both.assert_same("/api/v1/label/U__http_2e_status/values") == ["200"]
    assert both.assert_same("/api/v1/label/http.status/values") == ["200"]


def test_limits_cut_answers_with_a_warning(both: Both) -> None:
    """`limit` leaves out series and says so."""
    params = [("query", "http_requests_total"), ("time", both.end_s), ("limit", 2)]
    theirs, ours = both.ask("/api/v1/query", params)
    assert ours.json()["warnings"] == theirs.json()["warnings"]
    assert len(ours.json()["data"]["result"]) == 2
    params = [("query", "http_requests_total"), ("start", both.start_s), ("end", both.end_s), ("step", 60)]
    both.assert_same("/api/v1/query_range", [*params, ("limit", 3)])


def test_statistics_have_prometheus_shape(both: Both) -> None:
    """`stats` adds timings and samples under the same names; Gnomon may tell more."""
    theirs, ours = both.ask("/api/v1/query", [("query", "odd"), ("stats", "1"), ("time", both.end_s)])
    assert ours.json()["data"]["stats"].keys() == theirs.json()["data"]["stats"].keys()
    for part in ("timings", "samples"):
        assert ours.json()["data"]["stats"][part].keys() >= theirs.json()["data"]["stats"][part].keys()


def test_lookback_is_a_parameter(both: Both) -> None:
    """A shorter lookback finds nothing between samples."""
    at = both.end_s + 10
    assert both.assert_same("/api/v1/query", [("query", "odd"), ("time", at), ("lookback_delta", "5s")])["result"] == []
    both.assert_same("/api/v1/query", [("query", "odd"), ("time", at + 590), ("lookback_delta", "10m")])


def test_exemplars(both: Both) -> None:
    """Exemplars come by series, with their own labels, values and times."""
    params = [("query", 'rate(http_requests_total{code="500"}[5m])'), ("start", both.start_s), ("end", both.end_s)]
    theirs, ours = both.ask("/api/v1/query_exemplars", params)
    found = sorted(ours.json()["data"], key=order)
    assert found == sorted(theirs.json()["data"], key=order)
    assert len(found) == 4


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_parsed_and_formatted_alike(both: Both, query: str) -> None:
    """parse_query gives the same tree, format_query the same text."""
    both.assert_same("/api/v1/parse_query", [("query", query)])
    both.assert_same("/api/v1/format_query", [("query", query)], form=True)


@pytest.mark.parametrize(
    "path",
    ["rules", "alerts", "alertmanagers", "targets", "scrape_pools", "targets/metadata", "targets?state=dropped"],
)
def test_what_is_empty_is_empty_alike(both: Both, path: str) -> None:
    """Without targets and rules, both say so in the same form."""
    both.assert_same(f"/api/v1/{path}")


@pytest.mark.parametrize("path", ["buildinfo", "config", "flags", "runtimeinfo", "tsdb", "walreplay"])
def test_status_has_prometheus_shape(both: Both, path: str) -> None:
    """Fields and their types are Prometheus'; what they say is Gnomon's own."""
    theirs, ours = both.ask(f"/api/v1/status/{path}")
    assert ours.status_code == 200
    expected, found = theirs.json()["data"], ours.json()["data"]
    if path == "flags":
        assert {type(value) for value in found.values()} == {str}
        assert found["query.lookback-delta"] == expected["query.lookback-delta"]
        return
    assert found.keys() == expected.keys()
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in expected.items()
    }
    if path == "tsdb":
        for part in ("seriesCountByMetricName", "labelValueCountByLabelName"):
            counts = {entry["name"]: entry["value"] for entry in expected[part]}
            assert {entry["name"]: entry["value"] for entry in found[part]} == counts


def test_promtool_asks_gnomon(both: Both, promtool_program: Path) -> None:
    """promtool's query commands print for Gnomon what they print for Prometheus."""
    assert promtool_program.exists()
    window = [f"--start={both.start_s:.0f}", f"--end={both.end_s:.0f}"]

    def ask(*arguments: str) -> tuple[str, str]:
        command, rest = arguments[0], arguments[1:]
        texts = [
            promtool("query", command, *(url if part == "SERVER" else part for part in rest))
            for url in (both.prometheus.url, both.gnomon.url)
        ]
        return texts[0], texts[1]

    at = f"--time={both.end_s:.0f}"
    for query in ("http_requests_total", "sum by (job) (rate(http_requests_total[2m]))", "odd", "1"):
        theirs, ours = ask("instant", at, "SERVER", query)
        assert_alike(sorted(ours.split()), sorted(theirs.split()), query)
        if query != "1":
            theirs, ours = ask("range", *window, "--step=60s", "SERVER", query)
            assert_alike(ours.split(), theirs.split(), query)
    theirs, ours = ask("series", *window, '--match={job="api"}', "SERVER")
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines())
    theirs, ours = ask("labels", *window, "SERVER", "code")
    assert ours == theirs
    theirs, ours = ask("instant", "-o", "json", at, "SERVER", "http_requests_total")
    assert {json.dumps(row) for row in json.loads(ours)} == {json.dumps(row) for row in json.loads(theirs)}


def test_promtool_finds_gnomon_well(both: Both, promtool_program: Path) -> None:
    """promtool check healthy and ready pass, and check metrics finds nothing to correct."""
    assert promtool_program.exists()
    for check in ("healthy", "ready"):
        promtool("check", check, f"--url={both.gnomon.url}")
    metrics = both.client.get(f"{both.gnomon.url}/metrics").content
    done = subprocess.run([promtool_program, "check", "metrics"], input=metrics, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


GRAFANA: tuple[tuple[str, str, dict[str, str]], ...] = (
    # The requests of Grafana's Prometheus data source: "Save & test", the query builder, a panel, Explore.
    ("GET", "/api/v1/status/buildinfo", {}),
    ("POST", "/api/v1/query", {"query": "1+1", "time": "4"}),
    ("GET", "/api/v1/metadata", {"limit": "5000"}),
    ("POST", "/api/v1/labels", {"start": "START", "end": "END"}),
    ("POST", "/api/v1/labels", {"start": "START", "end": "END", "match[]": '{__name__="http_requests_total"}'}),
    ("GET", "/api/v1/label/__name__/values", {"start": "START", "end": "END", "limit": "40000"}),
    ("GET", "/api/v1/label/job/values", {"start": "START", "end": "END", "match[]": "http_requests_total"}),
    ("POST", "/api/v1/series", {"start": "START", "end": "END", "match[]": '{job="api"}'}),
    (
        "POST",
        "/api/v1/query_range",
        {"query": "sum by(job) (rate(http_requests_total[1m0s]))", "start": "START", "end": "END", "step": "15"},
    ),
    ("POST", "/api/v1/query", {"query": "sum(http_requests_total)", "time": "END"}),
    ("GET", "/api/v1/query_exemplars", {"query": "http_requests_total", "start": "START", "end": "END"}),
    ("GET", "/api/v1/rules", {}),
    ("GET", "/api/v1/alerts", {}),
)


@pytest.mark.parametrize(("method", "path", "params"), GRAFANA)
def test_grafanas_requests_are_answered(both: Both, method: str, path: str, params: dict[str, str]) -> None:
    """Every request of Grafana's data source succeeds, as it does with Prometheus, with data of the same kind."""
    window = {"START": f"{both.start_s:.3f}", "END": f"{both.end_s:.3f}"}
    pairs = [(name, window.get(value, value)) for name, value in params.items()]
    theirs, ours = both.ask(path, pairs, form=method == "POST")
    assert ours.status_code == theirs.status_code == 200
    assert ours.headers["content-type"].startswith("application/json")
    assert ours.json()["status"] == "success"
    assert type(ours.json()["data"]) is type(theirs.json()["data"])


def test_another_prometheus_reads_from_gnomon(both: Both, tmp_path: Path) -> None:
    """Remote read gives a second Prometheus the same samples, histograms and odd values included."""
    config = {"remote_read": [{"url": f"{both.gnomon.url}/api/v1/read", "read_recent": True}]}
    with prometheus_running(tmp_path / "reader", config=config, features=PROMQL_FEATURES) as reader:
        for query in ("http_requests_total", "odd", "latency", "ended", '{"service.requests"}'):
            params = {"query": query, "start": both.start_s, "end": both.end_s, "step": "15s"}
            found = reader.get("/api/v1/query_range", params).json()
            assert found == both.prometheus.get("/api/v1/query_range", params).json(), query
        raw = {"query": "{__name__=~'.+'}[30m]", "time": both.end_s}
        found_rows = sorted(reader.data("query", raw)["result"], key=order)
        assert found_rows == sorted(both.prometheus.data("query", raw)["result"], key=order)


def test_another_prometheus_federates_from_gnomon(both: Both, tmp_path: Path) -> None:
    """/federate is scraped by a real Prometheus, names, labels, values and times kept."""
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "federate",
                "honor_labels": True,
                "metrics_path": "/federate",
                "params": {"match[]": ['{job=~"api|web"}', '{"service.requests"}']},
                "static_configs": [{"targets": [both.gnomon.url.removeprefix("http://")]}],
            }
        ],
    }
    with prometheus_running(tmp_path / "federating", config=config) as federating:
        wait_for_samples(federating, "http_requests_total")
        for query in ("http_requests_total", '{"service.requests"}'):
            found = federating.data("query", {"query": query, "time": both.end_s + 1})["result"]
            for row in found:
                if row["metric"].get("instance") is None:
                    row["metric"].pop("job", None)
            expected = both.prometheus.data("query", {"query": query, "time": both.end_s + 1})["result"]
            assert sorted(found, key=order) == sorted(expected, key=order)


def test_federation_text_is_prometheus(both: Both) -> None:
    """The same lines, both with names as they are and with underscores."""
    for accept in ("", "text/plain;version=1.0.0;escaping=allow-utf-8"):
        texts = []
        for url in (both.prometheus.url, both.gnomon.url):
            params = httpx.QueryParams([("match[]", '{__name__=~".+"}')])
            answer = both.client.get(f"{url}/federate", params=params, headers={"accept": accept})
            texts.append([line for line in answer.text.splitlines() if "latency" not in line])
        assert texts[1] == texts[0]


def test_a_real_prometheus_scrapes_gnomon(both: Both, tmp_path: Path) -> None:
    """Gnomon's own metrics are what a Prometheus can take in."""
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": "gnomon", "static_configs": [{"targets": [both.gnomon.url.removeprefix("http://")]}]}
        ],
    }
    with prometheus_running(tmp_path / "scraping", config=config) as scraping:
        (row,) = wait_for_samples(scraping, "gnomon_build_info")
        assert row["metric"]["job"] == "gnomon"
        assert scraping.data("query", {"query": "up"})["result"][0]["value"][1] == "1"


def test_probes_answer_like_prometheus(both: Both) -> None:
    """/-/healthy and /-/ready answer 200 in one line."""
    for path in ("/-/healthy", "/-/ready"):
        theirs, ours = both.ask(path)
        assert ours.status_code == theirs.status_code == 200
        assert ours.text == theirs.text.replace("Prometheus Server", "Gnomon")
