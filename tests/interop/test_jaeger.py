"""The same spans go to a real Jaeger and to Gnomon; Jaeger's clients must see the same answers."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess
from tests.peers.jaeger import Jaeger
from tests.span_requests import SentSpan, make_span_request

TRACE = "0af7651916cd43dd8448eb211c80319c"
SHORT = "000000000000000012aa43dd8448eb21"
ASYNC = "5b8efff798038103d269b633813fc60c"
GATEWAY, WORKER, TOOLS = "jaeger-gateway", "jaeger-worker", "jaeger-tools"
ODD = {
    "text": "a", "empty": "", "unicode": "Grüße ☀", "yes": True, "no": False, "int": 42, "negative": -7, "big": 2**60,
    "float": 1.5, "whole": 2.0, "small": 1e-9, "bytes": b"\x00\xff", "list": ["a", 1, True, 2.5],
    "map": {"b": 1, "a": ["x", {"y": False}]},
}  # fmt: skip

HOST_1 = {"host.name": "h1", "service.version": "1.2", "n": 3}
HOST_2 = {"host.name": "h2"}
SPANS = (
    SentSpan(
        TRACE, "00f067aa0ba902b7", service=GATEWAY, name="POST /tasks", kind=2, duration_us=50_000, status=2,
        message="upstream failed", attributes=ODD, resource=HOST_1,
        events=((1000, "exception", {"exception.type": "TimeoutError", "retries": 2}), (2000, "", {"bare": "yes"})),
        scope=("http", "0.4"), trace_state="vendor=1,other=2",
    ),
    SentSpan(
        TRACE, "00f067aa0ba902b8", "00f067aa0ba902b7", GATEWAY, "call worker", 3, 2000, 40_000, status=1,
        resource=HOST_1, links=((SHORT, "1111111111111111", {"why": "retry"}),),
    ),
    SentSpan(TRACE, "00f067aa0ba902b9", "00f067aa0ba902b8", WORKER, "run", 2, 3000, 30_000, resource=HOST_2),
    SentSpan(TRACE, "00f067aa0ba902ba", "00f067aa0ba902b9", WORKER, "think", 1, 4000, 9000, resource=HOST_2),
    SentSpan(
        TRACE, "00f067aa0ba902bb", "00f067aa0ba902b9", WORKER, "enqueue", 4, 15_000, 500, resource=HOST_2,
        attributes={"error": "no", "span.kind": "odd", "messaging.system": "kafka"},
    ),
    SentSpan(TRACE, "00f067aa0ba902bc", "00f067aa0ba902bb", TOOLS, "consume", 5, 16_000, 900),
    SentSpan(TRACE, "00f067aa0ba902bd", "ffffffffffffffff", TOOLS, "orphan", 0, 17_000, 100),
    SentSpan(SHORT, "00f067aa0ba902be", "", WORKER, "tick", 5, 100_000, 700, attributes={"user": "7"}, resource=HOST_2),
    SentSpan(
        ASYNC, "00f067aa0ba902bf", "", TOOLS, "sweep", 1, 200_000, 2_000_000,
        links=((TRACE, "00f067aa0ba902bc", {"opentracing.ref_type": "child_of"}),),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Both:
    """Ask both the same."""

    gnomon_url: str
    jaeger_url: str
    start_ns: int

    def ask(self, path: str, **parameters: Any) -> tuple[httpx.Response, httpx.Response]:
        answers = [
            httpx.get(f"{base}{path}", params=parameters, trust_env=False, timeout=20)
            for base in (self.gnomon_url, self.jaeger_url)
        ]
        return answers[0], answers[1]

    def find(self, **parameters: Any) -> tuple[set[str], set[str]]:
        """Return the ids of the traces that each finds."""
        gnomon, jaeger = self.ask("/api/traces", **parameters)
        assert gnomon.status_code == jaeger.status_code == 200, (gnomon.text, jaeger.text)
        return {each["traceID"] for each in gnomon.json()["data"]}, {each["traceID"] for each in jaeger.json()["data"]}


@pytest.fixture(scope="module")
def both(jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    gnomon = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data")
    gnomon.start()
    start_ns = (time.time_ns() - 30 * 10**9) // 1000 * 1000
    try:
        for url in (gnomon.otlp_http_url, jaeger.otlp_http_url):
            body = make_span_request(SPANS, start_ns)
            headers = {"Content-Type": "application/x-protobuf"}
            sent = httpx.post(f"{url}/v1/traces", content=body, headers=headers, trust_env=False, timeout=20)
            assert sent.status_code == 200, sent.text
        _wait_until(lambda: _has(jaeger.query_url) and _has(gnomon.url))
        yield Both(gnomon.url, jaeger.query_url, start_ns)
    finally:
        gnomon.stop()


@pytest.mark.parametrize("trace", [TRACE, TRACE.upper(), SHORT, SHORT[16:], ASYNC])
def test_a_trace_is_the_same_field_by_field(both: Both, trace: str) -> None:
    gnomon, jaeger = both.ask(f"/api/traces/{trace}")
    assert gnomon.status_code == jaeger.status_code == 200
    assert normalize(gnomon.json()) == normalize(jaeger.json())


def test_services_and_operations_are_the_same(both: Both) -> None:
    gnomon, jaeger = both.ask("/api/services")
    ours = {GATEWAY, WORKER, TOOLS}
    assert set(gnomon.json()["data"]) & ours == set(jaeger.json()["data"]) & ours == ours
    assert set(gnomon.json()) == set(jaeger.json())
    for service in ours:
        gnomon, jaeger = both.ask(f"/api/services/{service}/operations")
        assert sorted(gnomon.json()["data"]) == sorted(jaeger.json()["data"])
        assert gnomon.json()["total"] == jaeger.json()["total"]
    for kind in ("", "server", "producer", "client"):
        gnomon, jaeger = both.ask("/api/operations", service=WORKER, spanKind=kind)
        assert _sorted(gnomon.json()["data"] or []) == _sorted(jaeger.json()["data"] or [])


@pytest.mark.parametrize(
    "parameters",
    [
        {"service": GATEWAY},
        {"service": WORKER},
        {"service": WORKER, "operation": "tick"},
        {"service": WORKER, "operation": "no such"},
        {"service": "no such"},
        {"service": WORKER, "minDuration": "1ms"},
        {"service": WORKER, "maxDuration": "800us"},
        {"service": TOOLS, "minDuration": "1.5s", "maxDuration": "3s"},
        {"service": GATEWAY, "tags": json.dumps({"int": "42"})},
        {"service": GATEWAY, "tags": json.dumps({"yes": "true", "float": "1.5"})},
        {"service": GATEWAY, "tags": json.dumps({"text": "b"})},
        {"service": GATEWAY, "tags": json.dumps({"exception.type": "TimeoutError"})},
        {"service": GATEWAY, "tags": json.dumps({"host.name": "h1"})},
        {"service": GATEWAY, "tags": json.dumps({"error": "true"})},
        {"service": WORKER, "tags": json.dumps({"error": "true"})},
        {"service": WORKER, "tag": "user:7"},
        {"service": GATEWAY, "lookback": "1h", "limit": "20"},
        {"traceID": [TRACE, SHORT]},
        {"traceID": ["deadbeef"]},
    ],
    ids=str,
)
def test_a_search_finds_the_same_traces(both: Both, parameters: dict[str, Any]) -> None:
    gnomon, jaeger = both.find(**parameters)
    assert gnomon == jaeger


def test_a_limit_bounds_the_number_of_traces(both: Both) -> None:
    gnomon, jaeger = both.find(service=WORKER, limit=1)
    # Which of the two it is means nothing: Jaeger's memory keeps no order.
    assert len(gnomon) == len(jaeger) == 1


def test_start_and_end_are_microseconds(both: Both) -> None:
    start_us = both.start_ns // 1000
    gnomon, jaeger = both.find(service=WORKER, start=start_us + 90_000, end=start_us + 150_000)
    assert gnomon == jaeger == {SHORT[16:]}


def test_found_traces_are_whole(both: Both) -> None:
    gnomon, jaeger = both.ask("/api/traces", service=GATEWAY, lookback="1h")
    assert normalize(gnomon.json()) == normalize(jaeger.json())


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/traces", {}),
        ("/api/operations", {}),
        ("/api/traces", {"service": GATEWAY, "tags": '{"a"'}),
        ("/api/traces", {"service": GATEWAY, "tag": "nothing"}),
        ("/api/traces", {"service": GATEWAY, "minDuration": "xx"}),
        ("/api/traces", {"service": GATEWAY, "limit": "x"}),
        ("/api/traces/xyz", {}),
        ("/api/traces/deadbeef", {}),
    ],
)
def test_errors_have_the_same_shape_and_code(both: Both, path: str, parameters: dict[str, str]) -> None:
    gnomon, jaeger = both.ask(path, **parameters)
    assert gnomon.status_code == jaeger.status_code
    ours, theirs = gnomon.json(), jaeger.json()
    assert ours.keys() == theirs.keys()
    assert ours["data"] is theirs["data"] is None
    assert ours["errors"][0]["code"] == theirs["errors"][0]["code"]


def test_an_unknown_service_has_no_operations(both: Both) -> None:
    gnomon, jaeger = both.ask("/api/services/no-such/operations")
    assert gnomon.json() == jaeger.json()


def test_dependencies_between_services_are_the_same(both: Both) -> None:
    gnomon, jaeger = both.ask("/api/dependencies", endTs=time.time_ns() // 1_000_000, lookback=3_600_000)
    # Jaeger also counts calls within a service; a map shows none of them.
    theirs = [
        edge
        for edge in jaeger.json()["data"]
        if edge["parent"] != edge["child"] and edge["parent"] in {GATEWAY, WORKER}
    ]
    ours = [edge for edge in gnomon.json()["data"] if edge["parent"] in {GATEWAY, WORKER}]
    assert _sorted(ours) == _sorted(theirs)


def normalize(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with everything in order whose order means nothing, and processes in place of their ids.

    Jaeger's remark that it is set not to correct clocks is left out: Gnomon's times are as they were sent, too.
    """
    traces = []
    for trace in answer["data"]:
        processes = {
            process_id: process | {"tags": _sorted(process["tags"])}
            for process_id, process in trace["processes"].items()
        }
        spans = [
            {name: value for name, value in span.items() if name != "processID"}
            | {
                "process": processes[span["processID"]],
                "tags": _sorted(span["tags"]),
                "references": _sorted(span["references"]),
                "logs": [log | {"fields": _sorted(log["fields"])} for log in span["logs"]],
                "warnings": [text for text in span["warnings"] or () if not text.startswith("clock skew")],
            }
            for span in trace["spans"]
        ]
        traces.append(trace | {"spans": _sorted(spans), "processes": _sorted(list(processes.values()))})
    return answer | {"data": _sorted(traces)}


def _sorted(found: list[Any]) -> list[Any]:
    return sorted(found, key=lambda each: json.dumps(each, sort_keys=True))


def _has(url: str) -> bool:
    return GATEWAY in (httpx.get(f"{url}/api/services", trust_env=False, timeout=20).json()["data"] or [])


def _wait_until(check: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, "the spans did not arrive"
        time.sleep(0.1)
