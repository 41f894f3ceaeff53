"""Gnomon's spans are what the OpenTelemetry SDK's would be after the same calls."""

import asyncio
import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from gnomon.sdk import wire
from gnomon.sdk.tracing.processors import SpanSender
from gnomon.sdk.tracing.sampling import KeepingSampler
from gnomon.sdk.tracing.tracers import WireTracerProvider

LIMITS = SpanLimits(
    max_span_attributes=4,
    max_events=2,
    max_links=2,
    max_event_attributes=2,
    max_link_attributes=2,
    max_attribute_length=5,
)
ELSEWHERE = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(3), trace_state=TraceState([("a", "b")]))
NOWHERE = SpanContext(0, 0, is_remote=False)


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def sampler(ratio: float | None = 1.0) -> KeepingSampler:
    keeping = KeepingSampler()
    keeping.take(ratio)
    return keeping


def ours(limits: SpanLimits = LIMITS, ratio: float | None = 1.0) -> TracerProvider:
    return WireTracerProvider(sampler(ratio), Resource({"a": "b"}), limits, SpanSender())


def theirs(limits: SpanLimits = LIMITS, ratio: float | None = 1.0) -> TracerProvider:
    return TracerProvider(sampler(ratio), Resource({"a": "b"}), shutdown_on_exit=False, span_limits=limits)


def written(provider: TracerProvider, use: Callable[[Tracer], object]) -> Message:
    """What is sent of the spans that `use` makes, but for the ids that are drawn."""
    kept = Kept()
    provider.add_span_processor(kept)
    use(provider.get_tracer("scope", "1.0", "https://schema/1"))
    request = ExportTraceServiceRequest.FromString(
        wire.request({}, [(span.instrumentation_scope, wire.span(span)) for span in kept.spans])
    )
    for scope in request.resource_spans[0].scope_spans:
        for span in scope.spans:
            span.span_id = span.trace_id = b""
    return request


keys = st.one_of(st.sampled_from(["a", "b", "c", "d", "e", "", "long key"]), st.just(7))
texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.binary(max_size=4),
    st.lists(texts, max_size=3),
    st.none(),
    st.just({"deep": [1, "x"]}),
    st.builds(object).map(lambda _: Odd()),
)
maps = st.dictionaries(keys, values, max_size=6)
statuses = st.one_of(
    st.tuples(st.sampled_from(StatusCode), st.one_of(st.none(), texts)),
    st.tuples(st.builds(Status, st.just(StatusCode.ERROR), texts)),
    st.tuples(st.builds(Status, st.just(StatusCode.OK))),
)
contexts = st.sampled_from([ELSEWHERE, NOWHERE])
calls = st.one_of(
    st.tuples(st.just("set_attribute"), st.tuples(keys, values)),
    st.tuples(st.just("set_attributes"), st.tuples(maps)),
    st.tuples(st.just("add_event"), st.tuples(texts, st.one_of(st.none(), maps), st.integers(1, 9))),
    st.tuples(st.just("add_link"), st.tuples(contexts, st.one_of(st.none(), maps))),
    st.tuples(st.just("update_name"), st.tuples(texts)),
    st.tuples(st.just("set_status"), statuses),
    st.tuples(st.just("record_exception"), st.tuples(st.just(KeyError("x")), st.just({"more": 1}), st.just(3))),
    st.tuples(st.just("end"), st.tuples(st.integers(5, 50))),
)


class Odd:
    def __str__(self) -> str:
        return "odd"


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.none(), maps), st.lists(contexts, max_size=3), st.sampled_from(SpanKind), st.lists(calls, max_size=8)
)
def test_the_same_calls_write_the_same_bytes(
    attributes: dict[Any, Any] | None,
    links: Sequence[SpanContext],
    kind: SpanKind,
    later: Sequence[tuple[str, tuple[Any, ...]]],
) -> None:
    def use(tracer: Tracer) -> None:
        span = tracer.start_span(
            "work", Context(), kind, attributes, [Link(one, {"why": "x", "n": 1, "m": 2}) for one in links], 4
        )
        for name, arguments in later:
            getattr(span, name)(*arguments)
        span.end(60)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert written(ours(), use) == written(theirs(), use)


def in_block(tracer: Tracer) -> None:
    with pytest.raises(KeyError), tracer.start_as_current_span("x", Context(), start_time=1, end_on_exit=False) as span:
        raise KeyError("y")
    span.end(2)


def in_block_untold(tracer: Tracer) -> None:
    with (
        pytest.raises(KeyError),
        tracer.start_as_current_span(
            "x", Context(), start_time=1, record_exception=False, set_status_on_exception=False, end_on_exit=False
        ) as span,
    ):
        raise KeyError("y")
    span.end(2)


def span_as_block(tracer: Tracer) -> None:
    with pytest.raises(KeyError), tracer.start_span("x", Context(), start_time=1) as span:
        raise KeyError("y")
    assert not span.is_recording()


def cancelled(tracer: Tracer) -> None:
    with (
        pytest.raises(asyncio.CancelledError),
        tracer.start_as_current_span("x", Context(), start_time=1, end_on_exit=False) as span,
    ):
        raise asyncio.CancelledError
    span.end(2)


def without_times(request: Message) -> list[tuple[Any, ...]]:
    """What is told of each span, but for the moment and the stack of its exceptions."""
    return [
        (
            span.name,
            span.status.code,
            span.status.message[:8],
            [(event.name, sorted(pair.key for pair in event.attributes)) for event in span.events],
        )
        for scope in request.resource_spans[0].scope_spans  # type: ignore[attr-defined]
        for span in scope.spans
    ]


@pytest.mark.parametrize("use", [in_block, in_block_untold, span_as_block, cancelled])
def test_exceptions_are_told_as_the_official_sdk_tells_them(use: Callable[[Tracer], None]) -> None:
    limits = SpanLimits()
    assert without_times(written(ours(limits), use)) == without_times(written(theirs(limits), use))


@pytest.mark.parametrize("make", [ours, theirs])
def test_functions_and_coroutine_functions_run_in_a_span_each_call(make: Callable[..., TracerProvider]) -> None:
    def use(tracer: Tracer) -> None:
        @tracer.start_as_current_span("plain")
        def plain() -> Span:
            return trace.get_current_span()

        @tracer.start_as_current_span("awaited")
        async def awaited() -> Span:
            await asyncio.sleep(0)
            return trace.get_current_span()

        assert plain() is not plain()
        assert asyncio.run(awaited()).get_span_context().is_valid

    assert [span[0] for span in without_times(written(make(), use))] == ["plain", "plain", "awaited"]


@pytest.mark.parametrize("make", [ours, theirs])
@pytest.mark.parametrize("ratio", [1.0, 0.0, None])
def test_ids_and_flags_follow_the_parent_and_the_sampler(
    make: Callable[..., TracerProvider], ratio: float | None
) -> None:
    tracer = make(ratio=ratio).get_tracer("x")
    under = tracer.start_span("inner", set_span_in_context(NonRecordingSpan(ELSEWHERE))).get_span_context()
    assert under.trace_id == 5
    assert under.span_id != 6
    assert not under.is_remote
    root = tracer.start_span("root", Context())
    assert root.is_recording() is (ratio is not None)
    assert root.get_span_context().trace_flags == (3 if ratio == 1.0 else 2)
    if ratio is not None:
        assert (under.trace_flags, under.trace_state) == (3, ELSEWHERE.trace_state)
        decision = sampler(ratio).should_sample(None, root.get_span_context().trace_id, "x").decision
        assert decision is (Decision.RECORD_AND_SAMPLE if ratio else Decision.RECORD_ONLY)


def test_a_seeded_host_gets_other_ids_in_each_run() -> None:
    seen = set()
    for _ in range(2):
        random.seed(42)
        seen.add(ours().get_tracer("x").start_span("x", Context()).get_span_context().trace_id)
    assert len(seen) == 2


def test_processors_and_exporters_of_the_host_see_every_span() -> None:
    provider, exporter = ours(SpanLimits()), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("x").start_as_current_span("outer", attributes={"n": 1}) as outer:
        outer.add_event("e")
    [span] = exporter.get_finished_spans()
    assert (span.name, dict(span.attributes or {}), [event.name for event in span.events]) == ("outer", {"n": 1}, ["e"])
    assert span.resource.attributes["a"] == "b"
    assert '"outer"' in span.to_json()
    assert provider.force_flush()


def test_an_ended_span_stays_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    span = ours().get_tracer("x").start_span("x", Context())
    span.end(7)
    span.set_attribute("a", 1)
    span.update_name("y")
    span.end(9)
    assert isinstance(span, ReadableSpan)
    assert (span.name, span.attributes, span.end_time) == ("x", {}, 7)
    assert len(caplog.records) == 3
