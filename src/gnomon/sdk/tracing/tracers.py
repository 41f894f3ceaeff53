"""Tracers that make WireSpans, behind OpenTelemetry's own tracer provider with its limits, resource and processors."""

import functools
import inspect
import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import Token
from time import time_ns
from types import TracebackType
from typing import Any

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from gnomon.sdk.tracing.processors import SpanSender
from gnomon.sdk.tracing.sampling import KeepingSampler
from gnomon.sdk.tracing.spans import WireSpan

_MANY = 2000
_SAMPLED, _RANDOM = TraceFlags.SAMPLED, TraceFlags.RANDOM_TRACE_ID
_FLAGS = tuple(TraceFlags(number) for number in range(4))


class RandomIds(IdGenerator):
    """Draw ids from a generator of its own: that of the host may be seeded, for the same numbers in each run."""

    def __init__(self) -> None:
        """Seed from the operating system, and again in each forked child."""
        self._draw = random.Random()  # noqa: S311 - ids, not secrets
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._draw.seed)

    def generate_span_id(self) -> int:
        """Return 64 bits that are not all zero."""
        return self._draw.getrandbits(64) or self.generate_span_id()

    def generate_trace_id(self) -> int:
        """Return 128 bits that are not all zero."""
        return self._draw.getrandbits(128) or self.generate_trace_id()

    def is_trace_id_random(self) -> bool:
        """Tell that all bits are random."""
        return True


class WireTracerProvider(TracerProvider):
    """Hand out tracers, one a scope; `sender` gets each span, then whatever processors were added."""

    def __init__(self, sampler: KeepingSampler, resource: Resource, limits: SpanLimits, sender: SpanSender) -> None:
        """Take what decides, what describes this process, what bounds spans, and where these go."""
        super().__init__(
            sampler=sampler, resource=resource, shutdown_on_exit=False, span_limits=limits, id_generator=RandomIds()
        )
        self.sender = sender
        self.limits = limits
        self.keeping = sampler
        # Processors that the host added; none is the usual case, and costs nothing.
        self.others: SpanProcessor | None = None
        self._named: dict[tuple[str, str | None, str | None], Tracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Tracer:
        """Return the tracer of a scope."""
        key = (instrumenting_module_name, instrumenting_library_version, schema_url)
        found = None if attributes else self._named.get(key)
        if found is None:
            found = self._make_tracer(*key, attributes)
            if not attributes and len(self._named) < _MANY:
                self._named[key] = found
        return found

    def _make_tracer(
        self, name: str, version: str | None, schema_url: str | None, attributes: Mapping[str, Any] | None
    ) -> Tracer:
        if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
            return NoOpTracer()
        return WireTracer(self, InstrumentationScope(name or "", version or "", schema_url, attributes))

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Show each span to a processor as well."""
        super().add_span_processor(span_processor)
        self.others = self._active_span_processor

    def shutdown(self) -> None:
        """Shut the host's processors down."""
        super().shutdown()
        self.sender.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits, here and in the host's processors."""
        sent = self.sender.force_flush(timeout_millis)
        return super().force_flush(timeout_millis) and sent


class WireTracer(Tracer):
    """Start spans of one scope."""

    def __init__(self, provider: WireTracerProvider, scope: InstrumentationScope) -> None:
        """Take whose it is, and what the spans are of."""
        self._provider = provider
        self.scope = scope
        self.limits = provider.limits
        most, longest = self.limits.max_span_attributes, self.limits.max_span_attribute_length
        self.attribute_limit = float("inf") if most is None else most
        self.text_limit = float("inf") if longest is None else longest
        self._new_trace_id = provider.id_generator.generate_trace_id
        self._new_span_id = provider.id_generator.generate_span_id

    @property
    def resource(self) -> Resource:
        """Return what describes this process."""
        return self._provider.resource

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the interface's
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - as above
    ) -> Span:
        """Start a span, in the context's trace or a new one; it becomes nobody's current span."""
        provider = self._provider
        above = get_current_span(context).get_span_context()
        parent = above if above.is_valid else None
        if parent is None:
            trace_id, random_bit = self._new_trace_id(), _RANDOM
        else:
            trace_id, random_bit = parent.trace_id, parent.trace_flags & _RANDOM
        sampled = provider.keeping.samples(parent, trace_id)
        ids = SpanContext(
            trace_id,
            self._new_span_id(),
            False,
            _FLAGS[random_bit | (_SAMPLED if sampled else 0)],
            above.trace_state,
        )
        if sampled is None:
            return NonRecordingSpan(ids)
        span = WireSpan(self, name, ids, parent, kind, time_ns() if start_time is None else start_time)
        if attributes:
            span.set_attributes(attributes)
        if links:
            span.begin_links(links)
        if not (record_exception and set_status_on_exception):
            span._record_exception = record_exception  # noqa: SLF001 - what `with span:` reads
            span._set_status_on_exception = set_status_on_exception  # noqa: SLF001
        provider.sender.on_start(span, context)
        if provider.others is not None:
            provider.others.on_start(span, context)
        return span

    def start_as_current_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the interface's
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - as above
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - as above
    ) -> "_CurrentSpan":
        """Return a block, and a decorator of functions and coroutine functions, that runs in a span of its own."""
        start = functools.partial(
            self.start_span,
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        return _CurrentSpan(start, record_exception, set_status_on_exception, end_on_exit)

    def ended(self, span: WireSpan) -> None:
        """Pass an ended span on."""
        provider = self._provider
        provider.sender.on_end(span)
        others = provider.others
        if others is not None:
            others._on_ending(span)  # noqa: SLF001 - part of what processors may have
            others.on_end(span)


class _CurrentSpan(AbstractContextManager[Span]):
    """Start a span, make it current, and end it with the block."""

    __slots__ = ("_end", "_record", "_set_status", "_span", "_start", "_token")

    def __init__(self, start: Callable[[], Span], record: bool, set_status: bool, end: bool) -> None:  # noqa: FBT001
        self._start = start
        self._record = record
        self._set_status = set_status
        self._end = end
        self._span: Span | None = None
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        span = self._span = self._start()
        self._token = attach(set_span_in_context(span, get_current()))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span, token = self._span, self._token
        if span is None or token is None:
            return
        detach(token)
        try:
            if isinstance(error, Exception) and span.is_recording():
                if self._record:
                    span.record_exception(error)
                if self._set_status:
                    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        finally:
            if self._end:
                span.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Run each call of a function in a span of its own."""

        def again() -> _CurrentSpan:
            return _CurrentSpan(self._start, self._record, self._set_status, self._end)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wait(*args: Any, **kwargs: Any) -> Any:
                with again():
                    return await function(*args, **kwargs)

            return wait

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with again():
                return function(*args, **kwargs)

        return call
