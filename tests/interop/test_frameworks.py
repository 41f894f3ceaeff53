"""Agent frameworks as people install them: their runs are tasks with steps, tools, tokens and a price."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess
from tests.peers.fixtures import require
from tests.peers.installation import LANGGRAPH, OPENAI_AGENTS, PYDANTIC_AI, PYDANTIC_AI_1, PythonPeer

REPOSITORY = Path(__file__).resolve().parents[2]
PRICED = "gpt-4o-mini"
OWN = "tiny-markov-1"
# Dollars a million tokens, which are nanodollars a thousandth of a token: of a model of one's own, in and out.
OWN_INPUT_ND, OWN_OUTPUT_ND = 2_000, 8_000
RUN_TIMEOUT_S = 240
STORED_WITHIN_S = 60


@dataclass(frozen=True)
class FrameworkRun:
    """One program of a framework: its service, what to call it with, and how many tasks it is to show as."""

    service: str
    peer: PythonPeer
    arguments: Sequence[str]
    runs: int


RUNS = (
    FrameworkRun("pydantic-5", PYDANTIC_AI, ["--model", OWN, "--format", "5"], 4),
    FrameworkRun("pydantic-2", PYDANTIC_AI, ["--model", PRICED, "--format", "2"], 4),
    FrameworkRun("pydantic-1-logs", PYDANTIC_AI_1, ["--model", OWN, "--events", "logs"], 1),
    FrameworkRun("langgraph-oi", LANGGRAPH, ["--model", OWN, "--instrumentation", "openinference"], 3),
    FrameworkRun("langgraph-ll", LANGGRAPH, ["--model", OWN, "--instrumentation", "openllmetry"], 3),
    FrameworkRun("openai-agents", OPENAI_AGENTS, ["--model", PRICED], 3),
)


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    folder = tmp_path_factory.mktemp("frameworks")
    config = folder / "gnomon.yml"
    config.write_text(f"costs: {{models: ['{OWN}=2/8']}}\n")
    server = GnomonProcess(folder / "data", ("--config", str(config))).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def model_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the sample system's model."""
    command = [sys.executable, "-m", "examples.agent_platform.model", "--state-dir", tmp_path_factory.mktemp("model")]
    environment = os.environ | {"OTEL_SDK_DISABLED": "true"}
    process = subprocess.Popen(
        [*map(str, command), "--alias", PRICED], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(30)
    process.stdout.close()


@pytest.fixture(scope="module")
def ran(gnomon: GnomonProcess, model_url: str) -> dict[str, list[dict[str, Any]]]:
    """Run every program that is installed, two at a time, and return their tasks by service."""
    chosen = [run for run in RUNS if run.peer.find() is not None]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_run, run, gnomon, model_url) for run in chosen]:
            done.result()
    return {run.service: _wait_for_tasks(gnomon, run) for run in chosen}


def _run(run: FrameworkRun, gnomon: GnomonProcess, model_url: str) -> None:
    python = require(run.peer)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "GNOMON_"))} | {
        "OTEL_SERVICE_NAME": run.service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": gnomon.otlp_http_url,
        "OPENAI_BASE_URL": f"{model_url}/v1",
        "OPENAI_API_KEY": "none",
    }
    command = [str(python), str(run.peer.script), *run.arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _ask(gnomon: GnomonProcess, path: str, **parameters: Any) -> Any:
    answer = httpx.get(f"{gnomon.url}{path}", params=parameters, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _wait_for_tasks(gnomon: GnomonProcess, run: FrameworkRun) -> list[dict[str, Any]]:
    """Return the stories of the program's tasks once all are there and have ended."""
    deadline = time.monotonic() + STORED_WITHIN_S
    while True:
        listed = [one["task"] for one in _ask(gnomon, "/api/tasks", **{"from": "now-1h", "limit": 100})["tasks"]]
        mine = [task for task in listed if run.service in task["services"]]
        if len(mine) == run.runs and all(task["ended"] for task in mine):
            break
        assert time.monotonic() < deadline, [(task["task_id"], task["type"], task["state"]) for task in mine]
        time.sleep(0.5)
    return [_ask(gnomon, f"/api/tasks/{task['task_id']}") for task in mine]


def _stories(ran: dict[str, list[dict[str, Any]]], service: str) -> list[dict[str, Any]]:
    run = next(run for run in RUNS if run.service == service)
    require(run.peer)
    return ran[service]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.service)
def test_each_run_is_a_task_with_its_agent_tool_tokens_and_price(
    run: FrameworkRun, ran: dict[str, list[dict[str, Any]]]
) -> None:
    stories = _stories(ran, run.service)
    with_tool = [story for story in stories if any(step["tool"] == "add" for step in story["journey"]["steps"])]
    assert with_tool, "no run shows that the tool was called"
    for story in with_tool:
        journey, cost = story["journey"], story["cost"]
        assert journey["task"]["state"] == "completed"
        assert "adder" in {step["agent"] for step in journey["steps"]}
        calls = [step for step in journey["steps"] if step["kind"] == "llm" and step["counted"]]
        assert len(calls) >= 2, "one call asks for the tool, one answers"
        assert {step["model"] for step in calls} <= {OWN, PRICED}
        tokens = [(step["input_tokens"], step["cached_tokens"], step["output_tokens"]) for step in calls]
        assert all(given > 0 for given, _cached, _out in tokens)
        assert cost["total"]["complete"] is True
        assert cost["total"]["unpriced_calls"] == 0
        if {step["model"] for step in calls} == {OWN}:
            # A price of one's own without one for cached input: all input costs the same.
            assert cost["total"]["llm_nd"] == sum(
                given * OWN_INPUT_ND + out * OWN_OUTPUT_ND for given, _cached, out in tokens
            )
        else:
            assert cost["total"]["llm_nd"] > 0


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.service)
def test_the_conversation_of_a_call_can_be_read(
    run: FrameworkRun, gnomon: GnomonProcess, ran: dict[str, list[dict[str, Any]]]
) -> None:
    """The question, the call of the tool, its result and the answer are messages, whoever wrote them down."""
    said: set[tuple[str, str]] = set()
    for story in _stories(ran, run.service):
        for step in story["journey"]["steps"]:
            if step["kind"] == "llm":
                opened = _ask(gnomon, f"/api/llm/spans/{step['trace_id']}/{step['span_id']}")
                for message in opened["messages"]:
                    said |= {(message["direction"], part["kind"]) for part in message["parts"]}
                    texts = " ".join(part["text"] for part in message["parts"])
                    if message["role"] == "user" and "add 17 and 25" in texts:
                        said.add(("asked", "question"))
                    if any(part["kind"] == "tool_result" and "42" in part["text"] for part in message["parts"]):
                        said.add(("told", "result"))
    assert {("asked", "question"), ("output", "tool_call"), ("told", "result"), ("output", "text")} <= said


@pytest.mark.parametrize("service", ["langgraph-oi", "openai-agents"])
def test_a_hand_off_from_one_agent_to_another_is_one(service: str, ran: dict[str, list[dict[str, Any]]]) -> None:
    handed = [
        (hand_off["from_agent"], hand_off["to_agent"])
        for story in _stories(ran, service)
        for hand_off in story["journey"]["hand_offs"]
    ]
    assert ("desk", "adder") in handed
