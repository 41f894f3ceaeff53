"""Scraping from prometheus.yml to the answer of a query, beside a real Prometheus with the same file."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon
from tests.peers.fixtures import require
from tests.peers.installation import PROMETHEUS
from tests.peers.prometheus import prometheus_running

QUICK = ("--set", "own_metrics.interval=1s", "--set", "host_metrics.interval=1s")
# What grows while a Go program runs, and what times itself.
STEADY = '__name__!~"go_.*|prometheus_.*|process_.*|net_conntrack.*|promhttp_.*|scrape_duration_seconds"'


@contextmanager
def exporter() -> Iterator[str]:
    registry = CollectorRegistry()
    requests = Counter("shop_requests", "Requests.", ["path"], registry=registry)
    requests.labels("/cart").inc(5, {"trace_id": "abc"})
    Histogram("shop_latency_seconds", "Time.", registry=registry).observe(0.3)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(url: str, path: str, **parameters: str) -> Any:
    answer = httpx.get(f"{url}/api/v1/{path}", params=parameters, timeout=30, trust_env=False).json()
    assert answer["status"] == "success", answer
    return answer["data"]


def query(url: str, text: str) -> dict[str, str]:
    """Return the values of an instant vector by their labels."""
    return {
        json.dumps(one["metric"], sort_keys=True): one["value"][1] for one in ask(url, "query", query=text)["result"]
    }


def until(true: Callable[[], object], timeout_s: float = 40.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def configuration(address: str, files: Path, *jobs: dict[str, Any]) -> str:
    quick = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    shop = {"job_name": "shop", "static_configs": [{"targets": [address], "labels": {"env": "prod"}}]}
    found = {"job_name": "found", "file_sd_configs": [{"files": [str(files)], "refresh_interval": "1s"}]}
    nobody = {"job_name": "nobody", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    return json.dumps({"global": quick, "scrape_configs": [shop, found, nobody, *jobs]})


@pytest.fixture
def scraped(launch_gnomon: LaunchGnomon, tmp_path: Path) -> Callable[[str], GnomonProcess]:
    def start(text: str) -> GnomonProcess:
        (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
        (tmp_path / "gnomon.yml").write_text("prometheus: prometheus.yml\n", encoding="utf-8")
        return launch_gnomon("--config", str(tmp_path / "gnomon.yml"), *QUICK).start()

    return start


def test_stored_series_are_those_of_prometheus(scraped: Callable[[str], GnomonProcess], tmp_path: Path) -> None:
    """Series, values, `up` and the end of a lost target; and a real Prometheus scrapes Gnomon itself."""
    require(PROMETHEUS)
    files = tmp_path / "targets.json"
    with exporter() as address:
        files.write_text(json.dumps([{"targets": [address]}]), encoding="utf-8")
        text = configuration(address, files)
        gnomon = scraped(text)
        own = gnomon.url.removeprefix("http://")
        gnomon_job = {"job_name": "gnomon-over-http", "static_configs": [{"targets": [own]}]}
        with prometheus_running(tmp_path / "peer", config=configuration(address, files, gnomon_job)) as peer:
            peers = (gnomon.url, peer.url)
            for url in peers:
                until(lambda url=url: len(query(url, 'up{job=~"shop|found"} == 1')) == 2)  # type: ignore[misc]
                settled = 'scrape_series_added{job=~"shop|found"} == 0'
                until(lambda url=url, settled=settled: len(query(url, settled)) == 2)  # type: ignore[misc]
            selector = f'{{job=~"shop|found|nobody",{STEADY}}}'
            ours, theirs = (query(url, selector) for url in peers)
            assert ours == theirs
            assert len(ours) > 40
            assert query(gnomon.url, 'up{job="nobody"}') == query(peer.url, 'up{job="nobody"}')
            assert set(query(peer.url, 'up{job="gnomon-over-http"}').values()) == {"1"}

            exemplars = ask(gnomon.url, "query_exemplars", query="shop_requests_total", start="0", end="4000000000")
            assert exemplars[0]["exemplars"][0]["labels"] == {"trace_id": "abc"}
            assert ask(gnomon.url, "metadata", metric="shop_latency_seconds") == ask(
                peer.url, "metadata", metric="shop_latency_seconds"
            )

            files.write_text("[]", encoding="utf-8")
            for url in peers:
                until(lambda url=url: not query(url, '{job="found"}'))  # type: ignore[misc]
            assert query(gnomon.url, 'last_over_time(up{job="found"}[5m])')


def test_gnomon_and_its_machine_are_watched_without_being_told(launch_gnomon: LaunchGnomon) -> None:
    gnomon = launch_gnomon(*QUICK).start()
    until(lambda: set(query(gnomon.url, "up").values()) == {"1"} and len(query(gnomon.url, "up")) == 2)
    until(lambda: query(gnomon.url, 'sum by (mode) (rate(node_cpu_seconds_total{job="node",mode="user"}[1m]))'))
    assert query(gnomon.url, 'namedprocess_namegroup_num_procs{groupname=~"python.*|gnomon"}')
    assert query(gnomon.url, 'gnomon_ingest_items_total{job="gnomon",protocol="scrape"}')
    pools = {target["scrapePool"]: target for target in ask(gnomon.url, "targets")["activeTargets"]}
    assert set(pools) == {"gnomon", "node"}
    assert {target["health"] for target in pools.values()} == {"up"}


def test_both_can_be_switched_off(launch_gnomon: LaunchGnomon) -> None:
    gnomon = launch_gnomon("--set", "own_metrics.enabled=false", "--set", "host_metrics.enabled=false").start()
    assert ask(gnomon.url, "targets")["activeTargets"] == []


def test_a_reload_takes_the_new_file_and_keeps_the_old_one_when_it_is_wrong(
    scraped: Callable[[str], GnomonProcess], tmp_path: Path
) -> None:
    files = tmp_path / "none.json"
    with exporter() as address:
        gnomon = scraped(configuration(address, files))
        until(lambda: query(gnomon.url, 'up{job="shop"} == 1'))
        job = {"job_name": "more", "static_configs": [{"targets": [address]}]}
        (tmp_path / "prometheus.yml").write_text(configuration(address, files, job), encoding="utf-8")
        gnomon.signal(signal.SIGHUP)
        until(lambda: query(gnomon.url, 'up{job="more"} == 1'))
        (tmp_path / "prometheus.yml").write_text("scrape_configs: [{}]", encoding="utf-8")
        answer = httpx.post(f"{gnomon.url}/-/reload", trust_env=False, timeout=30)
        assert answer.status_code == httpx.codes.BAD_REQUEST
        assert "scrape_configs[0].job_name is missing" in answer.text
        assert {target["scrapePool"] for target in ask(gnomon.url, "targets")["activeTargets"]} >= {"shop", "more"}
        (tmp_path / "prometheus.yml").write_text(configuration(address, files), encoding="utf-8")
        assert httpx.post(f"{gnomon.url}/-/reload", trust_env=False, timeout=30).is_success
        until(lambda: not query(gnomon.url, '{job="more"}'))
        # No scrape of the unchanged job was lost or marked as its end.
        assert len(query(gnomon.url, 'count_over_time(up{job="shop"}[1m]) > 2')) == 1
        assert query(gnomon.url, 'resets(shop_requests_total{job="shop"}[1m]) == 0')


def test_a_wrong_file_keeps_the_server_from_starting(launch_gnomon: LaunchGnomon, tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text("scrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n", encoding="utf-8")
    gnomon = launch_gnomon("--set", f"prometheus={path}")
    gnomon.spawn()
    assert gnomon.wait() != 0
    assert f"{path}:3: there is no key 'scrape_configs[0].scrape_intervall'" in gnomon.log
