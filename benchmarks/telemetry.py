"""Requests to send: realistic, and different each time without costing the sender much.

A request is made once with a mark in place of the first half of every trace id; each time it is sent the mark is
replaced, so no receiver can take it for a repeated request.
"""

import itertools
import os
import random
import re
import time

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

MARK = b"\xf0MARKED\xf0"
SERVICES = ("gateway", "router", "worker", "tool-executor")
OPERATIONS = ("GET /tasks", "POST /tasks", "route", "execute", "SELECT tasks", "search", "read file", "evaluate")
WORDS = [
    "connection",
    "accepted",
    "request",
    "task",
    "queued",
    "worker",
    "started",
    "finished",
    "retry",
    "timeout",
    "upstream",
    "cache",
    "hit",
    "miss",
    "search",
    "result",
    "file",
    "opened",
    "closed",
    "user",
    "session",
    "token",
    "budget",
    "agent",
    "step",
    "plan",
    "tool",
    "call",
    "answer",
]


class RequestMaker:
    """Give a fresh request each time, from a few templates."""

    def __init__(self, templates: list[bytes], items: int) -> None:
        """Take templates with marks; `items` is how many spans or records each holds."""
        self.items = items
        self._templates = itertools.cycle([_find_marks(template) for template in templates])
        self._random = random.Random(os.urandom(8))

    def next(self) -> memoryview:
        """Return a request that nobody has seen; it is overwritten when its template's turn comes again."""
        request, marks = next(self._templates)
        request[marks] = np.frombuffer(self._random.randbytes(len(MARK)), np.uint8)
        return request.data


def _find_marks(template: bytes) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return a template that can be written to, and a row of positions for each of its marks."""
    starts = [found.start() for found in re.finditer(re.escape(MARK), template)]
    return np.frombuffer(bytearray(template), np.uint8), np.add.outer(starts, np.arange(len(MARK)))


def make_traces(spans: int = 500, spans_per_trace: int = 10, templates: int = 12) -> RequestMaker:
    """Return requests of one service each: `spans` spans with 8 attributes and 1 event."""
    made = [_trace_request(SERVICES[i % len(SERVICES)], spans, spans_per_trace, i) for i in range(templates)]
    return RequestMaker(made, spans)


def make_logs(records: int = 500, templates: int = 12) -> RequestMaker:
    """Return requests of one service each: `records` lines of ten words and two numbers, 4 attributes, ids."""
    return RequestMaker([_log_request(SERVICES[i % len(SERVICES)], records, i) for i in range(templates)], records)


def _put(attributes: "list[KeyValue]", key: str, value: str | int) -> None:  # protobuf's repeated field acts as a list
    attribute = attributes.add()  # type: ignore[attr-defined]
    attribute.key = key
    if isinstance(value, int):
        attribute.value.int_value = value
    else:
        attribute.value.string_value = value


def _put_resource(attributes: "list[KeyValue]", service: str) -> None:
    _put(attributes, "service.name", service)
    _put(attributes, "service.version", "1.4.2")
    _put(attributes, "service.instance.id", f"{service}-0")
    _put(attributes, "host.name", "host-1")


def _trace_request(service: str, spans: int, spans_per_trace: int, seed: int) -> bytes:
    random_ = random.Random(seed)
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _put_resource(resource_spans.resource.attributes, service)  # type: ignore[arg-type]
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "benchmark", "1"
    now_ns = time.time_ns()
    for i in range(spans):
        span = scope_spans.spans.add()
        first = i % spans_per_trace == 0
        span.trace_id = MARK + (seed << 32 | i // spans_per_trace).to_bytes(8)
        span.span_id = (seed << 32 | i + 1).to_bytes(8)
        span.parent_span_id = b"" if first else (seed << 32 | i).to_bytes(8)
        span.name = OPERATIONS[i % len(OPERATIONS)]
        span.kind = Span.SPAN_KIND_SERVER if first else Span.SPAN_KIND_INTERNAL
        span.start_time_unix_nano = now_ns + i * 1000
        span.end_time_unix_nano = span.start_time_unix_nano + int(random_.lognormvariate(16, 1.5))
        span.status.code = Status.STATUS_CODE_ERROR if random_.random() < 0.01 else Status.STATUS_CODE_UNSET
        attributes = span.attributes
        _put(attributes, "http.request.method", random_.choice(("GET", "POST")))  # type: ignore[arg-type]
        _put(attributes, "http.response.status_code", random_.choice((200, 200, 200, 404, 500)))  # type: ignore[arg-type]
        _put(attributes, "url.path", f"/tasks/{random_.randrange(1000)}")  # type: ignore[arg-type]
        _put(attributes, "task.id", f"task-{random_.randrange(10**9)}")  # type: ignore[arg-type]
        _put(attributes, "task.type", random_.choice(("search", "arithmetic", "file", "chat")))  # type: ignore[arg-type]
        _put(attributes, "agent.id", f"agent-{random_.randrange(50)}")  # type: ignore[arg-type]
        _put(attributes, "task.attempt", 1)  # type: ignore[arg-type]
        _put(attributes, "tenant.id", f"tenant-{random_.randrange(20)}")  # type: ignore[arg-type]
        event = span.events.add()
        event.name, event.time_unix_nano = "dispatched", span.start_time_unix_nano + 500
    return request.SerializeToString()


def _log_request(service: str, records: int, seed: int) -> bytes:
    random_ = random.Random(seed)
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    _put_resource(resource_logs.resource.attributes, service)  # type: ignore[arg-type]
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "benchmark"
    now_ns = time.time_ns()
    for i in range(records):
        record = scope_logs.log_records.add()
        record.time_unix_nano = record.observed_time_unix_nano = now_ns + i * 1000
        record.severity_number = SeverityNumber.ValueType(random_.choice((5, 9, 9, 9, 9, 13, 17)))
        record.severity_text = {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR"}[record.severity_number]
        number = random_.randrange(10**6)
        record.body.string_value = f"{' '.join(random_.choices(WORDS, k=10))} id={number} took {number % 977} ms"
        record.trace_id = MARK + (seed << 32 | i).to_bytes(8)
        record.span_id = (seed << 32 | i + 1).to_bytes(8)
        attributes = record.attributes
        _put(attributes, "task.id", f"task-{number}")  # type: ignore[arg-type]
        _put(attributes, "http.response.status_code", random_.choice((200, 404, 500)))  # type: ignore[arg-type]
        _put(attributes, "logger", f"app.{service}")  # type: ignore[arg-type]
        _put(attributes, "thread", f"worker-{i % 8}")  # type: ignore[arg-type]
    return request.SerializeToString()
