"""Move a poison message to `<topic>.dlq`, as it came, with what went wrong in further headers.

The headers are those of Kafka's KIP-1191 (`__dlq.errors.*`, values as text), with more of the same family for what it
has no name for.
"""

import base64
import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from gnomon.sdk import context, events
from gnomon.sdk.messaging import measures
from gnomon.sdk.messaging.broker import Broker
from gnomon.sdk.messaging.messages import Delivery, Message, dump_headers
from gnomon.sdk.messaging.spans import error_type, unobserved

DEAD_LETTER_SUFFIX = ".dlq"
PREFIX = "__dlq.errors."
TOPIC = f"{PREFIX}topic"
PARTITION = f"{PREFIX}partition"
OFFSET = f"{PREFIX}offset"
GROUP = f"{PREFIX}group"
ATTEMPTS = f"{PREFIX}delivery.count"
ERROR_MESSAGE = f"{PREFIX}message"
ERROR_TYPE = f"{PREFIX}exception"
STACK = f"{PREFIX}stacktrace"
FIRST_FAILED_AT = f"{PREFIX}first.failed.at"
LAST_FAILED_AT = f"{PREFIX}last.failed.at"
ID = f"{PREFIX}id"

# RabbitMQ carries all headers of a message in one frame, 128 KiB by default.
_STACK_CHARS = 16_384
_MESSAGE_CHARS = 4_096
_EVENT_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """Tell why a message could not be processed, and since when; times in Unix seconds."""

    error: Exception
    attempts: int
    first_failed_at_s: float
    last_failed_at_s: float


def dead_letter_topic(topic: str) -> str:
    """Return where a topic's poison messages go."""
    return topic + DEAD_LETTER_SUFFIX


def dead_letter_headers(delivery: Delivery, failure: Failure, *, system: str, group: str) -> dict[str, str]:
    """Return the headers that a dead letter has beside its own."""
    partition, _, offset = delivery.position.rpartition(":")
    headers = {
        ID: _identify(delivery, system, group),
        TOPIC: delivery.topic,
        OFFSET: offset,
        GROUP: group,
        ATTEMPTS: str(failure.attempts),
        ERROR_TYPE: error_type(failure.error),
        ERROR_MESSAGE: _one_line(str(failure.error))[:_MESSAGE_CHARS],
        STACK: _stack(failure.error),
        FIRST_FAILED_AT: f"{failure.first_failed_at_s:.6f}",
        LAST_FAILED_AT: f"{failure.last_failed_at_s:.6f}",
    }
    if partition:
        headers[PARTITION] = partition
    return headers


async def bury(broker: Broker, delivery: Delivery, failure: Failure, *, group: str, tell_content: bool = True) -> str:
    """Publish a message to its dead letter queue, tell Gnomon, and return the dead letter's id.

    Without `tell_content`, Gnomon is told neither key nor headers nor body.

    Raises MessagingError while the broker does not take it: then the message must not be acknowledged.
    """
    added = dead_letter_headers(delivery, failure, system=broker.system, group=group)
    destination = dead_letter_topic(delivery.topic)
    message = delivery.message.with_headers(added.items())
    with unobserved():
        await broker.publish(destination, message)
    measures.record_dead_letter(broker.system, delivery.topic)
    _tell(broker, delivery, failure, destination, added, content=tell_content)
    return added[ID]


def _tell(
    broker: Broker,
    delivery: Delivery,
    failure: Failure,
    destination: str,
    added: Mapping[str, str],
    *,
    content: bool,
) -> None:
    message: Message = delivery.message
    whole = content and len(message.body) <= _EVENT_BODY_BYTES
    key = message.key if content else None
    events.emit(
        "message.dead_lettered",
        {
            "messaging.system": broker.system,
            "messaging.destination.name": delivery.topic,
            "messaging.consumer.group.name": added[GROUP],
            "messaging.message.id": delivery.position,
            "messaging.message.body.size": len(message.body),
            "server.address": broker.address,
            "server.port": broker.port,
            "dlq.destination": destination,
            "dlq.id": added[ID],
            "dlq.message.key": None if key is None else base64.b64encode(key).decode(),
            "dlq.message.body": base64.b64encode(message.body).decode() if whole else None,
            "dlq.message.headers": dump_headers(message.headers) if content else None,
            "error.type": added[ERROR_TYPE],
            "error.message": added[ERROR_MESSAGE],
            "error.stack": added[STACK],
            "dlq.attempts": failure.attempts,
            "dlq.first_failed_at": failure.first_failed_at_s,
            "dlq.last_failed_at": failure.last_failed_at_s,
            "task.id": context.current().task_id,
        },
        body=f"{delivery.topic}: {added[ERROR_TYPE]}: {added[ERROR_MESSAGE]}",
    )


def _identify(delivery: Delivery, system: str, group: str) -> str:
    # The same message buried twice, because its consumer died before it could acknowledge it, keeps its id.
    parts = (system, delivery.topic, group, delivery.position, delivery.header("gnomon.sent_at") or "")
    digest = hashlib.sha256("\0".join(parts).encode())
    digest.update(delivery.body)
    return digest.hexdigest()[:32]


def _stack(error: Exception) -> str:
    stack = "".join(traceback.format_exception(error))
    return stack if len(stack) <= _STACK_CHARS else f"…{stack[1 - _STACK_CHARS :]}"


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
