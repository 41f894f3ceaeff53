"""Tasks as their senders tell them: events and spans over OTLP, for pages that must stand them."""

import json
import random
import time
from collections.abc import Sequence

import httpx

from tests.span_requests import SentSpan, make_span_request
from tests.work_requests import SentEvent, make_event_request

TRACE = "7c" * 16
STORY, STORY_CHILD, STORY_GRANDCHILD = "report-2026-11", "lookup/ledger-7", "lookup/ledger-7/page-2"
LONG_TYPE = "a-type-of-task-whose-name-goes-on-until-it-has-eighty-characters-and-no-letter-more"[:80]
MINUTE_MS = 60_000
_EVENTS_PER_REQUEST = 4_000
_SYSTEM = "You sum up ledgers for people who read in a hurry."
_QUESTION = "What is due for order 17, and to whom?"
_INPUT = [
    {"role": "system", "parts": [{"type": "text", "content": _SYSTEM}]},
    {"role": "user", "parts": [{"type": "text", "content": _QUESTION}]},
]
_CALL = {"type": "tool_call", "id": "call-1", "name": "lookup", "arguments": {"order": 17, "deep": True}}
_RESULT = {"type": "tool_call_response", "id": "call-1", "response": {"due": "2026-12-01", "amount": 412.5}}
_ANSWER = "412.50 € are due on 2026-12-01, to globex."


def send_story(otlp_http_url: str) -> None:
    """Tell of one task: failed once, tried again by another agent, with a tool, two models and two tasks below."""
    start_ns = time.time_ns() - 4 * MINUTE_MS * 1_000_000
    task = {
        "task.id": STORY, "task.type": "report", "tenant.id": "acme", "task.queue": "reports",
        "task.priority": "high", "session.id": "s-1",
    }  # fmt: skip
    first, second = {**task, "task.attempt": 1, "agent.id": "ada"}, {**task, "task.attempt": 2, "agent.id": "eve"}
    child = {"task.id": STORY_CHILD, "task.type": "lookup", "task.parent_id": STORY, "tenant.id": "acme"}
    grandchild = {"task.id": STORY_GRANDCHILD, "task.type": "page", "task.parent_id": STORY_CHILD, "tenant.id": "acme"}
    failed = {"error.type": "TimeoutError", "error.message": "the ledger did not answer within 5 s"}
    used = {
        "resource.cpu.seconds": 1.75, "resource.cpu.precision": "exact", "resource.memory.bytes": 412 * 2**20,
        "resource.memory.precision": "shared", "resource.network.sent_bytes": 18_000,
        "resource.network.received_bytes": 2_400_000, "resource.network.precision": "estimated",
    }  # fmt: skip
    send_events(otlp_http_url, [
        SentEvent("task.submitted", 0, task, "gateway", TRACE, "1" * 16),
        SentEvent("task.queued", 40, task, "gateway", TRACE, "1" * 16),
        SentEvent("task.routed", 1_900, {**task, "agent.id": "ada"}, "router", TRACE, "2" * 16),
        SentEvent("task.executing", 2_100, first, "worker", TRACE, "3" * 16),
        SentEvent("task.failed", 7_300, {**first, **failed}, "worker", TRACE, "3" * 16),
        SentEvent("task.retried", 7_310, {**first}, "worker", TRACE, "3" * 16),
        SentEvent("agent.handed_off", 9_800, {"task.id": STORY, "agent.id": "ada", "agent.to_id": "eve"}, "router"),
        SentEvent("task.executing", 10_000, second, "worker", TRACE, "4" * 16),
        SentEvent("task.submitted", 11_000, child, "worker"),
        SentEvent("task.executing", 11_900, {**child, "agent.id": "bob"}, "tool-executor"),
        SentEvent("task.submitted", 12_100, grandchild, "tool-executor"),
        SentEvent("task.executing", 12_150, {**grandchild, "agent.id": "bob"}, "tool-executor"),
        SentEvent("task.completed", 12_900, {**grandchild, "agent.id": "bob"}, "tool-executor"),
        SentEvent("task.completed", 13_500, {**child, "agent.id": "bob"}, "tool-executor"),
        SentEvent("task.resources", 13_500, {**child, "agent.id": "bob", "resource.cpu.seconds": 0.9,
                                             "resource.cpu.precision": "exact"}, "tool-executor"),
        SentEvent("task.completed", 19_000, second, "worker", TRACE, "4" * 16),
        SentEvent("task.resources", 7_300, {**first, **used}, "worker", TRACE, "3" * 16),
        SentEvent("task.resources", 19_000, {**second, **used}, "worker", TRACE, "4" * 16),
        SentEvent("ledger.read", 12_000, {"task.id": STORY, "rows": 412}, "worker", TRACE, "4" * 16),
    ], start_ns)  # fmt: skip
    chat = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.temperature": 0.5,
        "gen_ai.request.model": "claude-sonnet-4-5",
    }  # fmt: skip
    own = {**second, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "own-server"}
    spans = [
        SentSpan(TRACE, "1" * 16, "", "gateway", "POST /reports", 2, 0, 90_000),
        SentSpan(TRACE, "2" * 16, "1" * 16, "router", "route report", 1, 1_850_000, 60_000),
        SentSpan(TRACE, "3" * 16, "1" * 16, "worker", "task report", 5, 2_100_000, 5_200_000, 2,
                 failed["error.message"], {**first, "task.status": "failed"}),
        SentSpan(TRACE, "5" * 16, "3" * 16, "worker", "execute_tool lookup", 1, 2_200_000, 5_000_000, 2, "no answer",
                 {**first, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup"}),
        SentSpan(TRACE, "4" * 16, "1" * 16, "worker", "task report", 5, 10_000_000, 9_000_000,
                 attributes={**second, "task.status": "completed"}),
        SentSpan(TRACE, "6" * 16, "4" * 16, "worker", "invoke_agent eve", 1, 10_100_000, 8_800_000, attributes={
            **second, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "eve"}),
        SentSpan(TRACE, "7" * 16, "6" * 16, "worker", "chat claude-sonnet-4-5", 3, 10_200_000, 1_600_000, attributes={
            **second, **chat, "gen_ai.usage.input_tokens": 1_850, "gen_ai.usage.cache_read.input_tokens": 1_200,
            "gen_ai.usage.output_tokens": 64, "gen_ai.response.finish_reasons": ["tool_call"],
            "gen_ai.response.time_to_first_chunk": 0.31, "gen_ai.input.messages": json.dumps(_INPUT),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "finish_reason": "tool_call", "parts": [_CALL]}])}),
        SentSpan(TRACE, "8" * 16, "6" * 16, "worker", "execute_tool lookup", 1, 11_900_000, 1_700_000, attributes={
            **second, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup",
            "gen_ai.tool.call.arguments": '{"order": 17}', "gen_ai.tool.call.result": '{"due": "2026-12-01"}'}),
        SentSpan(TRACE, "9" * 16, "6" * 16, "worker", "chat claude-sonnet-4-5", 3, 13_700_000, 3_900_000, attributes={
            **second, **chat, "gen_ai.usage.input_tokens": 2_310, "gen_ai.usage.output_tokens": 412,
            "gen_ai.usage.reasoning.output_tokens": 120,
            "gen_ai.response.finish_reasons": ["stop"], "gen_ai.response.time_to_first_chunk": 0.42,
            "gen_ai.input.messages": json.dumps([
                *_INPUT, {"role": "assistant", "parts": [_CALL]}, {"role": "tool", "parts": [_RESULT]}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "finish_reason": "stop", "parts": [
                {"type": "reasoning", "content": "The ledger names one open amount."},
                {"type": "text", "content": _ANSWER}]}])}),
        SentSpan(TRACE, "a" * 16, "6" * 16, "worker", "chat house-model", 3, 17_800_000, 800_000, attributes={
            **own, "gen_ai.request.model": "house-model", "gen_ai.usage.input_tokens": 300,
            "gen_ai.usage.output_tokens": 40, "gen_ai.response.finish_reasons": ["stop"]}),
    ]  # fmt: skip
    send_trace(otlp_http_url, spans, start_ns)


def send_running(otlp_http_url: str) -> None:
    """Tell of forty quick crawls, one that outruns them all, one that has just begun, and one that only waits."""
    start_ns = time.time_ns() - 10 * MINUTE_MS * 1_000_000
    crawl = {"task.type": "crawl", "tenant.id": "globex", "task.queue": "crawls", "agent.id": "kim"}
    events = []
    for number in range(40):
        one = {**crawl, "task.id": f"crawl-{number}"}
        events += [
            SentEvent("task.submitted", number * 100, one),
            SentEvent("task.executing", number * 100 + 20, one),
            SentEvent("task.completed", number * 100 + 5_000 + number * 700, one),
        ]
    slow, young = {**crawl, "task.id": "crawl-slow"}, {**crawl, "task.id": "crawl-young"}
    events += [
        SentEvent("task.submitted", 7 * MINUTE_MS, slow),
        SentEvent("task.executing", 7 * MINUTE_MS + 30, slow),
        SentEvent("task.submitted", 10 * MINUTE_MS - 4_000, young),
        SentEvent("task.executing", 10 * MINUTE_MS - 3_900, young),
        SentEvent("task.submitted", 9 * MINUTE_MS, {"task.id": "waits", "task.type": "render", "task.queue": "gpu"}),
        SentEvent("task.queued", 9 * MINUTE_MS + 20, {"task.id": "waits", "task.type": "render", "task.queue": "gpu"}),
    ]
    send_events(otlp_http_url, events, start_ns)


def send_many(otlp_http_url: str, *, tasks: int, seed: int = 11) -> None:
    """Tell of so many tasks over the last fifty minutes: seven types, four agents, three tenants; some fail."""
    chance = random.Random(seed)
    types = ("report", "summary", "crawl-site", "classify", "translate", "embed", LONG_TYPE)
    start_ns = time.time_ns() - 51 * MINUTE_MS * 1_000_000
    events: list[SentEvent] = []
    for number in range(tasks):
        kind = chance.choices(types, (9, 7, 2, 12, 6, 20, 1))[0]
        at = chance.uniform(0, 49 * MINUTE_MS)
        waited = chance.expovariate(1 / 400)
        work = chance.lognormvariate(6 + types.index(kind) * 0.3, 0.8)
        one = {
            "task.id": f"{kind[:40]}-{number:05}", "task.type": kind, "task.queue": "default",
            "tenant.id": chance.choice(("acme", "globex", "initech")),
            "agent.id": chance.choice(("ada", "bob", "eve", "kim")), "task.priority": chance.choice(("normal", "high")),
        }  # fmt: skip
        events += [SentEvent("task.submitted", at, one, "gateway"), SentEvent("task.executing", at + waited, one)]
        end = at + waited + work
        if chance.random() < (0.3 if kind == "crawl-site" else 0.03):
            error = {"error.type": chance.choice(("TimeoutError", "ToolError")), "error.message": "it gave up"}
            events.append(SentEvent(chance.choice(("task.failed", "task.timed_out")), end, {**one, **error}))
        else:
            events.append(SentEvent("task.completed", end, one))
    send_events(otlp_http_url, events, start_ns)


def send_events(otlp_http_url: str, events: Sequence[SentEvent], start_ns: int) -> None:
    """Send events of tasks, in requests of a fair size."""
    for first in range(0, len(events), _EVENTS_PER_REQUEST):
        _post(f"{otlp_http_url}/v1/logs", make_event_request(events[first : first + _EVENTS_PER_REQUEST], start_ns))


def send_trace(otlp_http_url: str, spans: Sequence[SentSpan], start_ns: int) -> None:
    """Send spans."""
    _post(f"{otlp_http_url}/v1/traces", make_span_request(spans, start_ns))


def _post(url: str, body: bytes) -> None:
    answer = httpx.post(
        url, content=body, headers={"content-type": "application/x-protobuf"}, timeout=60, trust_env=False
    )
    answer.raise_for_status()
