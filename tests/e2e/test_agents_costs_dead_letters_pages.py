"""Agents, costs and dead letters; dead letters of a real consumer on the embedded queue, replayed for real."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.gnomon_process import GnomonProcess
from tests.span_requests import SentSpan, make_span_request
from tests.work_requests import SentEvent, make_event_request

AGENTS = ("planner", "researcher", "writer", "critic")
TENANTS = ("acme", "globex", "initech")
TASKS = 36
LETTERS = 4
# The engine answers a page's questions one after the other where it has a fraction of a core.
PATIENCE_MS = 60_000
WEEK_NS = 7 * 86_400 * 10**9

# Fails on every order without a price; what it knows at last is what the environment says.
CONSUMER = """
import asyncio, os, sys
import gnomon
from gnomon.messaging import Consumer, Publisher, RetryPolicy

gnomon.setup(service="billing", metrics="none")

async def main():
    async with await Publisher.connect(sys.argv[1]) as publisher:
        for number in range(int(os.environ["PUBLISH"])):
            body = b'{"order": %d}' % number
            await publisher.send("orders", body, key=str(number), headers={"origin": "shop"})
    left = int(os.environ["STOP_AFTER"])

    async def charge(delivery):
        nonlocal left
        left -= 1
        if left == 0:
            asyncio.get_running_loop().call_later(0.2, consumer.stop)
        if os.environ["PRICES"] == "none" or b"broken" in delivery.body:
            raise LookupError(f"no price for order {delivery.body.decode()[10:-1]}")

    consumer = Consumer(sys.argv[1], "orders", charge, group="billing", retry=RetryPolicy(max_attempts=1))
    await consumer.run()

asyncio.run(main())
gnomon.shutdown()
"""


class Story:
    """A server that was told of agents, and a queue with a consumer."""

    def __init__(self, server: GnomonProcess, queue_url: str) -> None:
        self.server = server
        self.queue_url = queue_url

    def get(self, path: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.server.url}{path}", params=parameters, timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def consume(self, prices: str, stop_after: int, publish: int = 0) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GNOMON_", "OTEL_"))}
        told = {"PRICES": prices, "STOP_AFTER": str(stop_after), "PUBLISH": str(publish)}
        told["GNOMON_ENDPOINT"] = self.server.otlp_http_url
        return subprocess.Popen([sys.executable, "-c", CONSUMER, self.queue_url], env=kept | told)


def eventually(find: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := find()):
        assert time.monotonic() < deadline, "what was sent is not there after a minute"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("work")
    config, queue_url = folder / "gnomon.yml", f"sqlite:///{folder / 'queue.sqlite'}"
    config.write_text(
        f"brokers: ['local={queue_url}']\nstorage: {{retention: {{traces: 15d, logs: 15d}}}}\n"
        "costs: {cpu_hour: 3.6, budgets: ['tenant:acme=0.05/day', 'total=500/month', 'agent:writer=0.01/week']}\n"
    )
    server = GnomonProcess(folder / "data", ("--config", str(config))).start()
    story = Story(server, queue_url)
    try:
        now_ns = time.time_ns()
        _tell(server, now_ns - 50 * 60 * 10**9, shift=0)
        _tell(server, now_ns - 50 * 60 * 10**9 - WEEK_NS, shift=1)
        failing = story.consume("none", LETTERS, publish=LETTERS)
        assert failing.wait(60) == 0
        eventually(lambda: len(story.get("/api/dead-letters/letters")["letters"]) == LETTERS)
        eventually(lambda: len(story.get("/api/agents")["agents"]) == len(AGENTS))
        eventually(lambda: story.get("/api/costs")["total"]["unpriced_calls"] > 0)
        yield story
    finally:
        server.stop()


def _tell(server: GnomonProcess, start_ns: int, shift: int) -> None:
    """Tell of tasks over forty minutes; a week ago (`shift` 1) there were fewer, and another tenant."""
    events, spans = [], []
    for number in range(TASKS // (1 + shift)):
        at_ms = number * 70_000.0
        agent, tenant = (
            AGENTS[number % 3],
            "hooli" if shift and number % 3 == 0 else TENANTS[number % 3 if number % 5 else 0],
        )
        trace = f"{(shift + 1) * 1000 + number:032x}"
        work = {
            "task.id": f"{'old' if shift else 'task'}-{number}", "task.type": ("report", "summary")[number % 2],
            "tenant.id": tenant, "task.queue": "work", "agent.id": agent, "agent.trust_score": 0.95 - number * 0.004,
        }  # fmt: skip
        length_ms = 4_000 + (number * 7919) % 23_000
        fails = number % 7 == 3
        events += [
            SentEvent("task.submitted", at_ms, {**work, "agent.id": ""}, "gateway", trace, "1" * 16),
            SentEvent("task.executing", at_ms + 500, work, trace=trace, span="2" * 16),
            SentEvent("task.failed" if fails else "task.completed", at_ms + length_ms,
                      {**work, "error.type": "TimeoutError"} if fails else work, trace=trace, span="2" * 16),
            SentEvent("task.resources", at_ms + length_ms, {
                **work, "resource.cpu.seconds": length_ms / 4000, "resource.cpu.precision": "exact",
                "resource.memory.bytes": 300_000_000, "resource.memory.precision": "shared",
                "resource.network.sent_bytes": 4_000_000, "resource.network.precision": "exact",
            }),
        ]  # fmt: skip
        if number % 2:
            events.append(SentEvent("agent.handed_off", at_ms + 2000, {
                "task.id": work["task.id"], "agent.id": agent, "agent.to_id": AGENTS[(number + 1) % 3],
            }))  # fmt: skip
        if number % 4 == 0:
            child = {"task.id": f"{work['task.id']}-check", "task.type": "check", "agent.id": "critic",
                     "tenant.id": tenant, "task.parent_id": work["task.id"]}  # fmt: skip
            events += [
                SentEvent("task.submitted", at_ms + 1000, {**child, "agent.id": ""}),
                SentEvent("task.executing", at_ms + 1200, child),
                SentEvent("task.completed", at_ms + 3000, child),
            ]
        model = ("claude-sonnet-4-5", "gpt-4o-mini", "house-tiny")[number % 3]
        spans += [
            SentSpan(trace, "2" * 16, "", "worker", f"task {work['task.type']}", 5, int(at_ms * 1000) + 500_000,
                     int(length_ms * 1000) - 500_000, 2 if fails else 0, attributes={**work, "task.attempt": 1}),
            SentSpan(trace, "3" * 16, "2" * 16, "worker", f"chat {model}", 3, int(at_ms * 1000) + 600_000, 2_000_000,
                     attributes={
                         **work, "gen_ai.operation.name": "chat", "gen_ai.request.model": model,
                         "gen_ai.provider.name": {"c": "anthropic", "g": "openai", "h": "house"}[model[0]],
                         "gen_ai.usage.input_tokens": 4000 + 100 * number, "gen_ai.usage.output_tokens": 900,
                         "gen_ai.usage.cache_read.input_tokens": 1000,
                     }),
        ]  # fmt: skip
    headers = {"content-type": "application/x-protobuf"}
    for path, body in (("logs", make_event_request(events, start_ns)), ("traces", make_span_request(spans, start_ns))):
        httpx.post(
            f"{server.otlp_http_url}/v1/{path}", content=body, headers=headers, trust_env=False
        ).raise_for_status()


def _says_nothing_odd(page: Page) -> None:
    for odd in ("NaN", "undefined", "Infinity", "Invalid Date"):
        expect(page.get_by_text(re.compile(rf"\b{odd}\b"))).to_have_count(0)


def test_agents_stand_in_rows_and_open(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{story.server.url}/agents")
    table = page.get_by_role("table", name="Agents")
    row = table.get_by_role("row").filter(has_text="researcher")
    expect(row).to_contain_text("$", timeout=PATIENCE_MS)
    expect(row.get_by_label("Load over the range")).to_be_visible()
    _says_nothing_odd(page)
    page.wait_for_timeout(500)
    shoot(page, "agents-dark-1280")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/agents/of/"))
    expect(page.get_by_role("table", name="Tasks")).to_contain_text("report", timeout=PATIENCE_MS)
    _says_nothing_odd(page)
    page.wait_for_timeout(500)
    shoot(page, "agent-dark-1280")


def test_hand_offs_are_drawn_step_by_step(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{story.server.url}/agents/handoffs", width=1920, height=1080, scheme="light")
    graph = page.get_by_role("group", name="Hand-offs")
    for agent in AGENTS:
        expect(graph.get_by_text(agent, exact=True)).to_be_visible(timeout=PATIENCE_MS)
    total = page.get_by_role("status")
    expect(total).to_contain_text("Whole range: 27 passed on")
    page.wait_for_timeout(500)
    shoot(page, "agents-handoffs-light-1920")
    page.get_by_role("slider", name="Step of time").fill("12")
    expect(page).to_have_url(re.compile("step=12"))
    expect(total).not_to_contain_text("Whole range")
    page.keyboard.press(".")
    expect(page).to_have_url(re.compile("step=13"))
    graph.get_by_text("critic", exact=True).click()
    panel = page.get_by_role("complementary", name="critic")
    expect(panel).to_contain_text("gave rise to a task")
    shoot(page, "agents-handoffs-step-light-1920")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(total).to_contain_text("Whole range")


def test_costs_sum_up_and_lead_on(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    report = story.get("/api/costs", by="tenant")
    page = open_page(f"{story.server.url}/costs")
    table = page.get_by_role("table", name="Costs by tenant")
    expect(table.get_by_role("row").filter(has_text="globex")).to_contain_text("$", timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"rows sum to"))).to_contain_text("the total.")
    assert sum(group["cost"]["total_nd"] for group in report["groups"]) == report["total"]["total_nd"]
    expect(page.get_by_text("house-tiny").first).to_be_visible()
    expect(page.get_by_role("list", name="What changed")).to_contain_text("gone")
    expect(page.get_by_role("list", name="Budgets")).to_contain_text("Exceeded", timeout=PATIENCE_MS)
    _says_nothing_odd(page)
    page.wait_for_timeout(500)
    shoot(page, "costs-dark-1280")
    table.get_by_role("row").filter(has_text="globex").get_by_role("cell").nth(1).click()
    expect(page).to_have_url(re.compile("tenant=globex"))
    expect(page.get_by_role("table", name="Costs by task type")).to_contain_text("summary", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Remove tenant globex").click()
    page.get_by_role("radio", name="Model").click()
    models = page.get_by_role("table", name="Costs by model")
    expect(models.get_by_role("row").filter(has_text="house-tiny")).to_contain_text("unpriced", timeout=PATIENCE_MS)
    _says_nothing_odd(page)
    page.go_back()
    expect(page.get_by_role("table", name="Costs by task type")).to_be_visible(timeout=PATIENCE_MS)
    wide = open_page(f"{story.server.url}/costs?by=agent&from=now-7d", width=1920, height=1080, scheme="light")
    expect(wide.get_by_role("table", name="Costs by agent")).to_be_visible(timeout=PATIENCE_MS)
    wide.wait_for_timeout(500)
    shoot(wide, "costs-light-1920")


def test_dead_letters_are_replayed_a_first_one_then_the_rest(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{story.server.url}/dead-letters")
    failures = page.get_by_role("table", name="Failures")
    row = failures.get_by_role("row").filter(has_text="LookupError")
    expect(row).to_contain_text("no price for order")
    expect(row).to_contain_text(str(LETTERS))
    _says_nothing_odd(page)
    shoot(page, "dead-letters-dark-1280")
    row.get_by_role("link", name="LookupError").click()
    letters = page.get_by_role("table", name="Letters")
    letters.get_by_role("row").filter(has_text="order 0").get_by_role("cell").nth(1).click()
    panel = page.get_by_role("complementary", name="Dead letter")
    expect(panel.get_by_label("Message")).to_contain_text('"order": 0')
    expect(panel.get_by_label("Headers")).to_contain_text("origin")
    panel.get_by_role("radio", name="Hex").click()
    expect(panel.get_by_label("Message")).to_contain_text("7b 22 6f 72")
    _says_nothing_odd(page)
    shoot(page, "dead-letter-dark-1280")

    panel.get_by_role("button", name="Discard").click()
    panel.get_by_label("Why, for the audit log").fill("a test order")
    panel.get_by_role("button", name="Discard").click()
    expect(panel.get_by_text("It cannot be replayed now. It is discarded.")).to_be_visible()

    letters.get_by_role("row").filter(has_text="order 1").get_by_role("cell").nth(1).click()
    panel.get_by_role("button", name="Edit and replay").click()
    panel.get_by_role("textbox", name="Message").fill('{"order": 10}')
    panel.get_by_role("button", name="Replay with this message").click()
    replay = page.get_by_role("region", name="Replay")
    expect(replay).to_contain_text("under way")

    replay.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Replay open letters").click()
    page.get_by_role("button", name="Send 1 first").click()
    expect(replay).to_contain_text("1 held back")
    shoot(page, "dead-letters-canary-dark-1280")
    fixed = story.consume("all", 3)
    try:
        expect(replay.get_by_role("status")).to_contain_text("2 processed", timeout=60_000)
    finally:
        if fixed.poll() is None:
            fixed.terminate()
        fixed.wait(30)
    shoot(page, "dead-letters-replayed-dark-1280")
    replay.get_by_role("link", name="New trace").first.click()
    expect(page).to_have_url(re.compile("/traces/"))
    page.goto(f"{story.server.url}/dead-letters?view=audit")
    log = page.get_by_role("table", name="Audit log")
    expect(log).to_contain_text("a test order")
    expect(log).to_contain_text("edited")
    _says_nothing_odd(page)
    shoot(page, "dead-letters-audit-dark-1280")


def test_with_nothing_yet_the_pages_teach(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    early = "from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z"
    page = open_page(f"{story.server.url}/agents?{early}", scheme="light")
    expect(page.get_by_role("heading", name="No agent worked in this time range")).to_be_visible()
    expect(page.locator("pre")).to_contain_text(story.server.otlp_http_url)
    shoot(page, "agents-empty-light-1280")
    page.goto(f"{story.server.url}/costs?{early}")
    expect(page.get_by_role("heading", name="Nothing cost anything in this time range")).to_be_visible()
    shoot(page, "costs-empty-light-1280")
    page.goto(f"{story.server.url}/dead-letters?{early}")
    expect(page.get_by_role("heading", name="No message was dead-lettered in this time range")).to_be_visible()
    shoot(page, "dead-letters-empty-light-1280")


def test_a_failing_server_is_quoted(story: Story, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{story.server.url}/settings")
    said = '{"error": {"code": "overloaded", "message": "Too many queries at once."}}'
    page.route("**/api/costs?*", lambda route: route.fulfill(status=503, body=said, content_type="application/json"))
    page.route("**/api/agents?*", lambda route: route.fulfill(status=503, body=said, content_type="application/json"))
    page.goto(f"{story.server.url}/costs")
    expect(page.get_by_role("alert")).to_contain_text("Too many queries at once.")
    shoot(page, "costs-failing-dark-1280")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("Too many queries at once.")
