"""What one use of the SDK costs, beside what it is built on, and what importing it costs.

Counter, span, log line and task in one process each, the fastest of several rounds; CPU time of the calling thread.
Everything that is recorded is encoded as well, as it would be to be sent.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure

_ROUNDS, _CALLS = 7, 3000
_MEASURE = f"""
import json, os, sys, time
sys.stderr = open(os.devnull, "w")
def cost(call, before=lambda: None):
    seen = []
    for _ in range({_ROUNDS}):
        before()
        began = time.thread_time()
        for _ in range({_CALLS}):
            call()
        seen.append((time.thread_time() - began) / {_CALLS} * 1e6)
    return min(seen)
"""
_GNOMON = """
import gnomon, logging
gnomon.setup(service="x", endpoint="http://127.0.0.1:9", instrument="none", metrics="scrape")
from gnomon.sdk import setup
lanes = setup._running[0].outbox._lanes.values()
def clear():
    for lane in lanes:
        lane.clear()
requests = gnomon.counter("http_requests_total")
log = logging.getLogger("shop")
import structlog
structured = structlog.get_logger("shop")
tracer = setup.export.tracer_provider().get_tracer("x")
def span():
    with tracer.start_as_current_span("x", attributes={"a": "b", "n": 1}):
        pass
def task():
    with gnomon.task("x"):
        pass
def step():
    with gnomon.step("x"):
        pass
print(json.dumps({
    "counter": cost(lambda: requests.labels("GET", "/", "200").inc()),
    "span": cost(span, clear), "step": cost(step, clear), "task": cost(task, clear),
    "event": cost(lambda: gnomon.emit("order.paid", {"order.id": 7}), clear),
    "stdlib": cost(lambda: log.info("looked at %s", 7), clear),
    "structlog": cost(lambda: structured.info("looked", item=7), clear),
}))
"""
_PEERS = """
import logging, prometheus_client, structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
counter = prometheus_client.Counter("requests_total", "Requests.", ["method", "endpoint", "status"])
kept = []
class Keep(SpanProcessor):
    def on_end(self, span):
        kept.append(span)
provider = TracerProvider(resource=Resource({"service.name": "x"}))
provider.add_span_processor(Keep())
tracer = provider.get_tracer("x")
def span():
    with tracer.start_as_current_span("x", attributes={"a": "b", "n": 1}):
        pass
spans = cost(span, kept.clear)
began = time.thread_time()
encode_spans(kept).SerializeToString()
encoded = (time.thread_time() - began) / len(kept) * 1e6
structlog.configure(processors=[
    structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer(),
], logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=True)
structured = structlog.get_logger("shop")
logging.basicConfig(level="INFO", stream=sys.stderr)
log = logging.getLogger("shop")
print(json.dumps({
    "counter": cost(lambda: counter.labels("GET", "/", "200").inc()), "span": spans + encoded,
    "stdlib": cost(lambda: log.info("looked at %s", 7)), "structlog": cost(lambda: structured.info("looked", item=7)),
}))
"""
_IMPORT = """
import time, resource, json
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
bare = memory()
began = time.perf_counter()
import gnomon
imported = time.perf_counter() - began
after = memory()
began = time.perf_counter()
gnomon.setup(service="x", endpoint="")
print(json.dumps({"import": imported * 1e3, "grown": after - bare, "after": after,
                  "setup": (time.perf_counter() - began) * 1e3, "ready": memory()}))
"""


def measure(_folder: Path) -> list[Figure]:
    """Return what each use costs."""
    ours, peers = _run(_MEASURE + _GNOMON), _run(_MEASURE + _PEERS)
    starts = [_run(_IMPORT) for _ in range(5)]
    start = {name: min(one[name] for one in starts) for name in starts[0]}
    return [
        Figure("counter, three labels", ours["counter"], "µs", "prometheus_client", peers["counter"]),
        Figure("span, two attributes, encoded", ours["span"], "µs", "OpenTelemetry SDK", peers["span"]),
        Figure("step", ours["step"], "µs", "a span of the OpenTelemetry SDK", peers["span"]),
        Figure("event", ours["event"], "µs"),
        Figure("task: span, three events, accounting, metrics", ours["task"], "µs"),
        Figure("log line by logging, JSON and OTLP", ours["stdlib"], "µs", "logging, text alone", peers["stdlib"]),
        Figure(
            "log line by structlog, JSON and OTLP", ours["structlog"], "µs", "structlog, JSON alone", peers["structlog"]
        ),
        Figure("import gnomon", start["import"], "ms", target="< 150 ms", met=start["import"] < 150),
        Figure(
            "memory of a process with it", start["after"], "MiB", target="< 40 MB", met=start["after"] < 40e6 / 2**20
        ),
        Figure("gnomon.setup()", start["setup"], "ms"),
        Figure("memory of a process after it", start["ready"], "MiB"),
    ]


def _run(code: str) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GNOMON_", "OTEL_"))}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(answer.stdout)
    return told
