"""Gnomon's own logs and traces: JSON lines on standard error, and spans handed to its own ingest."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from prometheus_client import Counter

from gnomon import __version__
from gnomon.model.errors import GnomonError

log = structlog.get_logger(__name__)

OWN_SPANS_DROPPED = Counter("gnomon_own_spans_dropped_total", "Gnomon's own spans that could not be stored.")

_EXPORT_TIMEOUT_S = 5.0
_EXPORT_DELAY_MS = 1000
# Libraries that log each request or statement of theirs.
_QUIET = ("uvicorn", "alembic", "sqlalchemy", "aiosqlite", "asyncio", "httpx", "httpcore", "grpc")

AcceptTraces = Callable[[bytes], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Settings:
    """Say what Gnomon tells about itself, and how."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    traces: bool = True
    traces_sample_ratio: float = 1.0


def configure_logs(settings: Settings) -> None:
    """Send every log of this process, libraries' included, to standard error; may be called again with other settings.

    `auto` writes for people on a terminal and JSON lines elsewhere.
    """
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_ids,
    ]
    if as_json:
        final: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    else:
        final = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


class OwnTraces:
    """Trace Gnomon's own requests into its own store, in process; ingest itself is never traced."""

    def __init__(self, settings: Settings, accept: AcceptTraces) -> None:
        """Hand serialized OTLP trace requests to `accept`."""
        self._settings = settings
        self._accept = accept
        self._provider: TracerProvider | None = None

    @property
    def tracer(self) -> trace.Tracer | None:
        """Return the tracer for requests, or None where own traces are off or not started."""
        return self._provider.get_tracer("gnomon") if self._provider else None

    async def start(self) -> None:
        """Begin to trace, as the process's tracer provider, so that spans of the engine's queries join in."""
        if not self._settings.traces:
            return
        provider = TracerProvider(
            resource=Resource.create({"service.name": "gnomon", "service.version": __version__}),
            sampler=ParentBased(_ReplaysAlways(self._settings.traces_sample_ratio)),
            shutdown_on_exit=False,
        )
        exporter = _InProcessExporter(self._accept, asyncio.get_running_loop())
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_DELAY_MS))
        trace.set_tracer_provider(provider)
        self._provider = provider

    async def stop(self) -> None:
        """Export what is left."""
        if self._provider is not None:
            await asyncio.to_thread(self._provider.shutdown)
            self._provider = None


class _ReplaysAlways(TraceIdRatioBased):
    """Sample a share of traces, and each that replays a dead letter: its consumers follow what is decided here."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the decision for a root span."""
        replayed = kind is SpanKind.PRODUCER and name.startswith("replay ")
        if replayed:
            return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        return super().should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)


class _InProcessExporter(SpanExporter):
    """Run in the batch processor's thread; the write itself happens on the server's loop."""

    def __init__(self, accept: AcceptTraces, loop: asyncio.AbstractEventLoop) -> None:
        self._accept = accept
        self._loop = loop

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand one batch over; a batch that is refused is counted and forgotten: own traces never wait for anything."""
        request = encode_spans(spans).SerializeToString()
        try:
            asyncio.run_coroutine_threadsafe(self._hand_over(request), self._loop).result(_EXPORT_TIMEOUT_S)
        except (GnomonError, TimeoutError, RuntimeError) as error:
            OWN_SPANS_DROPPED.inc(len(spans))
            log.debug("own spans dropped", spans=len(spans), reason=str(error))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    async def _hand_over(self, request: bytes) -> None:
        await self._accept(request)


def _add_trace_ids(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
