"""What an application with the SDK logs, uses and tells of its users, as a real Gnomon knows it afterwards."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess

DEADLINE_S = 60

APP = """
import logging, subprocess, sys
import structlog
import gnomon

gnomon.setup(service="worker", instrument="none")
log = structlog.get_logger("worker.tasks")

def burn():
    total = 0
    for number in range(2_000_000):
        total += number
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)

@gnomon.task("research", id="t-42", agent_id="scout")
def research():
    log.info("asking the model", input_tokens=12, authorization="Bearer abcdefgh12345678", duration_ms=4.5)
    logging.getLogger("worker.library").warning("slow answer from postgres://app:s3cr3t@db/x")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("cannot divide")
    burn()

log.debug("never seen")
research()
gnomon.track_feature("export", user_id="ada")
gnomon.track_session("s-1", "start", user_id="ada")
gnomon.track_session("s-1", "end")
gnomon.track_api_call("/tasks/{id}", "GET", 200, 0.25, client_id="acme")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    process = GnomonProcess(tmp_path_factory.mktemp("runtime") / "data").start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def written(server: GnomonProcess, journals: Path) -> list[dict[str, Any]]:
    """Run the application once and return the lines that it wrote to standard error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GNOMON_", "OTEL_"))}
    told = {"GNOMON_ENDPOINT": server.otlp_http_url, "GNOMON_JOURNALS": str(journals)}
    answer = subprocess.run(
        [sys.executable, "-c", APP], env=kept | told, capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stderr
    lines = answer.stderr.splitlines()
    # What the SDK says of a slow receiver at the very end comes after logging was given back.
    assert [line for line in lines if not line.startswith(("{", "Gnomon's SDK cannot send"))] == []
    return [json.loads(line) for line in lines if line.startswith("{")]


def _search(server: GnomonProcess, query: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        answer = httpx.get(f"{server.url}/api/logs/search", params={"q": query}, timeout=30, trust_env=False)
        lines: list[dict[str, Any]] = answer.raise_for_status().json()["lines"]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


def test_the_lines_on_disk_and_in_gnomon_are_the_same(server: GnomonProcess, written: list[dict[str, Any]]) -> None:
    asked, slow, failed = written
    assert {line["trace_id"] for line in written} == {asked["trace_id"]}
    assert (asked["task_id"], asked["agent_id"], asked["duration_ms"]) == ("t-42", "scout", 4.5)
    assert asked["authorization"] == "********"
    assert slow["message"] == "slow answer from postgres://app:******@db/x"
    assert (failed["error_type"], failed["error"]) == ("ZeroDivisionError", "division by zero")

    found = {line["body"]: line for line in _search(server, f"trace_id:{asked['trace_id']}", 6)}
    for line in written:
        sent = found[line["message"]]
        assert (sent["trace_id"], sent["span_id"]) == (line["trace_id"], line["span_id"])
        assert (sent["service"], sent["attributes"]["task.id"]) == ("worker", "t-42")
    assert found["asking the model"]["attributes"]["input_tokens"] == 12
    assert found["cannot divide"]["attributes"]["exception.type"] == "ZeroDivisionError"
    assert "never seen" not in found


def test_use_becomes_events(server: GnomonProcess, written: list[dict[str, Any]]) -> None:
    del written
    found = _search(server, "service:worker event_name:usage.*", 4)
    names = sorted(line["event_name"] for line in found)

    assert names == ["usage.api_call", "usage.feature", "usage.session", "usage.session"]


def test_journals_tell_the_task_and_what_it_used(journals: Path, written: list[dict[str, Any]]) -> None:
    steps = [json.loads(line) for line in (journals / "distributed-traces.jsonl").read_text("utf-8").splitlines()]
    [used] = [json.loads(line) for line in (journals / "resource-attribution.jsonl").read_text("utf-8").splitlines()]

    assert [step["event"] for step in steps] == ["task.executing", "task.completed", "span"]
    assert {step["task_id"] for step in steps} == {"t-42"}
    assert {step["trace_id"] for step in steps} == {written[0]["trace_id"]}
    assert used["resource_cpu_seconds"] > 0.05
    assert (used["resource_cpu_precision"], used["resource_memory_precision"]) == ("exact", "shared")
