"""OpenTelemetry for one process: a resource, traces, metrics and logs over OTLP/HTTP, and baggage on everything.

Where to send, how often and how to sample comes from the standard `OTEL_…` environment variables, so this module
works unchanged with any OTLP receiver.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import baggage, metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples.agent_platform import VERSION
from examples.agent_platform.tasks import Task, TaskStatus

BAGGAGE_KEYS = ("task.id", "task.type", "tenant.id", "session.id")
"""What travels with a request through all services and is written on each span and log record on its way."""

FLUSH_WITHIN_S = 1.5
_QUIET_S = 60.0
_logger = logging.getLogger("examples.agent_platform.tasks")


@contextmanager
def export_telemetry(service: str, instance: str) -> Iterator[None]:
    """Send the spans, metrics and log records of this process until the block ends, then flush what is left."""
    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": "agent-platform",
            "service.version": VERSION,
            "service.instance.id": instance,
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )
    tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracer_provider.add_span_processor(BaggageSpanProcessor())
    span_exporter = OTLPSpanExporter()
    tracer_provider.add_span_processor(BatchSpanProcessor(span_exporter))
    trace.set_tracer_provider(tracer_provider)

    metric_exporter = OTLPMetricExporter()
    meter_provider = MeterProvider(
        [PeriodicExportingMetricReader(metric_exporter)], resource=resource, shutdown_on_exit=False
    )
    metrics.set_meter_provider(meter_provider)

    logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logger_provider.add_log_record_processor(BaggageLogRecordProcessor())
    log_exporter = OTLPLogExporter()
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    set_logger_provider(logger_provider)

    _configure_logging(LoggingHandler(logger_provider=logger_provider))
    SQLite3Instrumentor().instrument(tracer_provider=tracer_provider)
    try:
        yield
    finally:
        # An exporter that is shut down gives up its retries: a receiver that is away must not hold up our end.
        exporters = (span_exporter, metric_exporter, log_exporter)
        give_up = [threading.Timer(FLUSH_WITHIN_S, exporter.shutdown) for exporter in exporters]
        for timer in give_up:
            timer.start()
        tracer_provider.shutdown()
        meter_provider.shutdown()
        logger_provider.shutdown()
        for timer in give_up:
            timer.cancel()


def with_task_baggage(task: Task) -> Context:
    """Return the current context with the baggage that marks everything done for this task."""
    context: Context | None = None
    for key, value in task_attributes(task).items():
        context = baggage.set_baggage(key, value, context)
    return context or Context()


def task_attributes(task: Task) -> dict[str, str]:
    """Return the attributes that name a task wherever it goes."""
    return {
        "task.id": task.id,
        "task.type": task.type,
        "tenant.id": task.tenant_id,
        "session.id": task.session_id,
    }


def log_stage(
    status: TaskStatus, detail: str, *, error: BaseException | None = None, **attributes: str | float
) -> None:
    """Log that the current task reached a stage, as an OpenTelemetry event named `task.<status>`.

    A stage that came about by an error is logged as one, with its stack.
    Attribute names are written with underscores for dots: `task_queue` becomes `task.queue`.
    """
    named = {name.replace("_", ".", 1): value for name, value in attributes.items()}
    extra = {"otel.event.name": f"task.{status}", "task.status": status.value, **named}
    _logger.log(
        logging.ERROR if error else logging.INFO, "Task %s: %s", status.value, detail, exc_info=error, extra=extra
    )


class BaggageSpanProcessor(SpanProcessor):
    """Write the baggage that we know on every span when it starts."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Set the attributes; baggage of other names stays out, since anyone may send it."""
        for key in BAGGAGE_KEYS:
            value = baggage.get_baggage(key, parent_context)
            if value is not None:
                span.set_attribute(key, str(value))


class BaggageLogRecordProcessor(LogRecordProcessor):
    """Write the baggage that we know on every log record."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Add the attributes unless the record has its own."""
        record = log_record.log_record
        known = {key: baggage.get_baggage(key, record.context) for key in BAGGAGE_KEYS}
        found = {key: str(value) for key, value in known.items() if value is not None}
        record.attributes = {**found, **(record.attributes or {})}

    def shutdown(self) -> None:
        """Do nothing: nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return at once: nothing is held."""
        del timeout_millis
        return True


class OncePerMinute(logging.Filter):
    """Let the same complaint through once a minute."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        super().__init__()
        self._last_seen_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether this message has not been seen for a minute."""
        now_s = time.monotonic()
        if now_s - self._last_seen_s.get(str(record.msg), -_QUIET_S) < _QUIET_S:
            return False
        self._last_seen_s[str(record.msg)] = now_s
        return True


def _configure_logging(otlp_handler: logging.Handler) -> None:
    """Log to stderr and over OTLP; what the exporters say goes to stderr only, or it would feed itself."""
    console = logging.StreamHandler()
    console.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [console, otlp_handler]
    logging.getLogger("examples").setLevel(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)

    quiet_console = logging.StreamHandler()
    quiet_console.setFormatter(console.formatter)
    quiet_console.addFilter(OncePerMinute())
    for name in ("opentelemetry", "urllib3"):
        logger = logging.getLogger(name)
        logger.handlers = [quiet_console]
        logger.propagate = False
