"""Spans of sending and processing, by OpenTelemetry's conventions for messaging."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from gnomon.sdk import context, export
from gnomon.sdk.messaging import measures
from gnomon.sdk.messaging.propagation import REPLAY_ID_HEADER, Arrival, extract

T = TypeVar("T")

# The instrumentations of client libraries look for it; ours already makes the span, and injects what they would.
_SUPPRESSED = "suppress_instrumentation"


def tracer() -> Tracer:
    """Return what makes the spans: Gnomon's provider once it is set up, else the host's."""
    provider = export.tracer_provider() or trace.get_tracer_provider()
    return provider.get_tracer("gnomon.sdk.messaging")


def bare(method: T) -> T:
    """Return a method of a client library without what an instrumentation wrapped around it.

    Some of these cannot be suppressed, and would add a second trace context to a message's headers.
    """
    original: T = getattr(method, "__wrapped__", method)
    return original


@contextmanager
def unobserved() -> Iterator[None]:
    """Keep instrumentations of client libraries from telling the same again."""
    token = otel_context.attach(otel_context.set_value(_SUPPRESSED, True))
    try:
        yield
    finally:
        otel_context.detach(token)


@contextmanager
def sending(
    system: str,
    destination: str,
    *,
    address: str = "",
    port: int | None = None,
    body_bytes: int | None = None,
    name: str = "send",
    links: Sequence[Link] = (),
    parent: Context | None = None,
) -> Iterator[Span]:
    """Span and count what the block publishes; inject inside of it."""
    attributes = _attributes(system, destination, "send", address, port)
    if body_bytes is not None:
        attributes["messaging.message.body.size"] = body_bytes
    with tracer().start_as_current_span(
        f"{name} {destination}", parent, SpanKind.PRODUCER, attributes, links, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            fail(span, error)
            measures.record_sent(system, destination, type(error).__qualname__)
            raise
        measures.record_sent(system, destination, "")


@contextmanager
def processing(
    carrier: Any,
    *,
    system: str,
    destination: str,
    group: str = "",
    attempt: int = 1,
    received_at_s: float | None = None,
    attributes: dict[str, Any] | None = None,
) -> Iterator[Span]:
    """Continue a received message's trace and work in the block, with a span and the time it waited in the queue.

    `carrier` is the message or its headers, as `extract` takes them, or what `extract` returned. The wait runs from the
    time of sending to `received_at_s` (Unix seconds; now unless told). An exception of the block is written down and
    goes on.
    """
    arrival = carrier if isinstance(carrier, Arrival) else extract(carrier)
    described = _attributes(system, destination, "process", "", None) | (attributes or {})
    described["messaging.message.attempt"] = attempt
    if group:
        described["messaging.consumer.group.name"] = group
    links: tuple[Link, ...] = ()
    if arrival.replayed is not None:
        links = (Link(arrival.replayed, {"gnomon.link": "replay_of"}),)
    if arrival.replay_id:
        described[REPLAY_ID_HEADER] = arrival.replay_id
    if arrival.sent_at_s is not None:
        # Clocks of two machines differ; a wait is never negative.
        wait_s = max((time.time() if received_at_s is None else received_at_s) - arrival.sent_at_s, 0.0)
        described["messaging.queue.wait_s"] = wait_s
        measures.record_wait(system, destination, wait_s)
    token = otel_context.attach(arrival.context)
    started_s = time.perf_counter()
    outcome = "processed"
    try:
        with (
            context.carried(arrival.work),
            tracer().start_as_current_span(
                f"process {destination}",
                None,
                SpanKind.CONSUMER,
                described,
                links,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
        ):
            try:
                yield span
            except Exception as error:
                outcome = "failed"
                fail(span, error)
                raise
    finally:
        otel_context.detach(token)
        measures.record_processed(system, destination, outcome, time.perf_counter() - started_s)


def fail(span: Span, error: BaseException) -> None:
    """Write an error down on a span."""
    span.set_attribute("error.type", error_type(error))
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, str(error)))


def error_type(error: BaseException) -> str:
    """Return an exception's name with its module, but for Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _attributes(system: str, destination: str, operation: str, address: str, port: int | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "messaging.system": system,
        "messaging.destination.name": destination,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
    if address:
        attributes["server.address"] = address
    if port is not None:
        attributes["server.port"] = port
    return attributes
