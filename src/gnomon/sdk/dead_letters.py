"""Dead letters: read them from a queue or from Gnomon's events, whoever wrote them, and send them anew."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import uuid4

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from gnomon.sdk import context
from gnomon.sdk.messaging import dead_lettering
from gnomon.sdk.messaging.broker import Broker
from gnomon.sdk.messaging.messages import Delivery, Headers, HeaderValue, Message, header_text, load_headers, to_bytes
from gnomon.sdk.messaging.propagation import (
    CONTEXT_HEADERS,
    REPLAY_ID_HEADER,
    REPLAYED_TRACEPARENT_HEADER,
    SENT_AT_HEADER,
    context_headers,
    extract,
)
from gnomon.sdk.messaging.registry import connect
from gnomon.sdk.messaging.spans import sending, unobserved

REPLAYED_TRACE_HEADER = "gnomon.replay.trace_id"
REPLAYED_DEAD_LETTER_HEADER = "gnomon.replay.dlq_id"

_SPRING_INTEGER_BYTES = 4
# All but zero, which means none.
_TRACE_IDS = 2**128 - 1
_SPAN_IDS = 2**64 - 1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Hold a message that could not be processed, as it was sent, and why; times in Unix seconds."""

    message: Message
    source: str
    """The topic that it was sent to; empty where nothing says."""
    destination: str
    """The dead letter queue that it lies in."""
    id: str = ""
    system: str = ""
    group: str = ""
    error_type: str = ""
    error_message: str = ""
    stack: str = ""
    attempts: int | None = None
    first_failed_at_s: float | None = None
    last_failed_at_s: float | None = None

    @classmethod
    def from_delivery(cls, delivery: Delivery, *, system: str = "") -> Self:
        """Read a dead letter that was received from its queue.

        Understands what Gnomon and Kafka's share groups (KIP-1191), Kafka Connect, Kafka Streams (KIP-1034) and
        Spring for Apache Kafka write. Of others there is the message alone.
        """
        for dialect in _DIALECTS:
            if any(name.startswith(dialect.prefix) for name, _ in delivery.message.headers):
                return cls(**_read(delivery, dialect), destination=delivery.topic, system=system)
        source = delivery.topic.removesuffix(dead_lettering.DEAD_LETTER_SUFFIX)
        return cls(delivery.message, "" if source == delivery.topic else source, delivery.topic, system=system)

    @classmethod
    def from_event(cls, attributes: Mapping[str, Any]) -> Self:
        """Read the attributes of a `message.dead_lettered` event; raises ValueError where it holds no message.

        A body above 256 KiB is not in the event: receive the message from its queue instead.
        """
        body = attributes.get("dlq.message.body")
        source = attributes.get("messaging.destination.name")
        if body is None or not source:
            raise ValueError(
                f"The event of dead letter {attributes.get('dlq.id')!r} does not hold the whole message. "
                f"Receive it from {attributes.get('dlq.destination')!r}."
            )
        key = attributes.get("dlq.message.key")
        try:
            message = Message(
                base64.b64decode(str(body), validate=True),
                None if key is None else base64.b64decode(str(key), validate=True),
                load_headers(str(attributes.get("dlq.message.headers") or "[]")),
            )
        except binascii.Error as error:
            raise ValueError(f"Dead letter {attributes.get('dlq.id')!r} is not in base64: {error}.") from error
        return cls(
            message,
            str(source),
            str(attributes.get("dlq.destination") or ""),
            id=str(attributes.get("dlq.id") or ""),
            system=str(attributes.get("messaging.system") or ""),
            group=str(attributes.get("messaging.consumer.group.name") or ""),
            error_type=str(attributes.get("error.type") or ""),
            error_message=str(attributes.get("error.message") or ""),
            stack=str(attributes.get("error.stack") or ""),
            attempts=_integer(attributes.get("dlq.attempts")),
            first_failed_at_s=_number(attributes.get("dlq.first_failed_at")),
            last_failed_at_s=_number(attributes.get("dlq.last_failed_at")),
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """Tell where a dead letter went and in which trace its second life is found."""

    id: str
    topic: str
    position: str
    trace_id: str
    """Of the new trace, 32 hexadecimal digits."""
    replayed_trace_id: str
    """Of the trace that failed; empty where the message carried none."""


async def republish(
    dead_letter: DeadLetter,
    to: Broker | str,
    *,
    topic: str | None = None,
    body: bytes | None = None,
    headers: Headers | None = None,
    replay_id: str | None = None,
) -> Replay:
    """Send a dead letter anew to the topic it came from, or to another, through a broker or the URL of one.

    Bytes, key and headers are the original ones unless given. The message begins a trace of its own, which links to
    the one that failed, and carries the replay's id (yours, to tell the replays of one batch, or a new one), the old
    trace's id and the dead letter's. What lies in the dead letter queue stays there. Raises MessagingError when the
    broker does not take it, ValueError when nobody knows where it came from.
    """
    target = topic or dead_letter.source
    if not target:
        raise ValueError(f"Nothing says where dead letter {dead_letter.id!r} came from. Name the topic.")
    broker = await connect(to) if isinstance(to, str) else to
    try:
        return await _republish(dead_letter, broker, target, body, headers, replay_id or uuid4().hex)
    finally:
        if broker is not to:
            await broker.close()


async def _republish(
    dead_letter: DeadLetter, broker: Broker, topic: str, body: bytes | None, headers: Headers | None, replay_id: str
) -> Replay:
    original = dead_letter.message if headers is None else replace(dead_letter.message, headers=headers)
    if body is not None:
        original = replace(original, body=body)
    arrival = extract(dead_letter.message)
    failed = get_current_span(arrival.context).get_span_context()
    replayed_trace_id = f"{failed.trace_id:032x}" if failed.is_valid else ""
    added = {REPLAY_ID_HEADER: replay_id, REPLAYED_DEAD_LETTER_HEADER: dead_letter.id}
    if replayed_trace_id:
        added[REPLAYED_TRACE_HEADER] = replayed_trace_id
        added[REPLAYED_TRACEPARENT_HEADER] = f"00-{replayed_trace_id}-{failed.span_id:016x}-{failed.trace_flags:02x}"
    links = [Link(failed, {"gnomon.link": "replay_of"})] if failed.is_valid else []
    with (
        context.carried(arrival.work),
        sending(
            broker.system,
            topic,
            name="replay",
            address=broker.address,
            port=broker.port,
            body_bytes=len(original.body),
            links=links,
            parent=Context(),
        ) as span,
    ):
        for name, value in added.items():
            span.set_attribute(name, value)
        kept = tuple(pair for pair in original.headers if pair[0] not in CONTEXT_HEADERS | {SENT_AT_HEADER})
        new = _followed(span.get_span_context())
        fresh = context_headers(set_span_in_context(NonRecordingSpan(new)))
        message = replace(original, headers=kept).with_headers((fresh | added).items())
        with unobserved():
            position = await broker.publish(topic, message)
    return Replay(replay_id, topic, position, f"{new.trace_id:032x}", replayed_trace_id)


def _followed(sent: SpanContext) -> SpanContext:
    """Return a trace context that consumers record, even where this process records none or only some of its spans.

    Whoever replays wants to see what became of it.
    """
    if sent.is_valid and sent.trace_flags.sampled:
        return sent
    trace_id = sent.trace_id if sent.is_valid else 1 + secrets.randbelow(_TRACE_IDS)
    span_id = sent.span_id if sent.is_valid else 1 + secrets.randbelow(_SPAN_IDS)
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Name the headers in which somebody writes a dead letter's story."""

    prefix: str
    topic: str
    error_type: tuple[str, ...]
    error_message: tuple[str, ...]
    stack: tuple[str, ...] = ()
    group: str = ""
    id: str = ""
    attempts: str = ""
    first_failed_at: str = ""
    last_failed_at: str = ""


_DIALECTS = (
    _Dialect(
        dead_lettering.PREFIX,
        topic=dead_lettering.TOPIC,
        error_type=(dead_lettering.ERROR_TYPE,),
        error_message=(dead_lettering.ERROR_MESSAGE,),
        stack=(dead_lettering.STACK,),
        group=dead_lettering.GROUP,
        id=dead_lettering.ID,
        attempts=dead_lettering.ATTEMPTS,
        first_failed_at=dead_lettering.FIRST_FAILED_AT,
        last_failed_at=dead_lettering.LAST_FAILED_AT,
    ),
    _Dialect(
        "__connect.errors.",
        topic="__connect.errors.topic",
        error_type=("__connect.errors.exception.class.name",),
        error_message=("__connect.errors.exception.message",),
        stack=("__connect.errors.exception.stacktrace",),
        group="__connect.errors.connector.name",
    ),
    _Dialect(
        "__streams.errors.",
        topic="__streams.errors.topic",
        error_type=("__streams.errors.exception",),
        error_message=("__streams.errors.message",),
        stack=("__streams.errors.stacktrace",),
    ),
    _Dialect(
        "kafka_dlt-",
        topic="kafka_dlt-original-topic",
        # Spring wraps what a listener raised: the cause is what people look for.
        error_type=("kafka_dlt-exception-cause-fqcn", "kafka_dlt-exception-fqcn", "kafka_dlt-key-exception-fqcn"),
        error_message=("kafka_dlt-exception-message", "kafka_dlt-key-exception-message"),
        stack=("kafka_dlt-exception-stacktrace", "kafka_dlt-key-exception-stacktrace"),
        group="kafka_dlt-original-consumer-group",
        attempts="retry_topic-attempts",
    ),
)


def _read(delivery: Delivery, dialect: _Dialect) -> dict[str, Any]:
    message = delivery.message
    story = {name: value for name, value in message.headers if name.startswith(dialect.prefix)}
    original = tuple(pair for pair in message.headers if not pair[0].startswith(dialect.prefix))

    def text(*names: str) -> str:
        return next((header_text(story[name]) for name in names if story.get(name) is not None), "")

    return {
        "message": replace(message, headers=original),
        "source": text(dialect.topic),
        "id": text(dialect.id),
        "group": text(dialect.group),
        "error_type": text(*dialect.error_type),
        "error_message": text(*dialect.error_message),
        "stack": text(*dialect.stack),
        "attempts": _count(dict(message.headers).get(dialect.attempts)),
        "first_failed_at_s": _number(text(dialect.first_failed_at)),
        "last_failed_at_s": _number(text(dialect.last_failed_at)),
    }


def _count(value: HeaderValue) -> int | None:
    """Read a number as text, as Kafka writes it, or as four big-endian bytes, as Spring does."""
    if value is None:
        return None
    raw = to_bytes(value)
    if raw.isdigit():
        return int(raw)
    return int.from_bytes(raw, "big") if len(raw) == _SPRING_INTEGER_BYTES else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
