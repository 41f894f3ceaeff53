"""Spans, events and metrics of the SDK as tests read them: exported to memory by OpenTelemetry's own SDK."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gnomon.sdk import export


@dataclass(frozen=True, slots=True)
class RecordedTelemetry:
    """What was told since the block began."""

    span_exporter: InMemorySpanExporter
    log_exporter: InMemoryLogRecordExporter

    def spans(self, name: str = "") -> list[ReadableSpan]:
        return [span for span in self.span_exporter.get_finished_spans() if not name or span.name == name]

    def span(self, name: str) -> ReadableSpan:
        [span] = self.spans(name)
        return span

    def events(self, name: str) -> list[Any]:
        return [log.log_record for log in self.log_exporter.get_finished_logs() if log.log_record.event_name == name]

    def event(self, name: str) -> Mapping[str, Any]:
        [event] = self.events(name)
        attributes: Mapping[str, Any] = event.attributes
        return attributes


@contextmanager
def telemetry_recorded() -> Iterator[RecordedTelemetry]:
    """Make the SDK export to memory until the block ends."""
    before = export.tracer_provider(), export.logger_provider()
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    tracers, loggers = TracerProvider(), LoggerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
    export.install(tracers, loggers)
    try:
        yield RecordedTelemetry(spans, logs)
    finally:
        export.install(*before)
        tracers.shutdown()
        loggers.shutdown()


@pytest.fixture
def telemetry() -> Iterator[RecordedTelemetry]:
    """Give what the SDK tells during the test."""
    with telemetry_recorded() as recorded:
        yield recorded
