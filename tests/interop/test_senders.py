"""What others wrote sends to Gnomon unchanged: OpenTelemetry's SDK for Node.js, its Collector, pino-loki, syslog-ng."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess, find_free_ports
from tests.interop.test_peers import send_span
from tests.peers.fixtures import require
from tests.peers.installation import NODE_SENDERS, SYSLOG_NG
from tests.peers.jaeger import collector_running

_SYSLOG_NG = """
@version: 3.38
options {{ stats-freq(0); }};
source s_local {{ network(ip("127.0.0.1") port({port}) transport("tcp") flags(syslog-protocol)); }};
destination d_gnomon {{
    http(url("{url}/ingest/jsonl") method("POST") headers("Content-Type: application/x-ndjson") batch-lines(10)
        batch-timeout(100) body("$(format-json timestamp=$ISODATE level=$LEVEL service=$PROGRAM message=$MSG)"));
}};
log {{ source(s_local); destination(d_gnomon); }};
"""


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    server = GnomonProcess(tmp_path_factory.mktemp("senders") / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def sent_by_node(gnomon: GnomonProcess) -> None:
    """Have everything sent that the script sends."""
    script = require(NODE_SENDERS)
    targets = [gnomon.otlp_http_url, gnomon.otlp_grpc_address, gnomon.url]
    done = subprocess.run(["node", script, *targets], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def wait_for(find: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Return what `find` finds as soon as it is something."""
    deadline = time.monotonic() + timeout_s
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def ask(gnomon: GnomonProcess, path: str, **parameters: str) -> Any:
    return httpx.get(f"{gnomon.url}{path}", params=parameters, trust_env=False, timeout=30).raise_for_status().json()


def find_lines(gnomon: GnomonProcess, query: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = wait_for(
        lambda: ask(gnomon, "/api/logs/search", q=query, **{"from": "2025-12-01"})["lines"]
    )
    return lines


@pytest.mark.usefixtures("sent_by_node")
@pytest.mark.parametrize("service", ["node-http", "node-grpc"])
def test_traces_of_the_sdk_for_node(gnomon: GnomonProcess, service: str) -> None:
    traces = wait_for(lambda: ask(gnomon, "/api/traces", service=service)["data"])
    assert len(traces) == 1
    spans = {span["operationName"]: span for span in traces[0]["spans"]}
    assert set(spans) == {"order", "charge"}
    assert [reference["spanID"] for reference in spans["charge"]["references"]] == [spans["order"]["spanID"]]
    assert {tag["key"]: tag["value"] for tag in spans["charge"]["tags"]}["order.items"] == 3
    assert "card declined" in json.dumps(spans["charge"]["logs"])


@pytest.mark.usefixtures("sent_by_node")
def test_log_records_of_the_sdk_for_node(gnomon: GnomonProcess) -> None:
    (line,) = find_lines(gnomon, "service:node-logs")
    assert (line["body"], line["level"], line["attributes"]) == ("stock runs low", "warn", {"sku": "a-1"})


@pytest.mark.usefixtures("sent_by_node")
def test_lines_that_pino_pushes_to_loki(gnomon: GnomonProcess) -> None:
    (line,) = find_lines(gnomon, "service:node-pino")
    assert line["level"] == "error"
    assert json.loads(line["body"])["msg"] == "payment refused"


@pytest.mark.usefixtures("jaeger_program")
def test_spans_through_the_collector(gnomon: GnomonProcess, tmp_path: Path) -> None:
    with collector_running(tmp_path, export_url=gnomon.otlp_http_url) as collector:
        send_span(collector.otlp_http_url, "through-the-collector")
        traces = wait_for(lambda: ask(gnomon, "/api/traces", service="through-the-collector")["data"])
    assert [span["operationName"] for span in traces[0]["spans"]] == ["greet"]


def test_syslog_that_syslog_ng_ships_as_json_lines(gnomon: GnomonProcess, tmp_path: Path) -> None:
    program = require(SYSLOG_NG)
    (port,) = find_free_ports(1)
    config = tmp_path / "syslog-ng.conf"
    config.write_text(_SYSLOG_NG.format(port=port, url=gnomon.url))
    files = [f"--{kind}={tmp_path / kind}" for kind in ("persist-file", "pidfile", "control")]
    shipper = subprocess.Popen([program, "--foreground", f"--cfgfile={config}", *files])
    try:
        wait_for(lambda: _sends(port, "<11>1 2026-01-01T00:00:00Z host cron 7 - - a job failed\n"))
        (line,) = find_lines(gnomon, "service:cron")
    finally:
        shipper.terminate()
        shipper.wait(20)
    assert (line["body"], line["level"]) == ("a job failed", "error")


def _sends(port: int, message: str) -> bool:
    """Send one syslog message over TCP; False while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(message.encode())
    except OSError:
        return False
    return True
