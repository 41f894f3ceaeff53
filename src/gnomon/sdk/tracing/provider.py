"""The providers of this process: made once, since OpenTelemetry lets nobody replace them, and aimed by `setup`."""

from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from gnomon.sdk.outbox import Outbox
from gnomon.sdk.settings import Settings
from gnomon.sdk.tracing.processors import LogSender, SpanSender
from gnomon.sdk.tracing.sampling import KeepingSampler


@dataclass(slots=True)
class Recorder:
    """Hold what makes spans and log records, and where each of them is aimed."""

    tracers: TracerProvider
    loggers: LoggerProvider
    sampler: KeepingSampler
    spans: SpanSender
    logs: LogSender

    def aim(self, settings: Settings, outbox: Outbox | None) -> None:
        """Record as told, into `outbox`, or for watchers alone where it is None."""
        self.sampler.take(settings.sample_ratio if settings.traces else None)
        self.spans.aim(outbox, settings.slow_s)
        self.logs.aim(outbox)

    def rest(self) -> None:
        """Record and send nothing."""
        self.sampler.take(None)
        self.spans.aim(None, 0)
        self.logs.aim(None)


_made: list[Recorder] = []


def recorder(settings: Settings) -> Recorder:
    """Return this process's recorder; the first call makes it, with limits and resource from `settings`.

    A tracer or logger provider that the host installed before stays in place, with its sampler; it gets Gnomon's
    processor besides.
    """
    if _made:
        return _made[0]
    sampler, spans, logs = KeepingSampler(), SpanSender(), LogSender()
    resource = Resource(dict(settings.resource) | {"service.name": settings.service})
    tracers = trace.get_tracer_provider()
    if not isinstance(tracers, TracerProvider):
        tracers = TracerProvider(
            sampler=sampler,
            resource=resource,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_attribute_length=settings.attribute_bytes),
        )
        trace.set_tracer_provider(tracers)
    tracers.add_span_processor(spans)
    loggers = get_logger_provider()
    if not isinstance(loggers, LoggerProvider):
        loggers = LoggerProvider(
            resource=resource,
            shutdown_on_exit=False,
            log_record_limits=LogRecordLimits(max_attribute_length=settings.attribute_bytes),
        )
        set_logger_provider(loggers)
    loggers.add_log_record_processor(logs)
    _made.append(Recorder(tracers, loggers, sampler, spans, logs))
    return _made[0]
