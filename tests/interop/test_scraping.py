"""Scraping beside a real Prometheus: the same configuration, the same targets, the same series."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary, start_http_server

from gnomon.ingest.scraping.prometheus_file import PrometheusFileError, load_prometheus_file
from gnomon.ingest.scraping.scraper import Scraper, Targets
from gnomon.lifecycle import SystemClock
from gnomon.model.labels import Labels
from tests.peers.fixtures import require
from tests.peers.installation import PROMETHEUS, PROMTOOL
from tests.peers.prometheus import Prometheus, ToolError, prometheus_running, promtool
from tests.scraped_samples import STALE, KeptSamples

SHIPPED = Path(__file__).parents[2] / "deploy/prometheus/prometheus.yml"

RELABELING = [
    {"source_labels": ["__address__"], "regex": "(.*):(\\d+)", "target_label": "port", "replacement": "${2}"},
    {"source_labels": ["__meta_team", "env"], "separator": "/", "target_label": "owner"},
    {"action": "labelmap", "regex": "__meta_(.+)", "replacement": "from_$1"},
    {"source_labels": ["__address__"], "action": "hashmod", "modulus": 7, "target_label": "shard"},
    {"source_labels": ["env"], "action": "uppercase", "target_label": "ENV"},
    {"source_labels": ["__address__"], "regex": "dropped.*", "action": "drop"},
    {"target_label": "__param_q", "replacement": "a b&c"},
    {"action": "labeldrop", "regex": "tmp_.*"},
]
METRIC_RELABELING = [
    {"source_labels": ["__name__"], "regex": "python_.*|go_memstats.*", "action": "drop"},
    {"source_labels": ["path"], "regex": "/(\\w+)", "target_label": "page"},
    {"action": "labelkeep", "regex": "__name__|job|instance|le|quantile|page|exported_.*|port|code|version|path|quäl"},
]


@pytest.fixture(scope="module")
def prometheus_program() -> Path:
    """Return Prometheus' program; promtool comes with it."""
    require(PROMTOOL)
    return require(PROMETHEUS)


def fill(registry: CollectorRegistry) -> None:
    requests = Counter("shop_requests", 'Requests, \\ by "path"\nand code.', ["path", "code"], registry=registry)
    requests.labels("/cart", "200").inc(5, {"trace_id": "abc"})
    requests.labels('/odd "\\\n', "500").inc(1e9)
    Gauge("shop_up", "Up.", ["job"], registry=registry).labels("own").set(float("nan"))
    latency = Histogram("shop_latency_seconds", "Time.", ["path"], registry=registry, buckets=(0.1, 1, 1e6))
    latency.labels("/cart").observe(0.5, {"trace_id": "def"})
    Summary("shop_size_bytes", "Size.", registry=registry).observe(12)
    Info("shop_build", "Build.", registry=registry).info({"version": "1"})
    Gauge("shop_größe", "UTF-8.", ["quäl"], registry=registry).labels("ä").set(-0.0)


@contextmanager
def exporter() -> Iterator[str]:
    registry = CollectorRegistry()
    fill(registry)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configuration(address: str, other: str, files: Path) -> dict[str, Any]:
    quick = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    return {
        "global": {**quick, "external_labels": {"cluster": "test"}},
        "scrape_configs": [
            {"job_name": "plain", "static_configs": [{"targets": [address]}]},
            {
                "job_name": "relabelled",
                "params": {"q": ["1"], "module": ["x", "y"]},
                "static_configs": [
                    {"targets": [address], "labels": {"env": "prod", "__meta_team": "a", "tmp_x": "y"}},
                    {"targets": ["dropped:1"]},
                ],
                "relabel_configs": RELABELING,
                "metric_relabel_configs": METRIC_RELABELING,
            },
            {"job_name": "honest", "honor_labels": True, "static_configs": [{"targets": [address]}]},
            {"job_name": "limited", "sample_limit": 5, "static_configs": [{"targets": [address]}]},
            {"job_name": "long", "label_value_length_limit": 4, "static_configs": [{"targets": [address]}]},
            {
                "job_name": "text",
                "scrape_protocols": ["PrometheusText0.0.4"],
                "static_configs": [{"targets": [address, other]}],
            },
            {
                "job_name": "native",
                "scrape_native_histograms": True,
                "always_scrape_classic_histograms": True,
                "static_configs": [{"targets": [other]}],
            },
            {"job_name": "protobuf", "scrape_protocols": ["PrometheusProto"], "static_configs": [{"targets": [other]}]},
            {"job_name": "nobody", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
            {"job_name": "nothing", "metrics_path": "/nothing", "static_configs": [{"targets": [other]}]},
            {"job_name": "files", "file_sd_configs": [{"files": [str(files)], "refresh_interval": "1s"}]},
        ],
    }


async def scrape_for(
    config_file: Path, seconds: float, afterwards: Callable[[], Awaitable[None]]
) -> tuple[KeptSamples, Targets]:
    """Scrape by a file for some seconds, and while `afterwards` runs; return the targets as they were before that."""
    kept = KeptSamples()
    scraper = Scraper(kept, SystemClock(), load_prometheus_file(config_file).jobs, extra_metrics=True)
    await scraper.start()
    await asyncio.sleep(seconds)
    targets = scraper.targets()
    await afterwards()
    await scraper.stop()
    return kept, targets


def stored(prometheus: Prometheus, job: str) -> set[Labels]:
    found = prometheus.data("series", {"match[]": f'{{job="{job}"}}', "start": "0"})
    own = prometheus.data("series", {"match[]": f'{{exported_job="{job}"}}', "start": "0"})
    return {Labels.of(labels) for labels in [*found, *own]}


# Which series a Go program exposes changes while it runs; what was scraped at another second may differ by these.
UNSTEADY = ("go_", "prometheus_", "net_conntrack", "process_", "promhttp_", "scrape_classic")


def steady(series: set[Labels]) -> set[Labels]:
    return {labels for labels in series if not labels.metric_name.startswith(UNSTEADY)}


async def test_the_same_targets_and_series_as_prometheus(prometheus_program: Path, tmp_path: Path) -> None:
    """Labels, health, errors' kinds, values, staleness and metadata agree for every job."""
    files = tmp_path / "targets.json"
    with exporter() as address, prometheus_running(tmp_path / "scraped") as other:
        files.write_text(json.dumps([{"targets": [address], "labels": {"found": "yes"}}]), encoding="utf-8")
        config = configuration(address, other.url.removeprefix("http://"), files)
        with prometheus_running(tmp_path / "peer", config=config, features=("extra-scrape-metrics",)) as peer:
            config_file = tmp_path / "peer/prometheus.yml"

            async def lose_the_file() -> None:
                files.write_text("[]", encoding="utf-8")
                await asyncio.sleep(7)

            kept, targets = await scrape_for(config_file, 6, lose_the_file)
            theirs = peer.data("targets")
            compare_targets(targets, theirs)
            for job in ("plain", "relabelled", "honest", "text", "files", "nobody", "nothing", "limited", "long"):
                ours = {labels for labels in kept.samples if job in {labels.get("job"), labels.get("exported_job")}}
                assert steady(ours) == steady(stored(peer, job)), job
            compare_formats(kept, peer)
            compare_values(kept, peer)
            compare_metadata(kept, peer)
            assert kept.values("up", job="files")[-1] == STALE
            assert kept.values("shop_size_bytes_sum", job="files")[-1] == STALE
            assert not peer.data("query", {"query": 'up{job="files"}'})["result"]


def compare_targets(ours: Targets, theirs: Any) -> None:
    expected = {
        (target["scrapePool"], target["scrapeUrl"]): {
            "labels": target["labels"],
            "discovered": target["discoveredLabels"],
            "health": target["health"],
            "interval": target["scrapeInterval"],
            "timeout": target["scrapeTimeout"],
        }
        for target in theirs["activeTargets"]
        if target["scrapePool"] != "files"
    }
    found = {
        (target.scrape_pool, target.scrape_url): {
            "labels": target.labels.to_dict(),
            "discovered": target.discovered_labels.to_dict(),
            "health": target.health,
            "interval": target.scrape_interval,
            "timeout": target.scrape_timeout,
        }
        for target in ours.active
        if target.scrape_pool != "files"
    }
    assert found == expected
    errors = {target["scrapePool"]: target["lastError"] for target in theirs["activeTargets"]}
    for target in ours.active:
        if target.scrape_pool in {"nothing", "limited", "long"}:
            assert target.last_error.partition(" (")[0] == errors[target.scrape_pool].partition(" (")[0]
        if target.scrape_pool == "nobody":
            assert "connection refused" in target.last_error
            assert "connection refused" in errors["nobody"]
    dropped = [target.discovered_labels.to_dict() for target in ours.dropped]
    assert dropped == [target["discoveredLabels"] for target in theirs["droppedTargets"]]


def compare_formats(kept: KeptSamples, peer: Prometheus) -> None:
    """Protobuf brings what text brings, native histograms what the other Prometheus keeps as such."""
    ours = {labels for labels in kept.samples if labels.get("job") == "protobuf"}
    assert {labels.metric_name for labels in ours} >= {"prometheus_build_info", "go_goroutines", "up"}
    names = {labels.metric_name for labels in stored(peer, "protobuf")}
    assert {labels.metric_name for labels in ours} == names
    native = {labels for labels, found in kept.histograms.items() if found and labels.get("job") == "native"}
    assert native
    for labels in native:
        selector = json.dumps(labels.metric_name)
        (result,) = [
            one
            for one in peer.data("query", {"query": f'{{{selector},job="native"}}'})["result"]
            if Labels.of(one["metric"]) == labels
        ]
        assert "histogram" in result


def compare_values(kept: KeptSamples, peer: Prometheus) -> None:
    """Values that stand still are the same to the last bit that JSON shows."""
    for one in peer.data("query", {"query": '{__name__=~"shop_.*|scrape_sample.*|scrape_timeout.*|up",job!="files"}'})[
        "result"
    ]:
        labels = Labels.of(one["metric"])
        if labels.metric_name.endswith("_created"):
            continue
        # What a Go program exposes grows; of a scrape that fails halfway Prometheus counts the first half.
        steady_jobs = {"plain", "honest", "limited"}
        if labels.metric_name.startswith("scrape_samples_") and labels.get("job") not in steady_jobs:
            continue
        ours = kept.samples[labels][-1][1]
        assert ours == pytest.approx(float(one["value"][1]), nan_ok=True), labels


def compare_metadata(kept: KeptSamples, peer: Prometheus) -> None:
    types = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"]
    ours = {(name, types[kind], text, unit) for name, kind, text, unit in kept.metadata if name.startswith("shop_")}
    theirs = {
        (name, about["type"], about["help"], about["unit"])
        for name, abouts in peer.data("metadata").items()
        if name.startswith("shop_")
        for about in abouts
    }
    assert ours == theirs


JOB = "scrape_configs:\n- job_name: a\n"
GOOD = [
    "",
    "global:\n",
    "global: {scrape_interval: 1m30s, external_labels: {a: $HOME}}",
    JOB + "  static_configs: [{targets: ['[::1]:9100', 'host'], labels: {a: ''}}]",
    JOB + "  relabel_configs: [{action: Keep, source_labels: [a], regex: b}]",
    JOB + "  relabel_configs: [{target_label: '${1}_x', source_labels: [a], regex: (.*)}]",
    JOB + "  body_size_limit: 10MB\n  sample_limit: 10\n  scrape_native_histograms: true",
    JOB + "  authorization: {credentials: x}\n  http_headers: {X-A: {values: [b]}}",
    JOB + "  fallback_scrape_protocol: PrometheusText1.0.0\n  scrape_protocols: [PrometheusProto]",
    JOB + "  metric_name_validation_scheme: legacy",
    "rule_files: ['rules/*.yml']\nalerting: {alertmanagers: [{static_configs: [{targets: [a:1]}]}]}",
    "remote_write: [{url: 'http://x/write'}]",
]
BAD = [
    "globals: {}",
    "- a",
    "global: {scrape_interval: 15}",
    "global: {scrape_interval: 5s, scrape_timeout: 6s}",
    "global: {scrape_interval: 1s1m}",
    "scrape_configs: [{}]",
    JOB + "- job_name: a",
    JOB + "  scrape_timeout: 2m",
    JOB + "  honor_labels: maybe",
    JOB + "  sample_limit: -1",
    JOB + "  scrape_protocols: [Text]",
    JOB + "  scrape_protocols: [PrometheusProto, PrometheusProto]",
    JOB + "  static_configs:\n  - targets: ['http://x']",
    JOB + "  file_sd_configs: [{files: [x.txt]}]",
    JOB + "  file_sd_configs: [{}]",
    JOB + "  http_sd_configs: [{url: 'ftp://x'}]",
    JOB + "  bearer_token: a\n  basic_auth: {username: x}",
    JOB + "  authorization: {type: Basic}",
    JOB + "  tls_config: {cert_file: x}",
    JOB + "  http_headers: {Authorization: {values: [x]}}",
    JOB + "  relabel_configs: [{action: hashmod, target_label: x}]",
    JOB + "  relabel_configs: [{action: keep, regex: '('}]",
    JOB + "  relabel_configs: [{action: shout}]",
    JOB + "  relabel_configs: [{action: replace}]",
    JOB + "  relabel_configs: [{action: labeldrop, source_labels: [a]}]",
    JOB + "  relabel_configs: [{action: lowercase, target_label: a, replacement: b}]",
    JOB + "  relabel_configs: [null]",
    JOB + "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: allow-utf-8",
    "rule_files: ['a/*/b.yml']",
    "global: {}\nglobal: {}",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_promtool_accepts_is_accepted(prometheus_program: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    promtool("check", "config", "--syntax-only", path)
    load_prometheus_file(path)


@pytest.mark.parametrize("text", BAD)
def test_what_promtool_refuses_is_refused(prometheus_program: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ToolError):
        promtool("check", "config", "--syntax-only", path)
    with pytest.raises(PrometheusFileError):
        load_prometheus_file(path)


def test_promtool_accepts_the_shipped_file(prometheus_program: Path) -> None:
    promtool("check", "config", "--syntax-only", SHIPPED)
    assert yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["global"]["scrape_interval"] == "15s"
