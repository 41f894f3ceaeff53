"""What Gnomon tells about itself."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from gnomon.model.errors import UnavailableError
from gnomon.telemetry import OWN_SPANS_DROPPED, OwnTraces, Settings, configure_logs


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_logs_are_json_lines_with_the_ids_of_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with tracer.start_as_current_span("request") as span:
        structlog.get_logger("gnomon.test").info("loaded", rows=3)
    structlog.get_logger("gnomon.test").info("idle")

    within, outside = _lines(capsys)
    assert (within["message"], within["rows"], within["level"]) == ("loaded", 3, "info")
    assert within["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert within["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert "trace_id" not in outside


def test_libraries_log_in_the_same_form_and_only_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())

    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")

    [line] = _lines(capsys)
    assert (line["message"], line["level"]) == ("Invalid HTTP request received.", "warning")


def test_an_exception_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings())
    try:
        int("many")
    except ValueError:
        structlog.get_logger("gnomon.test").exception("failed")

    [line] = _lines(capsys)
    assert "ValueError: invalid literal" in str(line["exception"])


def test_a_level_can_be_changed_while_running(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_level="warning"))
    log = structlog.get_logger("gnomon.test")
    log.info("hidden")
    configure_logs(Settings(log_level="debug"))
    log.debug("shown")

    assert [line["message"] for line in _lines(capsys)] == ["shown"]


async def test_own_spans_are_handed_over_as_otlp() -> None:
    requests: list[bytes] = []

    async def accept(request: bytes) -> None:
        requests.append(request)

    traces = OwnTraces(Settings(), accept)
    await traces.start()
    assert traces.tracer is not None
    with traces.tracer.start_as_current_span("GET /api/status"):
        pass
    await traces.stop()

    [request] = [ExportTraceServiceRequest.FromString(body) for body in requests]
    [resource_spans] = request.resource_spans
    attributes = {attribute.key: attribute.value.string_value for attribute in resource_spans.resource.attributes}
    assert attributes["service.name"] == "gnomon"
    assert resource_spans.scope_spans[0].spans[0].name == "GET /api/status"


async def test_own_spans_that_are_refused_are_counted_and_hold_nobody_up() -> None:
    async def refuse(_request: bytes) -> None:
        await asyncio.sleep(0)
        message = "The disk is full."
        raise UnavailableError(message, reason="disk_full")

    before = OWN_SPANS_DROPPED._value.get()
    traces = OwnTraces(Settings(), refuse)
    await traces.start()
    assert traces.tracer is not None
    with traces.tracer.start_as_current_span("GET /api/status"):
        pass
    await traces.stop()

    assert OWN_SPANS_DROPPED._value.get() == before + 1


async def test_own_traces_can_be_switched_off() -> None:
    async def accept(_request: bytes) -> None:
        pytest.fail("nothing should come")

    traces = OwnTraces(Settings(traces=False), accept)
    await traces.start()

    assert traces.tracer is None
    await traces.stop()
