"""What others send as metrics ends as series that can be queried: Prometheus' remote write, OpenTelemetry's SDK."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from tests.gnomon_process import GnomonProcess
from tests.peers.fixtures import require
from tests.peers.installation import PROMETHEUS
from tests.peers.prometheus import Prometheus, prometheus_running
from tests.write_requests import V1, V2, Series, compress, sound_histogram, write_request, write_request_v2

MESSAGES = {"v1": "prometheus.WriteRequest", "v2": "io.prometheus.write.v2.Request"}


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    """Run one server for all senders; their series are told apart by labels."""
    server = GnomonProcess(tmp_path_factory.mktemp("metric-senders") / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def senders(gnomon: GnomonProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Prometheus]]:
    """Run two Prometheuses that scrape themselves each second and send what they scrape, one in each version."""
    require(PROMETHEUS)
    features = ("exemplar-storage", "native-histograms", "metadata-wal-records")
    with ExitStack() as stack:
        running = {}
        for name, message in MESSAGES.items():
            folder = tmp_path_factory.mktemp(name)
            prometheus = stack.enter_context(prometheus_running(folder, features=features))
            targets = [prometheus.url.removeprefix("http://"), gnomon.url.removeprefix("http://")]
            config = {
                "global": {"scrape_interval": "1s", "external_labels": {"sender": name}},
                "scrape_configs": [
                    {"job_name": "both", "scrape_native_histograms": True, "static_configs": [{"targets": targets}]}
                ],
                "remote_write": [
                    {
                        "url": f"{gnomon.url}/api/v1/write",
                        "protobuf_message": message,
                        "send_exemplars": True,
                        "send_native_histograms": True,
                        "metadata_config": {"send_interval": "1s"},
                        "queue_config": {"batch_send_deadline": "200ms"},
                    }
                ],
            }
            (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
            httpx.post(f"{prometheus.url}/-/reload", trust_env=False).raise_for_status()
            running[name] = prometheus
        yield running


def ask(gnomon: GnomonProcess, path: str, **parameters: Any) -> Any:
    """Return the data of an answer of Gnomon's query API."""
    answer = httpx.get(f"{gnomon.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=30).json()
    assert answer.get("status") == "success", answer
    return answer["data"]


def wait_for(find: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Return what `find` finds as soon as it is something."""
    deadline = time.monotonic() + timeout_s
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("version", list(MESSAGES))
def test_what_prometheus_sends_is_what_it_has(
    gnomon: GnomonProcess, senders: dict[str, Prometheus], version: str
) -> None:
    """Every series and every sample of some seconds, histograms included, in both versions of remote write."""
    sender = senders[version]
    selector = f'{{__name__!="",sender="{version}"}}'
    assert wait_for(lambda: ask(gnomon, "query", query=f'up{{sender="{version}"}}')["result"])
    time.sleep(4)
    until = time.time()
    time.sleep(4)
    expected = _samples(sender.data("query", {"query": '{__name__!=""}[3s]', "time": until}), version)
    found: dict[Any, Any] = {}

    def is_all_there() -> bool:
        found.clear()
        found.update(_samples(ask(gnomon, "query", query=f"{selector}[3s]", time=until), version))
        return found == expected

    # A machine that is busy sends late, and loads late.
    wait_for(is_all_there, 20)
    assert found.keys() == expected.keys()
    assert {key for key in expected if found[key] != expected[key]} == set()
    assert len(found) > 300


@pytest.mark.parametrize("version", list(MESSAGES))
def test_prometheus_drops_and_repeats_nothing(
    gnomon: GnomonProcess, senders: dict[str, Prometheus], version: str
) -> None:
    """The sender's own counters: nothing failed, and 2.0 finds its figures confirmed."""
    assert wait_for(lambda: ask(gnomon, "query", query=f'up{{sender="{version}"}}')["result"])
    time.sleep(2)
    metrics = senders[version].get("/metrics").text
    for counter in ("samples_failed_total", "samples_retried_total", "samples_dropped_total", "exemplars_failed_total"):
        lines = [line for line in metrics.splitlines() if line.startswith(f"prometheus_remote_storage_{counter}")]
        assert all(float(line.rpartition(" ")[2]) == 0 for line in lines), lines


def test_metadata_of_both_versions_is_known(gnomon: GnomonProcess, senders: dict[str, Prometheus]) -> None:
    """Type and help, whether they came in requests of their own or beside the samples."""
    assert senders
    metric = "prometheus_http_requests_total"
    entries = wait_for(lambda: ask(gnomon, "metadata", metric=metric))[metric]
    assert {(entry["type"], entry["help"]) for entry in entries} == {("counter", "Counter of HTTP requests.")}


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_instruments_of_the_sdk_become_series(
    gnomon: GnomonProcess, transport: str, temporality: AggregationTemporality
) -> None:
    """Counters, gauges and both kinds of histograms, over HTTP and gRPC, whichever temporality the SDK has."""
    service = f"shop-{transport}-{temporality.name.lower()}"
    kinds: dict[type, AggregationTemporality] = {Counter: temporality, Histogram: temporality}
    exporter: Any
    if transport == "http":
        exporter = HttpExporter(f"{gnomon.otlp_http_url}/v1/metrics", preferred_temporality=kinds)
    else:
        exporter = GrpcExporter(f"http://{gnomon.otlp_grpc_address}", insecure=True, preferred_temporality=kinds)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    exponential = View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider(
        [reader], resource=Resource.create({"service.name": service, "host.name": "h1"}), views=[exponential]
    )
    meter = provider.get_meter("shop", "1.0")
    requests = meter.create_counter("http.requests", unit="{request}", description="How many.")
    latency = meter.create_histogram("latency", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1.0])
    size = meter.create_histogram("size", unit="By")
    depth = meter.create_gauge("queue.depth")
    for _ in range(3):
        requests.add(2, {"http.route": "/pay"})
        latency.record(0.5)
        size.record(1000)
        depth.set(7)
        provider.force_flush()
        time.sleep(0.02)
    provider.shutdown()

    def value(query: str) -> str:
        result = wait_for(lambda: ask(gnomon, "query", query=query)["result"])
        return str(result[0]["value"][1])

    job = f'job="{service}"'
    assert value(f'http_requests_total{{http_route="/pay",{job}}} == 6') == "6"
    assert value(f'latency_seconds_bucket{{le="1",{job}}} == 3') == "3"
    assert value(f"latency_seconds_sum{{{job}}} == 1.5") == "1.5"
    assert value(f"histogram_count(size_bytes{{{job}}}) == 3") == "3"
    assert value(f"histogram_sum(size_bytes{{{job}}}) == 3000") == "3000"
    assert value(f"queue_depth{{{job}}}") == "7"
    assert value(f'target_info{{host_name="h1",{job}}}') == "1"


def test_both_servers_answer_a_wrong_request_alike(gnomon: GnomonProcess, tmp_path: Path) -> None:
    """Status, counts and words are those of Prometheus for 2.0; with 1.0 we refuse what it drops without a word."""
    require(PROMETHEUS)
    now_ms = int(time.time() * 1000) - 5000
    good = Series([("__name__", "alike"), ("job", "x")], [(now_ms, 1.0)])
    wrong = {
        "no name": Series([("job", "a")], [(now_ms, 1.0)]),
        "repeated": Series([("__name__", "u"), ("a", "1"), ("a", "2")], [(now_ms, 1.0)]),
        "two names": Series([("__name__", "u"), ("__name__", "v")], [(now_ms, 1.0)]),
        "no samples": Series([("__name__", "u")], []),
        "future": Series([("__name__", "u")], [(now_ms + 3_600_000, 1.0)]),
        "histogram": Series([("__name__", "u")], (), [sound_histogram(timestamp=now_ms, count_int=9)]),
    }
    right = {
        "empty value": Series([("__name__", "e"), ("a", "")], [(now_ms, 1.0)]),
        "unsorted": Series([("z", "1"), ("__name__", "e"), ("a", "1")], [(now_ms, 1.0)]),
        "long": Series([("__name__", "e"), ("a", "x" * 3000)], [(now_ms, 1.0)]),
        "fine": Series([("__name__", "f")], (), [sound_histogram(timestamp=now_ms, schema=10)]),
    }
    with prometheus_running(tmp_path, features=("native-histograms",)) as prometheus:
        for name, series in (wrong | right).items():
            both = [good, series]
            answers = [_post(url, compress(write_request_v2(both)), V2) for url in (gnomon.url, prometheus.url)]
            assert answers[0].status_code == answers[1].status_code == (400 if name in wrong else 204), name
            assert _written(answers[0]) == _written(answers[1]), name
            words = answers[1].text.strip().partition(": histogram's")[0].partition(" for series")[0]
            assert words.removeprefix("out of bounds: timestamp ") in answers[0].text.replace(
                f"{now_ms + 3_600_000} ", ""
            ), name
            first = _post(gnomon.url, compress(write_request(both)), V1)
            assert first.status_code == (400 if name in wrong and name != "no samples" else 204), name


def _post(url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/write", content=body, headers=headers, trust_env=False, timeout=30)


def _written(answer: httpx.Response) -> list[str]:
    return [
        answer.headers[f"X-Prometheus-Remote-Write-{kind}-Written"] for kind in ("Samples", "Histograms", "Exemplars")
    ]


def _samples(data: Any, sender: str) -> dict[Any, Any]:
    found = {}
    for series in data["result"]:
        labels = {name: value for name, value in series["metric"].items() if name != "sender"} | {"sender": sender}
        # A bucket's bound may differ in its last digit.
        histograms = [
            (
                when,
                one["count"],
                one["sum"],
                [
                    (float(f"{float(lower):.12g}"), float(f"{float(upper):.12g}"), count)
                    for _, lower, upper, count in one.get("buckets", ())
                ],
            )
            for when, one in series.get("histograms", ())
        ]
        found[tuple(sorted(labels.items()))] = (series.get("values", []), histograms)
    return found
