"""Trace context, baggage and the ids of the work, in and out of a message's headers.

Carriers are what the client libraries take and give: a dict (RabbitMQ, NATS, Redis), a list of pairs of text and bytes
(Kafka), or the received object itself, whose `headers` are an attribute or a method.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gnomon.sdk import context
from gnomon.sdk.context import ATTRIBUTES, WorkContext
from gnomon.sdk.faults import guarded
from gnomon.sdk.messaging.messages import header_text

SENT_AT_HEADER = "gnomon.sent_at"
REPLAY_ID_HEADER = "gnomon.replay.id"
REPLAYED_TRACEPARENT_HEADER = "gnomon.replay.traceparent"
CONTEXT_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})

_PROPAGATOR = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
# The attempt belongs to who processes the message, the endpoint to who answered the request.
_WORK_HEADERS = {key: name for name, key in ATTRIBUTES.items() if name not in {"task_attempt", "endpoint"}}
_READ = CONTEXT_HEADERS | {SENT_AT_HEADER, REPLAY_ID_HEADER, REPLAYED_TRACEPARENT_HEADER}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Tell where a message comes from: the trace to continue, the work that it belongs to, when it was sent."""

    context: Context
    work: WorkContext
    sent_at_s: float | None
    """Unix seconds, or None where the sender does not say."""
    replay_id: str = ""
    """Of the replay that sent a dead letter anew; empty for other messages."""
    replayed: SpanContext | None = None
    """Where the message was sent in its first life."""


def context_headers(at: Context | None = None) -> dict[str, str]:
    """Return the headers that carry the current trace, baggage and work, and the time of sending."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers, at)
    work = context.current()
    headers |= {key: str(value) for key, name in _WORK_HEADERS.items() if (value := getattr(work, name)) is not None}
    headers[SENT_AT_HEADER] = f"{time.time():.6f}"
    return headers


def inject(carrier: MutableMapping[str, Any] | MutableSequence[Any]) -> None:
    """Write the current trace context, baggage, work ids and time into the headers of a message about to be sent.

    Headers of the same names are replaced. Never raises into the host.
    """
    with guarded("inject context into a message"):
        headers = context_headers()
        if isinstance(carrier, MutableMapping):
            for stale in CONTEXT_HEADERS - headers.keys():
                carrier.pop(stale, None)
            carrier.update(headers)
            return
        kept = [pair for pair in carrier if pair[0] not in headers and pair[0] not in CONTEXT_HEADERS]
        carrier[:] = [*kept, *((name, value.encode()) for name, value in headers.items())]


def extract(carrier: Any) -> Arrival:
    """Read the trace context, baggage, work ids and time from a received message or its headers.

    What is missing or malformed is left out; never raises into the host.
    """
    found: dict[str, str] = {}
    with guarded("extract context from a message"):
        for name, value in _pairs(carrier):
            key = header_text(name)
            if value is not None and (key in _READ or key in _WORK_HEADERS):
                found[key] = header_text(value)
    fields: dict[str, Any] = {name: found[key] for key, name in _WORK_HEADERS.items() if key in found}
    replayed = _PROPAGATOR.extract({"traceparent": found.get(REPLAYED_TRACEPARENT_HEADER, "")}, Context())
    first_life = trace.get_current_span(replayed).get_span_context()
    return Arrival(
        _PROPAGATOR.extract(found, Context()),
        WorkContext(**fields),
        _to_seconds(found.get(SENT_AT_HEADER)),
        found.get(REPLAY_ID_HEADER, ""),
        first_life if first_life.is_valid else None,
    )


def _pairs(carrier: Any) -> Iterator[tuple[Any, Any]]:
    headers = getattr(carrier, "headers", carrier)
    if callable(headers):
        headers = headers()
    if isinstance(headers, Mapping):
        yield from headers.items()
    elif isinstance(headers, Iterable):
        yield from headers


def _to_seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
