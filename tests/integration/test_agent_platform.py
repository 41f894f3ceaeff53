"""The sample agent platform, started for real, as a real Gnomon sees it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import websockets
from typer.testing import CliRunner

from examples.agent_platform.incidents import failing_file_store, poison_messages
from examples.agent_platform.launcher import Platform, PlatformSettings
from examples.agent_platform.personas import UNLUCKY_PATTERN
from examples.agent_platform.tenants import read_tenants
from gnomon.cli import app
from gnomon.sdk.metrics.catalog import COLLECTED, METRICS
from tests.gnomon_process import GnomonProcess

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
# What only a fault of the SDK or a flood of label values would bring about.
NEVER_SEEN_WHEN_ALL_IS_WELL = {"gnomon_sdk_faults_total", "gnomon_sdk_label_overflows_total"}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"Waited {PATIENCE_S} s in vain until {what}"
        time.sleep(0.1)


class Watched:
    """The platform, and Gnomon that it reports to."""

    def __init__(self, platform: Platform, gnomon: GnomonProcess) -> None:
        self.platform = platform
        self.gnomon = gnomon
        self.keys = {name: tenant.key for name, tenant in read_tenants(platform.settings.state_dir).items()}
        self.gateway = platform.urls["gateway"]

    def ask(self, path: str, **parameters: str) -> Any:
        return httpx.get(f"{self.gnomon.url}{path}", params=parameters, timeout=30.0).json()

    def post(
        self, task_type: str, *, tenant: str = "acme", more: dict[str, Any] | None = None, **arguments: Any
    ) -> Any:
        document = {"type": task_type, "arguments": arguments, "session_id": "s-1", "persona_id": "tester"}
        headers = {"Authorization": f"Bearer {self.keys.get(tenant, tenant)}"}
        return httpx.post(f"{self.gateway}/tasks", json=document | (more or {}), headers=headers, timeout=30.0)

    def submit(self, task_type: str, **arguments: Any) -> str:
        response = self.post(task_type, **arguments)
        assert response.status_code == 202, response.text
        task_id: str = response.json()["id"]
        return task_id

    def wait_for(self, task_id: str) -> dict[str, Any]:
        """Return the task as the gateway shows it once it has ended."""
        headers = {"Authorization": f"Bearer {self.keys['acme']}"}
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            url = f"{self.gateway}/tasks/{task_id}?wait=10"
            found.update(httpx.get(url, headers=headers, timeout=30.0).json())
            return found["final"] is True

        wait_until(has_ended, f"task {task_id} has ended")
        return found

    def story(self, task_id: str, state: str) -> dict[str, Any]:
        """Return what Gnomon tells of a task once it knows its end."""
        found: dict[str, Any] = {}

        def is_told() -> bool:
            found.update(self.ask(f"/api/tasks/{task_id}").get("journey", {}))
            return bool(found.get("task", {}).get("state") == state)

        wait_until(is_told, f"Gnomon tells that task {task_id} {state}")
        return found

    def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """Return a trace's spans with `service` and `parent`."""
        answer = self.ask(f"/api/traces/{trace_id}")
        if not answer.get("data"):
            return []
        trace = answer["data"][0]
        return [
            span
            | {
                "service": trace["processes"][span["processID"]]["serviceName"],
                "parent": next((ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"), None),
            }
            for span in trace["spans"]
        ]

    def chain_to(self, trace_id: str, name: str) -> list[tuple[str, str]]:
        """Return services and names from the root to a span, once the trace is whole."""
        spans: list[dict[str, Any]] = []

        def is_whole() -> bool:
            spans[:] = self.spans(trace_id)
            ids = {span["spanID"] for span in spans}
            named = any(span["operationName"] == name for span in spans)
            return named and all(span["parent"] in ids for span in spans if span["parent"])

        wait_until(is_whole, f"the trace with {name!r} is whole")
        by_id = {span["spanID"]: span for span in spans}
        span: dict[str, Any] | None = next(one for one in spans if one["operationName"] == name)
        found = []
        while span is not None:
            found.append((span["service"], span["operationName"]))
            span = by_id.get(span["parent"] or "")
        return found[::-1]

    def converse(self, text: str) -> dict[str, Any]:
        async def take_turn() -> dict[str, Any]:
            url = f"{self.gateway.replace('http', 'ws', 1)}/conversations?key={self.keys['acme']}"
            async with websockets.connect(url) as socket:
                await socket.send(text)
                async with asyncio.timeout(PATIENCE_S):
                    answer: dict[str, Any] = json.loads(await socket.recv())
                return answer

        return asyncio.run(take_turn())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    gnomon = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data").start()
    settings = PlatformSettings(endpoint=gnomon.url, state_dir=tmp_path_factory.mktemp("platform"))
    try:
        with Platform(settings) as platform:
            yield Watched(platform, gnomon)
    finally:
        gnomon.stop()


def trace_of(story: dict[str, Any]) -> str:
    trace_id: str = story["task"]["trace_ids"][0]
    return trace_id


EXPECTED_CHAIN = [
    ("gateway", "POST /tasks"),
    ("gateway", "POST"),
    ("router", "POST /tasks/{task_id}"),
    ("router", "send {topics}.interactive"),
    ("conversation-worker", "process {topics}.interactive"),
    ("conversation-worker", "task answer"),
    ("conversation-worker", "invoke_agent librarian"),
    ("conversation-worker", "POST"),
    ("tool-executor", "POST /tools/{tool}"),
    ("tool-executor", "execute_tool search"),
    ("tool-executor", "score documents"),
]


def expect_one_trace(watched: Watched, question: str) -> dict[str, Any]:
    """From the gateway through router, queue and worker to the tool's own steps there is one unbroken chain."""
    task_id = watched.submit("answer", question=question)
    assert watched.wait_for(task_id)["status"] == "completed"
    story = watched.story(task_id, "completed")
    topics = watched.platform.settings.topics
    expected = [(service, name.replace("{topics}", topics)) for service, name in EXPECTED_CHAIN]
    assert watched.chain_to(trace_of(story), "score documents") == expected
    assert watched.chain_to(trace_of(story), "decode")[-2:] == [
        ("model", "POST /v1/chat/completions"),
        ("model", "decode"),
    ]
    return story


def test_one_trace_spans_all_services_with_each_parent_in_the_caller(watched: Watched) -> None:
    """The task's story has its tokens, its agent and its tenant."""
    task = expect_one_trace(watched, "what is the method resolution order of a class")["task"]
    assert (task["type"], task["tenant"], task["attempts"]) == ("answer", "acme", 1)
    assert task["agent"] in {"librarian-1", "librarian-2"}
    assert task["resources"]["cpu_s"] > 0
    assert 0.5 < task["trust_score"] < 1


def test_a_visitor_converses_and_the_model_calls_tools(watched: Watched) -> None:
    """What is said over the WebSocket is a task: model, tool, model."""
    answer = watched.converse("Please calculate 12 * 12 for me")
    assert answer["status"] == "completed"
    assert answer["result"]["tools"] == ["calculator"]
    assert "144" in answer["result"]["answer"]


def test_a_report_hands_its_chapters_to_other_agents(watched: Watched) -> None:
    """Chapters are tasks of their own below the report, and the result is drawn on a canvas."""
    task_id = watched.submit("report", topics=["exceptions", "mappings"])
    result = watched.wait_for(task_id)["result"]
    assert httpx.get(f"{watched.platform.urls['canvas']}/canvases/{result['canvas']}").json()["blocks"]
    story = watched.story(task_id, "completed")
    children = watched.ask("/api/tasks", parent=task_id)["tasks"]
    assert {one["task"]["type"] for one in children} == {"chapter"}
    assert len(children) == 2
    assert story["task"]["chain"]


def test_a_division_by_zero_fails_the_task(watched: Watched) -> None:
    """Nothing is tried again; the tool's own error is told."""
    task_id = watched.submit("calculate", expression="1 / 0")
    assert watched.wait_for(task_id)["status"] == "failed"
    task = watched.story(task_id, "failed")["task"]
    assert (task["attempts"], "ZeroDivisionError" in task["error_message"]) == (1, True)


def test_a_tool_that_never_ends_is_stopped_and_its_task_dead_lettered(watched: Watched) -> None:
    """Three attempts in one trace, then the message lies in the dead letter queue, and Gnomon shows it."""
    task_id = watched.submit("extract", pattern=UNLUCKY_PATTERN, document="types.txt")
    assert watched.wait_for(task_id)["status"] == "dead_lettered"
    task = watched.story(task_id, "dead_lettered")["task"]
    assert (task["attempts"], len(task["trace_ids"])) == (3, 1)

    def is_shown() -> bool:
        letters = watched.ask("/api/dead-letters/letters")["letters"]
        return any(letter["task_id"] == task_id for letter in letters)

    wait_until(is_shown, "the dead letter is shown")


def test_poison_is_dead_lettered_at_once(watched: Watched) -> None:
    """What is no task at all is not tried again."""
    over = threading.Event()
    poisoning = threading.Thread(target=poison_messages, args=(watched.platform.surroundings, over))
    poisoning.start()

    def is_shown() -> bool:
        letters = watched.ask("/api/dead-letters/letters")["letters"]
        return any("RejectedError" in letter["error_type"] for letter in letters)

    try:
        wait_until(is_shown, "poison is shown among dead letters")
    finally:
        over.set()
        poisoning.join()


def test_calls_are_retried_while_the_file_store_is_away(watched: Watched) -> None:
    """The task succeeds once the store is back."""
    over = threading.Event()
    incident = threading.Thread(target=failing_file_store, args=(watched.platform.surroundings, over))
    incident.start()
    try:
        wait_until((watched.platform.settings.state_dir / "files").is_file, "the folder is away")
        task_id = watched.submit("answer", question="what are descriptors")
        log = watched.platform.settings.state_dir / "logs"
        wait_until(
            lambda: any(
                task_id in line and "Retry" in line
                for path in log.glob("worker-*.log")
                for line in path.read_text().splitlines()
            ),
            "a retry is logged",
        )
    finally:
        over.set()
        incident.join()
    assert watched.wait_for(task_id)["status"] == "completed"


def test_what_is_not_allowed_is_refused(watched: Watched) -> None:
    """Unknown keys, what policies deny, what is no task, and a budget that is spent."""
    assert watched.post("calculate", tenant="nobody", expression="1").status_code == 401
    assert watched.post("report", tenant="hooli", topics=["scopes"]).status_code == 403
    assert watched.post("sing").status_code == 422
    barred = watched.post("expense", tenant="umbrella", account="travel", amount="1")
    assert "PolicyError" in watched.wait_for(barred.json()["id"])["error"]

    def is_spent() -> bool:
        answer = watched.post("answer", tenant="hooli", question="how does slicing of sequences work")
        if answer.status_code == 202:
            watched.wait_for(answer.json()["id"])
        return bool(answer.status_code == 402)

    wait_until(is_spent, "the tenant's budget is spent")


def test_a_task_that_has_no_time_left_times_out(watched: Watched) -> None:
    """Whatever its agent does then."""
    answer = watched.post("answer", question="what does the global statement do", more={"timeout_s": 0.01})
    assert watched.wait_for(answer.json()["id"])["status"] == "timed_out"
    watched.story(answer.json()["id"], "timed_out")


def test_every_metric_of_the_catalogue_can_be_asked_for(watched: Watched) -> None:
    """By PromQL, with all of its labels, from what the tests before this one made happen."""
    wanted = {metric.name: metric for metric in (*METRICS, *COLLECTED)}
    missing = set(wanted) - NEVER_SEEN_WHEN_ALL_IS_WELL

    def is_complete() -> bool:
        names = "|".join(name + ("_count" if wanted[name].kind == "histogram" else "") for name in sorted(missing))
        found = watched.ask("/api/v1/query", query=f'last_over_time({{__name__=~"{names}"}}[10m])')["data"]["result"]
        for labels in (series["metric"] for series in found):
            name = labels["__name__"].removesuffix("_count")
            # A label that is empty is none.
            if name in wanted and set(wanted[name].labels) <= set(labels) | {"error"}:
                missing.discard(name)
        return not missing

    try:
        wait_until(is_complete, "every metric is there")
    finally:
        assert missing == set()
    assert float(watched.ask("/api/v1/query", query="sum(llm_tokens_total)")["data"]["result"][0]["value"][1]) > 100
    targets = {url: httpx.get(f"{url}/metrics").text for url in watched.platform.urls.values()}
    assert all("process_cpu_seconds_total" in text for text in targets.values())


def test_a_killed_worker_is_replaced(watched: Watched) -> None:
    """The launcher starts another one, and tasks go on."""
    platform = watched.platform
    (victim, *_rest) = platform.list_pids("worker")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in platform.list_pids("worker"), "the worker is gone")

    def is_replaced() -> bool:
        platform.restart_dead()
        return len(platform.list_pids("worker")) == 2

    wait_until(is_replaced, "the worker is replaced")
    assert watched.wait_for(watched.submit("calculate", expression="1 + 1"))["result"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_launcher(tmp_path: Path, number: signal.Signals) -> None:
    """However the launcher ends, and though nobody receives its telemetry, all services end with it.

    While it runs, incidents can be asked for by the command line.
    """
    command = [
        sys.executable,
        "examples/agent_platform/run.py",
        *("--endpoint", "http://127.0.0.1:9", "--state-dir", str(tmp_path / "platform")),
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as launcher:
        assert launcher.stderr is not None
        assert any("running; gateway at" in line for line in launcher.stderr)
        services = psutil.Process(launcher.pid).children(recursive=True)
        assert len(services) >= 11
        wait_until((tmp_path / "platform" / "control.json").exists, "incidents can be asked for")
        asked = ["demo", "incident", "--data-dir", str(tmp_path), "--for", "0.1"]
        assert CliRunner().invoke(app, [*asked, "slow-tool"]).exit_code == 0
        assert "Use one of crashing-workers" in CliRunner().invoke(app, [*asked, "earthquake"]).stderr
        launcher.send_signal(number)
        assert launcher.wait(PATIENCE_S) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    _gone, alive = psutil.wait_procs(services, timeout=PATIENCE_S)
    assert alive == []
    logs = [log.read_text() for log in (tmp_path / "platform" / "logs").glob("*.log")]
    assert not any(line.startswith("Traceback") for log in logs for line in log.splitlines())
