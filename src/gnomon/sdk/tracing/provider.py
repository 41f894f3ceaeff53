"""The providers of this process: made once, since OpenTelemetry lets nobody replace them, and aimed by `setup`."""

from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from gnomon.sdk import wire
from gnomon.sdk.outbox import Outbox
from gnomon.sdk.settings import Settings
from gnomon.sdk.tracing.loggers import WireLoggerProvider
from gnomon.sdk.tracing.processors import SpanSender
from gnomon.sdk.tracing.sampling import KeepingSampler
from gnomon.sdk.tracing.tracers import WireTracerProvider


@dataclass(slots=True)
class Recorder:
    """Hold what makes spans and log records, and where each of them is aimed."""

    tracers: TracerProvider
    loggers: WireLoggerProvider
    sampler: KeepingSampler
    spans: SpanSender

    def aim(self, settings: Settings, outbox: Outbox | None) -> None:
        """Record as told, into `outbox`, or for watchers alone where it is None."""
        wire.limit_text(settings.attribute_bytes)
        self.sampler.take(settings.sample_ratio if settings.traces else None)
        self.spans.aim(outbox, settings.slow_s)
        self.loggers.aim(outbox)

    def rest(self) -> None:
        """Record and send nothing."""
        self.sampler.take(None)
        self.spans.aim(None, 0)
        self.loggers.aim(None)


_made: list[Recorder] = []


def recorder(settings: Settings) -> Recorder:
    """Return this process's recorder; the first call makes it, with limits and resource from `settings`.

    A tracer provider that the host installed before stays the global one, with its sampler, and gets Gnomon's processor
    besides; a logger provider of the host's goes on taking what the host's own handlers give it.
    """
    if _made:
        return _made[0]
    sampler, spans = KeepingSampler(), SpanSender()
    resource = Resource(dict(settings.resource) | {"service.name": settings.service})
    tracers = WireTracerProvider(sampler, resource, SpanLimits(max_attribute_length=settings.attribute_bytes), spans)
    others = trace.get_tracer_provider()
    if isinstance(others, TracerProvider):
        others.add_span_processor(spans)
    else:
        trace.set_tracer_provider(tracers)
    loggers = WireLoggerProvider()
    if isinstance(get_logger_provider(), ProxyLoggerProvider):
        set_logger_provider(loggers)
    _made.append(Recorder(tracers, loggers, sampler, spans))
    return _made[0]
