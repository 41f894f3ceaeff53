"""Applications with the SDK, as processes of their own, and what a real Gnomon knows of them afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess, find_free_ports

DEADLINE_S = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    process = GnomonProcess(tmp_path_factory.mktemp("sdk") / "data").start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def api(server: GnomonProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as client:
        yield client


def environment(server: GnomonProcess) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GNOMON_", "OTEL_"))}
    return kept | {"GNOMON_ENDPOINT": server.otlp_http_url}


def run(server: GnomonProcess, code: str) -> subprocess.CompletedProcess[str]:
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(server), capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "could not" not in answer.stderr, answer.stderr
    return answer


def eventually(find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = find()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def spans_of(api: httpx.Client, service: str, at_least: int = 1) -> list[dict[str, Any]]:
    def find() -> list[dict[str, Any]]:
        answer = api.get("/api/traces", params={"service": service, "limit": 200})
        spans = [span for trace in answer.json()["data"] or [] for span in trace["spans"]]
        return spans if len(spans) >= at_least else []

    found: list[dict[str, Any]] = eventually(find)
    return found


def tags_of(span: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def metric(api: httpx.Client, query: str) -> list[float]:
    answer = api.get("/api/v1/query", params={"query": query})
    return [float(series["value"][1]) for series in answer.json()["data"]["result"]]


def log_lines(api: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = api.get("/api/logs/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()["lines"]
    return lines


def test_two_lines_in_an_app_give_it_spans_events_logs_and_metrics(server: GnomonProcess, api: httpx.Client) -> None:
    run(
        server,
        """
import gnomon
gnomon.setup(service="shop")

import logging
from fastapi import FastAPI
from fastapi.testclient import TestClient
app = FastAPI()

@app.get("/items/{number}")
async def item(number: int):
    with gnomon.task("price"):
        logging.getLogger("shop").warning("looked at %s", number)
    return {"share": 100 // number}

client = TestClient(app, raise_server_exceptions=False)
assert client.get("/items/4").json() == {"share": 25}
assert client.get("/items/0").status_code == 500
""",
    )
    spans = spans_of(api, "shop", 4)
    assert sorted(span["operationName"] for span in spans) == [
        "GET /items/{number}", "GET /items/{number}", "task price", "task price",
    ]  # fmt: skip
    requests = {tags["http.response.status_code"]: tags for span in spans if "url.path" in (tags := tags_of(span))}
    assert requests[200]["http.route"] == "/items/{number}"
    assert requests[500]["error.type"] == "ZeroDivisionError"
    by_id = {span["spanID"]: span for span in spans}
    task = next(span for span in spans if span["operationName"] == "task price")
    assert by_id[task["references"][0]["spanID"]]["operationName"] == "GET /items/{number}"

    assert eventually(
        lambda: metric(api, 'http_requests_total{job="shop",endpoint="/items/{number}",status="200"}')
    ) == [1.0]
    assert metric(api, 'sum(http_request_duration_seconds_count{job="shop"})') == [2.0]
    assert metric(api, 'tasks_total{job="shop",type="price",status="completed"}') == [2.0]
    assert metric(api, 'gnomon_sdk_faults_total{job="shop"}') == []

    lines = eventually(lambda: log_lines(api, "service:shop looked at"))
    assert {line["body"] for line in lines} == {"looked at 4", "looked at 0"}
    events = log_lines(api, "service:shop task.id:*")
    assert {"task.submitted", "task.executing", "task.resources", "task.completed"} <= {
        line["event_name"] for line in events
    }
    assert {line["trace_id"] for line in lines} == {span["traceID"] for span in spans}


def test_every_process_of_a_forking_server_tells_its_own(server: GnomonProcess, api: httpx.Client) -> None:
    """Pre-fork servers set up before they fork; a child of multiprocessing ends without atexit."""
    run(
        server,
        """
import multiprocessing, os, time
import gnomon
gnomon.setup(service="forking", instrument="none", logs=False)
with gnomon.task("parent"):
    pass

def work(number):
    with gnomon.task("child"):
        pass

child = os.fork()
if child == 0:
    work(0)
    assert gnomon.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
context = multiprocessing.get_context("fork")
children = [context.Process(target=work, args=(number,)) for number in range(3)]
for process in children:
    process.start()
for process in children:
    process.join()
    assert process.exitcode == 0
""",
    )
    spans = spans_of(api, "forking", 5)
    assert sorted(span["operationName"] for span in spans) == ["task child"] * 4 + ["task parent"]
    assert len({span["traceID"] for span in spans}) == 5
    counts = eventually(lambda: c if len(c := metric(api, 'tasks_total{job="forking",type="child"}')) == 4 else None)
    assert counts == [1.0] * 4
    assert metric(api, 'tasks_total{job="forking",type="parent"}') == [1.0]


@pytest.mark.parametrize(("handler", "code"), [("", -signal.SIGTERM), ("exit", 7)])
def test_sigterm_sends_what_waits_and_then_does_what_it_did_before(
    server: GnomonProcess, api: httpx.Client, handler: str, code: int
) -> None:
    service = f"terminated-{handler or 'default'}"
    program = f"""
import os, signal, sys, time
if {handler!r}:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
import gnomon
os.environ["GNOMON_SEND_INTERVAL_S"] = "60"
gnomon.setup(service={service!r}, instrument="none", logs=False)
with gnomon.task("last"):
    pass
print("ready", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(server), stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(20) == code
    assert [span["operationName"] for span in spans_of(api, service)] == ["task last"]
    assert eventually(lambda: metric(api, f'tasks_total{{job="{service}"}}')) == [1.0]


def test_an_event_loop_after_another_is_no_matter(server: GnomonProcess, api: httpx.Client) -> None:
    run(
        server,
        """
import asyncio, gnomon
gnomon.setup(service="loops", instrument="none", logs=False)

@gnomon.task("turn")
async def turn():
    await asyncio.sleep(0)

for _ in range(3):
    asyncio.run(turn())
gnomon.shutdown()
gnomon.setup(service="loops-again", instrument="none", logs=False)
asyncio.run(turn())
""",
    )
    assert len(spans_of(api, "loops", 3)) == 3
    assert len(spans_of(api, "loops-again")) == 1


def test_an_unreachable_gnomon_neither_stops_nor_delays_the_application(tmp_path: Path) -> None:
    (port,) = find_free_ports(1)
    code = """
import time, gnomon
gnomon.setup(service="alone", instrument="none")
started = time.perf_counter()
for _ in range(300):
    with gnomon.task("t"):
        pass
print(time.perf_counter() - started)
"""
    started = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "GNOMON_ENDPOINT": f"http://127.0.0.1:{port}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert answer.returncode == 0
    assert float(answer.stdout) < 3
    assert time.monotonic() - started < 25
    assert "cannot send" in answer.stderr


def test_a_disabled_sdk_sends_nothing(server: GnomonProcess, api: httpx.Client) -> None:
    run(
        server,
        """
import os
os.environ["OTEL_SDK_DISABLED"] = "true"
import gnomon
gnomon.setup(service="disabled")
with gnomon.task("t") as task:
    assert task.trace_id == ""
gnomon.counter("tasks_total").labels("a", "b", "c").inc()
gnomon.emit("task.submitted", {"task.id": "x"})
assert gnomon.flush()
""",
    )
    assert "disabled" not in api.get("/api/services").json()["data"]
