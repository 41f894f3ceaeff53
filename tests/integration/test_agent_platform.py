"""The sample agent platform, started for real, watched by a recorder at the other end of OTLP/HTTP."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from examples.agent_platform.incidents import Surroundings, failing_file_store
from examples.agent_platform.launcher import Platform, PlatformSettings
from examples.agent_platform.personas import UNLUCKY_PATTERN

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    service: str
    resource: dict[str, Any]
    attributes: dict[str, Any]
    span: Span

    @property
    def name(self) -> str:
        return self.span.name


@dataclass(frozen=True, slots=True)
class RecordedLog:
    service: str
    attributes: dict[str, Any]
    event: str
    severity: str
    body: str
    trace_id: bytes


@dataclass(slots=True)
class Recorder:
    """Decode and keep whatever arrives."""

    spans: list[RecordedSpan] = field(default_factory=list)
    logs: list[RecordedLog] = field(default_factory=list)
    measures: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def record_traces(self, body: bytes) -> None:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = to_dict(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                self.spans.extend(
                    RecordedSpan(resource["service.name"], resource, to_dict(span.attributes), span)
                    for span in scope_spans.spans
                )

    def record_logs(self, body: bytes) -> None:
        for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
            service = to_dict(resource_logs.resource.attributes)["service.name"]
            for scope_logs in resource_logs.scope_logs:
                self.logs.extend(
                    RecordedLog(
                        service,
                        to_dict(record.attributes),
                        record.event_name,
                        record.severity_text,
                        record.body.string_value,
                        record.trace_id,
                    )
                    for record in scope_logs.log_records
                )

    def record_metrics(self, body: bytes) -> None:
        """Keep the newest value (of histograms: the count) by process, metric and attributes."""
        for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            instance = to_dict(resource_metrics.resource.attributes)["service.instance.id"]
            for metric in (metric for scope in resource_metrics.scope_metrics for metric in scope.metrics):
                data = getattr(metric, str(metric.WhichOneof("data")))
                for point in data.data_points:
                    value = point.count if metric.WhichOneof("data") == "histogram" else point.as_int + point.as_double
                    self.measures[instance, metric.name, str(sorted(to_dict(point.attributes).items()))] = value

    def total(self, metric: str, *attributes: tuple[str, str]) -> float:
        """Return the sum over all processes of what a metric counted with these attributes."""
        found = list(self.measures.items())
        wanted = [str(attribute) for attribute in attributes]
        return sum(value for (_, name, has), value in found if name == metric and all(one in has for one in wanted))

    def spans_of(self, task_id: str) -> list[RecordedSpan]:
        return [span for span in list(self.spans) if span.attributes.get("task.id") == task_id]

    def logs_of(self, task_id: str) -> list[RecordedLog]:
        return [log for log in list(self.logs) if log.attributes.get("task.id") == task_id]

    def events_of(self, task_id: str) -> list[str]:
        return [log.event for log in self.logs_of(task_id) if log.event]


def to_dict(attributes: Any) -> dict[str, Any]:
    def unwrap(pair: KeyValue) -> Any:
        kind = pair.value.WhichOneof("value")
        return getattr(pair.value, kind) if kind else None

    return {pair.key: unwrap(pair) for pair in attributes}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"Waited {PATIENCE_S} s in vain until {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def recorder() -> Iterator[tuple[Recorder, str]]:
    recorded = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            record = {
                "/v1/traces": recorded.record_traces,
                "/v1/metrics": recorded.record_metrics,
                "/v1/logs": recorded.record_logs,
            }
            record[self.path](body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield recorded, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def platform(recorder: tuple[Recorder, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    settings = PlatformSettings(endpoint=recorder[1], state_dir=tmp_path_factory.mktemp("platform"))
    with Platform(settings) as running:
        yield running


@pytest.fixture
def recorded(recorder: tuple[Recorder, str]) -> Recorder:
    return recorder[0]


def submit(platform: Platform, task_type: str, **arguments: object) -> str:
    """Return the id of a new task."""
    response = httpx.post(
        f"{platform.urls['gateway']}/tasks",
        json={"type": task_type, "arguments": arguments, "tenant_id": "acme", "session_id": "s-1"},
    )
    assert response.status_code == 202
    task_id: str = response.json()["id"]
    return task_id


def wait_for_task(platform: Platform, task_id: str) -> dict[str, Any]:
    """Return the task as the gateway shows it once it is finished."""
    found: dict[str, Any] = {}

    def is_final() -> bool:
        found.update(httpx.get(f"{platform.urls['gateway']}/tasks/{task_id}").json())
        return found["final"] is True

    wait_until(is_final, f"task {task_id} is finished")
    return found


def find_unfinished(spans: list[RecordedSpan]) -> set[bytes]:
    """Return the ids of parents that have not been reported."""
    return {span.span.parent_span_id for span in spans if span.span.parent_span_id} - {s.span.span_id for s in spans}


def test_one_trace_spans_all_services_with_each_parent_in_the_caller(platform: Platform, recorded: Recorder) -> None:
    """From the gateway through router, queue and worker to the tool's own steps there is one unbroken chain."""
    task_id = submit(platform, "answer", question="how are exceptions handled")
    assert wait_for_task(platform, task_id)["status"] == "completed"
    last_names = {"POST /tasks", "send interactive", "score documents", "run search", "decode", "process interactive"}
    wait_until(lambda: last_names <= {span.name for span in recorded.spans_of(task_id)}, "all services have reported")
    wait_until(lambda: find_unfinished(recorded.spans_of(task_id)) == set(), "no parent is missing")
    spans = recorded.spans_of(task_id)
    root = next(span for span in spans if span.name == "POST /tasks")
    by_id = {span.span.span_id: span for span in spans if span.span.trace_id == root.span.trace_id}

    def chain_of(name: str) -> list[tuple[str, str]]:
        span = next(span for span in by_id.values() if span.name == name)
        found = [(span.service, span.name)]
        while span.span.parent_span_id:
            span = by_id[span.span.parent_span_id]
            found.append((span.service, span.name))
        return found[::-1]

    assert chain_of("score documents") == [
        ("gateway", "POST /tasks"),
        ("gateway", "POST"),
        ("router", "POST /tasks/{task_id}"),
        ("router", "send interactive"),
        ("worker", "process interactive"),
        ("worker", "invoke_agent librarian"),
        ("worker", "execute_tool search"),
        ("worker", "POST"),
        ("tool-executor", "POST /tools/{tool}"),
        ("tool-executor", "run search"),
        ("tool-executor", "score documents"),
    ]
    assert chain_of("decode")[-2:] == [("model", "POST /v1/chat/completions"), ("model", "decode")]
    send = next(span for span in by_id.values() if span.name == "send interactive")
    process = next(span for span in by_id.values() if span.name == "process interactive")
    assert (send.span.kind, process.span.kind) == (Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER)
    assert [link.span_id for link in process.span.links] == [send.span.span_id]
    chat = next(span for span in by_id.values() if span.name == "chat tiny-markov-1")
    assert chat.attributes["gen_ai.usage.input_tokens"] > chat.attributes["gen_ai.usage.output_tokens"] > 0
    assert {span.attributes["tenant.id"] for span in by_id.values()} == {"acme"}
    assert root.resource.keys() >= {
        "service.version",
        "service.instance.id",
        "host.name",
        "deployment.environment.name",
    }


def test_each_stage_is_an_event_in_the_trace_of_the_task(platform: Platform, recorded: Recorder) -> None:
    """The stages arrive as named log records that bear the task and its trace."""
    task_id = submit(platform, "calculate", expression="2 * 21")
    assert wait_for_task(platform, task_id)["result"] == 42
    wait_until(lambda: len(recorded.events_of(task_id)) == 6, "six stages are reported")
    assert set(recorded.events_of(task_id)) == {
        "task.submitted",
        "task.queued",
        "task.routed",
        "task.assigned",
        "task.executing",
        "task.completed",
    }
    trace_id = next(span for span in recorded.spans_of(task_id) if span.name == "POST /tasks").span.trace_id
    assert {log.trace_id for log in recorded.logs_of(task_id)} == {trace_id}


def _counts_more(recorded: Recorder, metric: str, attributes: tuple[tuple[str, str], ...], than: float) -> bool:
    return recorded.total(metric, *attributes) > than


def test_what_happened_is_counted(platform: Platform, recorded: Recorder) -> None:
    """One task more is one task, one run of its tool and one execution of its agent more."""
    wanted: dict[str, tuple[tuple[str, str], ...]] = {
        "tasks": (("type", "calculate"), ("status", "completed")),
        "tasks_duration": (("task_type", "calculate"), ("status", "completed")),
        "agent_execution": (("agent_id", "mathematician"), ("status", "completed")),
        "tool_execution": (("tool_name", "calculator"), ("status", "success")),
        "http.server.request.duration": (("http.route", "/tools/{tool}"),),
    }
    before = {metric: recorded.total(metric, *attributes) for metric, attributes in wanted.items()}
    task_id = submit(platform, "calculate", expression="3 * 14")
    assert wait_for_task(platform, task_id)["result"] == 42
    for metric, attributes in wanted.items():
        wait_until(partial(_counts_more, recorded, metric, attributes, before[metric]), f"{metric} counts the task")
    queues = {key[2] for key in recorded.measures if key[1] == "tasks_in_queue"}
    assert queues == {"[('queue', 'batch')]", "[('queue', 'interactive')]"}


def test_a_division_by_zero_fails_the_task_with_the_stack_of_the_tool(platform: Platform, recorded: Recorder) -> None:
    """The span shows where it went wrong inside the tool's process; the log has the worker's own stack."""
    task_id = submit(platform, "calculate", expression="1 / 0")
    assert wait_for_task(platform, task_id)["status"] == "failed"
    wait_until(lambda: "task.failed" in recorded.events_of(task_id), "the failure is logged")
    wait_until(
        lambda: any(span.name == "run calculator" for span in recorded.spans_of(task_id)), "the tool's span is there"
    )
    run = next(span for span in recorded.spans_of(task_id) if span.name == "run calculator")
    assert run.span.status.code == Status.STATUS_CODE_ERROR
    (event,) = [to_dict(event.attributes) for event in run.span.events if event.name == "exception"]
    assert event["exception.type"] == "ZeroDivisionError"
    assert "in evaluate" in event["exception.stacktrace"]
    (log,) = [log for log in recorded.logs_of(task_id) if log.event == "task.failed"]
    assert log.severity == "ERROR"
    assert "Traceback" in log.attributes["exception.stacktrace"]


def test_a_tool_that_never_ends_is_stopped_and_its_task_dead_lettered(platform: Platform, recorded: Recorder) -> None:
    """Three attempts, each in the same trace, then the task is set aside."""
    task_id = submit(platform, "extract", pattern=UNLUCKY_PATTERN, document="types.txt")
    assert wait_for_task(platform, task_id)["status"] == "dead_lettered"
    wait_until(lambda: "task.dead_lettered" in recorded.events_of(task_id), "the end is logged")
    wait_until(
        lambda: (
            [s.attributes["task.attempt"] for s in recorded.spans_of(task_id) if s.name == "process batch"] == [1, 2, 3]
        ),
        "three attempts are reported",
    )
    assert len({span.span.trace_id for span in recorded.spans_of(task_id) if span.name == "process batch"}) == 1
    errors = {span.attributes["error.type"] for span in recorded.spans_of(task_id) if span.name == "run pattern"}
    assert errors == {"TimeoutError"}


def test_calls_are_retried_while_the_file_store_is_away(platform: Platform, recorded: Recorder) -> None:
    """Back-off shows as events of the call's span, and the task succeeds once the store is back."""
    over = threading.Event()
    surroundings = Surroundings(platform.settings.state_dir, platform.list_worker_pids)
    incident = threading.Thread(target=failing_file_store, args=(surroundings, over))
    incident.start()
    try:
        wait_until((platform.settings.state_dir / "files").is_file, "the folder is away")
        task_id = submit(platform, "answer", question="what are descriptors")
        wait_until(lambda: any("Retry" in log.body for log in recorded.logs_of(task_id)), "a retry is logged")
    finally:
        over.set()
        incident.join()
    found = wait_for_task(platform, task_id)
    assert found["status"] == "completed"
    wait_until(
        lambda: any(
            event.name == "retry"
            for span in recorded.spans_of(task_id)
            if span.name == "execute_tool search"
            for event in span.span.events
        ),
        "the retry is an event of the span",
    )


def test_a_killed_worker_is_replaced(platform: Platform) -> None:
    """The launcher starts another one, and tasks go on."""
    (victim, *_rest) = platform.list_worker_pids()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in platform.list_worker_pids(), "the worker is gone")

    def is_replaced() -> bool:
        platform.restart_dead()
        return len(platform.list_worker_pids()) == 2

    wait_until(is_replaced, "the worker is replaced")
    assert wait_for_task(platform, submit(platform, "calculate", expression="1 + 1"))["result"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_launcher(tmp_path: Path, number: signal.Signals) -> None:
    """However the launcher ends, and though nobody receives its telemetry, all services end with it."""
    command = [
        sys.executable,
        "examples/agent_platform/run.py",
        "--endpoint",
        "http://127.0.0.1:9",
        "--state-dir",
        str(tmp_path),
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as launcher:
        assert launcher.stderr is not None
        assert "running; gateway at" in launcher.stderr.readline()
        services = psutil.Process(launcher.pid).children(recursive=True)
        assert len(services) >= 7
        launcher.send_signal(number)
        assert launcher.wait(PATIENCE_S) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    _gone, alive = psutil.wait_procs(services, timeout=PATIENCE_S)
    assert alive == []
    assert not any("Traceback" in log.read_text() for log in (tmp_path / "logs").glob("*.log"))
