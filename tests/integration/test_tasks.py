"""Tasks on a real server: told over OTLP, read over the API, by keys that may read content and keys that may not."""

import base64
import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess, run_gnomon
from tests.span_requests import SentSpan, make_span_request
from tests.work_requests import SentEvent, make_event_request

TRACE = "5a" * 16
SECRET = "sk-ant-" + "a1B2" * 8
TASK = {"task.id": "order/17", "task.type": "report", "tenant.id": "acme", "task.queue": "reports", "task.attempt": 1}
USER = [{"role": "user", "parts": [{"type": "text", "content": f"My key is {SECRET}, what is due?"}]}]
ANSWER = [
    {
        "role": "assistant",
        "finish_reason": "tool_call",
        "parts": [{"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"order": 17}}],
    }
]
RANGE = {"from": "now-1h", "to": "now+1h"}


@dataclass(frozen=True)
class Told:
    """A server that was told a story, and clients with a key of each kind."""

    reader: httpx.Client
    content: httpx.Client
    admin: httpx.Client
    queue: Path

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.reader.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("tasks")
    config, data = folder / "gnomon.yml", folder / "data"
    queue = folder / "queue.sqlite"
    config.write_text(
        f"auth: {{required: true}}\nbrokers: ['local=sqlite:///{queue}']\n"
        "costs: {cpu_hour: 3.6, budgets: ['tenant:acme=1/day']}\nown_traces: {enabled: true}\n"
    )
    keys = {}
    for name, scopes in {"reader": ["read"], "content": ["read", "content"], "admin": ["admin"]}.items():
        arguments = [argument for scope in scopes for argument in ("--scope", scope)]
        created = run_gnomon("keys", "create", *arguments, "--name", name, "--data-dir", str(data))
        keys[name] = created.stdout.strip()
    server = GnomonProcess(data, ("--config", str(config)))
    server.spawn()
    clients = {
        name: httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
        for name, key in keys.items()
    }
    try:
        server.wait_until_ready()
        for path, body in _story(time.time_ns() - 120 * 10**9):
            sent = clients["admin"].post(path, content=body, headers={"content-type": "application/x-protobuf"})
            assert sent.status_code == 200, sent.text
        _wait_until_stored(clients["reader"])
        yield Told(**clients, queue=queue)
    finally:
        for client in clients.values():
            client.close()
        server.stop()


def _wait_until_stored(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = client.get("/api/tasks/order/17")
        if answer.is_success and len(answer.json()["journey"]["steps"]) == 3:
            return
        time.sleep(0.2)
    message = "what was sent is not there after a minute"
    raise AssertionError(message)


def _story(start_ns: int) -> Iterator[tuple[str, bytes]]:
    dead = {
        "messaging.system": "sqlite",
        "messaging.destination.name": "reports",
        "dlq.destination": "reports.dlq",
        "dlq.message.headers": json.dumps([["tenant", "acme"], ["traceparent", f"00-{TRACE}-{'2' * 16}-01"]]),
        "error.type": "ValueError",
        "error.stack": 'Traceback:\n  File "w.py", line 7, in work\n',
        "dlq.attempts": 3,
        "dlq.first_failed_at": start_ns / 1e9,
    }
    letters = [
        SentEvent("message.dead_lettered", 1000 + number, {
            **dead, "dlq.id": f"letter-{number}", "task.id": f"dead-{number}",
            "error.message": f"no order {number} in 'x{number}'",
            "dlq.message.body": base64.b64encode(b'{"order": %d}' % number).decode(),
        }, trace=TRACE, span="2" * 16)
        for number in range(3)
    ]  # fmt: skip
    executing = {**TASK, "agent.id": "ada", "agent.trust_score": 0.9}
    yield "/v1/logs", make_event_request([
        SentEvent("task.executing", 300, executing, trace=TRACE, span="2" * 16),
        SentEvent("task.submitted", 0, TASK, "gateway", TRACE, "1" * 16),
        SentEvent("task.queued", 10, TASK, "gateway", TRACE, "1" * 16),
        SentEvent("task.submitted", 400, {"task.id": "sub", "task.type": "lookup", "task.parent_id": "order/17"}),
        SentEvent("task.executing", 410, {"task.id": "sub", "task.type": "lookup", "agent.id": "bob"}),
        SentEvent("task.completed", 500, {"task.id": "sub", "task.type": "lookup", "agent.id": "bob"}),
        SentEvent("task.resources", 500, {"task.id": "sub", "resource.cpu.seconds": 2.0, "agent.id": "bob",
                                          "resource.cpu.precision": "exact"}),
        SentEvent("agent.handed_off", 600, {"task.id": "order/17", "agent.id": "ada", "agent.to_id": "eve"}),
        SentEvent("task.completed", 900, executing, trace=TRACE, span="2" * 16),
        SentEvent("task.resources", 900, {**executing, "resource.cpu.seconds": 1.0, "resource.cpu.precision": "exact"}),
        SentEvent("task.submitted", 0, {"task.id": "waiting", "task.type": "report", "tenant.id": "acme"}),
        SentEvent("gen_ai.user.message", 320, {"content": "Said in a log"}, "chat", TRACE, "3" * 16),
        *letters,
    ], start_ns)  # fmt: skip
    yield "/v1/traces", make_span_request([
        SentSpan(TRACE, "1" * 16, "", "gateway", "POST /tasks", 2, 0, 950_000),
        SentSpan(TRACE, "2" * 16, "1" * 16, "worker", "task report", 5, 300_000, 600_000,
                 attributes={**executing, "task.status": "completed"}),
        SentSpan(TRACE, "3" * 16, "2" * 16, "worker", "chat claude", 3, 310_000, 200_000, attributes={
            **TASK, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.cache_read.input_tokens": 400, "gen_ai.usage.output_tokens": 100,
            "gen_ai.response.finish_reasons": ["tool_call"], "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.request.temperature": 0.5, "gen_ai.input.messages": json.dumps(USER),
            "gen_ai.output.messages": ANSWER, "agent.id": "ada",
        }),
        SentSpan(TRACE, "4" * 16, "2" * 16, "worker", "execute_tool lookup", 1, 520_000, 100_000, attributes={
            **TASK, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup"}),
    ], start_ns)  # fmt: skip


def test_a_task_is_told_whole(told: Told) -> None:
    journey = told.get("/api/tasks/order/17")["journey"]
    task = journey["task"]
    assert (task["state"], task["tenant"], task["agent"], task["trust_score"]) == ("completed", "acme", "ada", 0.9)
    assert [(stage["stage"], stage["wait"], stage["duration_ns"]) for stage in journey["timeline"]] == [
        ("submitted", "submission", 10_000_000),
        ("queued", "queue", 290_000_000),
        ("executing", "", 600_000_000),
        ("completed", "", 0),
    ]
    assert journey["timeline"][1]["explanation"] == "Waited in the queue reports for a worker."
    assert journey["waits_ns"] == {"submission": 10_000_000, "queue": 290_000_000, "execution": 600_000_000}
    assert [step["kind"] for step in journey["steps"]] == ["task", "llm", "tool"]
    assert journey["steps"][1]["counted"]
    assert [child["task_id"] for child in journey["children"]] == ["sub"]
    assert journey["task"]["trace_ids"] == [TRACE]
    assert [(found["from_agent"], found["to_agent"]) for found in journey["hand_offs"]] == [("ada", "eve")]


def test_a_task_has_a_price_with_its_parts(told: Told) -> None:
    cost = told.get("/api/tasks/order/17/cost")
    assert cost == told.get("/api/tasks/order/17")["cost"]
    # 600 fresh, 400 cached, 100 out at 3, 0.3 and 15 dollars a million; a second of CPU is a thousandth of a dollar.
    expected = {"input_nd": 1_800_000, "cached_nd": 120_000, "output_nd": 1_500_000, "cpu_nd": 1_000_000}
    assert {part: cost["own"][part] for part in expected} == expected
    assert cost["total"]["total_nd"] == sum(expected.values()) + 2_000_000
    assert [(child["task_id"], child["total_nd"]) for child in cost["children"]] == [("sub", 2_000_000)]
    assert cost["prices"][0]["source"].startswith("genai-prices ")
    listed = told.get("/api/tasks", **RANGE, type="report", state="completed")["tasks"]
    assert [(row["task"]["task_id"], row["cost"]["total_nd"]) for row in listed] == [("order/17", 4_420_000)]


def test_costs_budgets_and_agents_agree(told: Told) -> None:
    report = told.get("/api/costs", **RANGE, by="agent")
    assert {group["value"]: group["cost"]["total_nd"] for group in report["groups"] if group["value"]} == {
        "ada": 4_420_000, "bob": 2_000_000,
    }  # fmt: skip
    assert report["total"]["total_nd"] == 6_420_000
    [budget] = told.get("/api/costs/budgets")["budgets"]
    assert (budget["amount_nd"], budget["exceeded"]) == (10**9, False)
    assert sum(point["total_nd"] for point in told.get("/api/costs/over-time", **RANGE)["points"]) == 6_420_000
    agents = {found["summary"]["agent"]: found for found in told.get("/api/agents", **RANGE)["agents"]}
    assert agents["ada"]["summary"]["success_share"] == 1.0
    assert agents["ada"]["cost"]["total_nd"] == 4_420_000
    edges = told.get("/api/agents/handoffs", **RANGE)["edges"]
    assert {(edge["from_agent"], edge["to_agent"], edge["kind"]) for edge in edges} == {
        ("ada", "eve", "handoff"), ("ada", "bob", "delegation"),
    }  # fmt: skip
    course = told.get("/api/agents/points", **RANGE)
    places = [(int(point["time_ns"]) - int(course["start_ns"])) / course["step_ns"] for point in course["points"]]
    assert places == [int(place) for place in places]
    assert {point["agent"] for point in course["points"]} >= {"ada", "bob"}


def test_the_command_line_tells_what_a_task_cost(told: Told) -> None:
    token = told.reader.headers["authorization"].removeprefix("Bearer ")
    said = run_gnomon("cost", "order/17", "--url", str(told.reader.base_url), "--key", token)
    assert said.returncode == 0, said.stderr
    assert "0.006420" in said.stdout
    assert "sub" in said.stdout
    missing = run_gnomon("cost", "nobody", "--url", str(told.reader.base_url), "--key", token)
    assert (missing.returncode, "nobody" in missing.stderr) == (1, True)


def test_running_tasks_are_seen(told: Told) -> None:
    running = {found["task"]["task_id"]: found for found in told.get("/api/tasks/running")["tasks"]}
    assert running["waiting"]["task"]["state"] == "submitted"
    assert running["waiting"]["forecast"]["samples"] == 1
    assert "order/17" not in running


def test_tasks_are_broken_down_and_found_by_trace(told: Told) -> None:
    counts = told.get("/api/tasks/counts", **RANGE)
    assert {kind["type"]: kind["tasks"] for kind in counts["kinds"]}["report"] == 2
    found = told.get(f"/api/tasks/of-trace/{TRACE}")["tasks"]
    assert "order/17" in [task["task_id"] for task in found]


def test_a_conversation_is_shown_to_whoever_may_read_it(told: Told) -> None:
    path = f"/api/llm/spans/{TRACE}/{'3' * 16}"
    shown = told.content.get(path).json()
    assert shown["content"] == "shown"
    said, called = shown["messages"]
    # Secrets are masked before anything is stored, in messages as everywhere.
    assert SECRET not in json.dumps(shown)
    assert said["parts"][0]["text"].endswith(", what is due?")
    assert (called["role"], called["finish_reason"]) == ("assistant", "tool_call")
    assert called["parts"] == [{"kind": "tool_call", "name": "lookup", "id": "c1", "text": '{"order": 17}'}]
    span = shown["span"]
    assert (span["model"], span["first_token_ns"], span["finish_reason"]) == (
        "claude-sonnet-4-5",
        250_000_000,
        "tool_call",
    )
    assert shown["parameters"] == {"temperature": "0.5"}
    hidden = told.reader.get(path).json()
    assert (hidden["content"], hidden["messages"], hidden["span"]) == ("forbidden", [], span)
    details = f"/api/tracing/trace/{TRACE}/spans/{'3' * 16}"
    assert "what is due" in told.content.get(details).text
    assert "what is due" not in told.reader.get(details).text
    assert "what is due" not in told.reader.get(f"/api/traces/{TRACE}").text
    assert "what is due" in told.content.get(f"/api/traces/{TRACE}").text
    lines = {"q": f"trace_id:{TRACE} service:chat", **RANGE}
    for path in ("/api/logs/search", "/api/logs/export"):
        assert "Said in a log" in told.content.get(path, params=lines).text
        assert "Said in a log" not in told.reader.get(path, params=lines).text
    assert told.reader.get("/api/logs/fields/gen_ai.prompt/values", params=RANGE).status_code == 403


def test_dead_letters_are_clustered_and_inspected(told: Told) -> None:
    [cluster] = told.get("/api/dead-letters", **RANGE)["clusters"]
    assert (cluster["letters"], cluster["error_type"], cluster["error_shape"]) == (3, "ValueError", "no order … in …")
    assert sum(cluster["counts"]) == 3
    letters = told.get("/api/dead-letters/letters", **RANGE, fingerprint=cluster["fingerprint"])["letters"]
    assert [letter["id"] for letter in letters] == ["letter-2", "letter-1", "letter-0"]
    opened = told.content.get("/api/dead-letters/letters/letter-0").json()
    assert (opened["body"], opened["replayable"], opened["brokers"]) == ('{"order": 0}', True, ["local"])
    assert opened["headers"][0] == ["tenant", "acme"]
    hidden = told.reader.get("/api/dead-letters/letters/letter-0").json()
    assert (hidden["content"], hidden["body"], hidden["body_base64"]) == ("forbidden", None, "")
    assert told.get("/api/tasks/dead-0")["journey"]["task"]["state"] == "dead_lettered"


def test_dead_letters_are_replayed_edited_and_discarded_by_admins(told: Told) -> None:
    refused = told.content.post("/api/dead-letters/replay", json={"ids": ["letter-0"]})
    assert refused.status_code == 403
    asked = {"ids": ["letter-0", "letter-1"], "canary": 1, "automatic": False}
    batch = told.admin.post("/api/dead-letters/replay", json=asked).json()
    assert [letter["outcome"] for letter in batch["letters"]] == ["sent", "waiting"]
    assert batch["status"] == "watching"
    assert len(batch["letters"][0]["trace_id"]) == 32
    assert batch["letters"][0]["trace_id"] != TRACE
    assert _queued(told.queue) == [b'{"order": 0}']
    _check_replay_is_linked(told, batch["letters"][0]["trace_id"])
    done = told.admin.post(f"/api/dead-letters/replays/{batch['id']}/continue").json()
    assert done["status"] == "done"
    assert told.admin.post("/api/dead-letters/replay", json={"ids": ["letter-1"]}).status_code == 409
    assert told.admin.post("/api/dead-letters/replay", json={"ids": ["nobody"]}).status_code == 404
    edited = {"ids": ["letter-2"], "body": '{"order": 99}'}
    assert told.admin.post("/api/dead-letters/replay", json=edited).json()["status"] == "done"
    assert _queued(told.queue) == [b'{"order": 0}', b'{"order": 1}', b'{"order": 99}']
    told.admin.post("/api/dead-letters/reopen", json={"ids": ["letter-2"]}).raise_for_status()
    told.admin.post("/api/dead-letters/discard", json={"ids": ["letter-2"], "note": "stale"}).raise_for_status()
    letters = told.get("/api/dead-letters/letters", **RANGE)["letters"]
    assert {letter["id"]: letter["status"] for letter in letters} == {
        "letter-0": "replayed", "letter-1": "replayed", "letter-2": "discarded",
    }  # fmt: skip
    actions = told.get("/api/dead-letters/audit")["actions"]
    assert [action["action"] for action in actions] == [
        "discard", "reopen", "replay", "replay", "continue", "replay",
    ]  # fmt: skip
    assert all(action["actor"].startswith("admin (") for action in actions)
    assert json.loads(actions[-1]["details"])["replayed_trace_id"] == TRACE


def _check_replay_is_linked(told: Told, trace_id: str) -> None:
    deadline = time.monotonic() + 30
    while not (answer := told.reader.get(f"/api/tracing/trace/{trace_id}")).is_success:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.3)
    [step] = answer.json()["steps"]
    details = told.get(f"/api/tracing/trace/{trace_id}/spans/{step['span_id']}")
    assert [link["trace_id"] for link in details["links"]] == [TRACE]


def _queued(path: Path) -> list[bytes]:
    with sqlite3.connect(path) as connection:
        return [bytes(row[0]) for row in connection.execute("SELECT body FROM gnomon_message ORDER BY id")]


def test_a_call_is_priced_as_totals_hold_it(told: Told) -> None:
    call = told.get(f"/api/llm/spans/{TRACE}/{'3' * 16}/cost")
    assert call["counted"]
    assert call["price"]["model"] == "claude-sonnet-4-5"
    (of_model,) = (
        group for group in told.get("/api/tasks/order/17/cost")["by_model"] if group["value"] == "claude-sonnet-4-5"
    )
    assert call["cost"] == of_model["cost"]


def test_only_a_running_task_has_a_forecast(told: Told) -> None:
    assert told.get("/api/tasks/order/17")["forecast"] is None
    assert told.get("/api/tasks/waiting")["forecast"]["elapsed_ns"] >= 100 * 10**9
