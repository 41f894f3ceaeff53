"""RabbitMQ, through aio-pika: `amqp://user:password@host:port/vhost[?queue_type=classic]`, `amqps://` for TLS.

A topic is a durable queue of that name, published to through the default exchange: each message goes to one consumer,
whatever its group. Queues that are missing are made as quorum queues, which count deliveries, unless `queue_type` says
otherwise. A message's key travels in a header; its AMQP properties show as headers named `amqp.…`, all but the time
that it expires: dead letters are kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection, ConsumerTag
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity, DeliveryError

from gnomon.sdk.messaging.errors import BrokerUnavailableError
from gnomon.sdk.messaging.messages import Delivery, HeaderValue, Message
from gnomon.sdk.messaging.spans import bare

KEY_HEADER = "gnomon.key"
_PROPERTY = "amqp."
_PROPERTIES = (
    "app_id",
    "content_encoding",
    "content_type",
    "correlation_id",
    "message_id",
    "priority",
    "reply_to",
    "timestamp",
    "type",
)
_DELIVERY_COUNT = "x-delivery-count"
_DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}
_TROUBLES = (AMQPError, OSError, RuntimeError)


async def open_broker(url: str) -> "RabbitBroker":
    """Connect to the broker that a URL names; raises BrokerUnavailableError."""
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    queue_type = settings.pop("queue_type", "quorum")
    address, port = parts.hostname or "localhost", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        connection = await aio_pika.connect_robust(parts._replace(query=urlencode(settings)).geturl(), timeout=10.0)
        publishing = await connection.channel(publisher_confirms=True, on_return_raises=True)
    except _TROUBLES as error:
        raise _unavailable(address, port, error) from error
    return RabbitBroker(connection, publishing, address, port, queue_type)


class RabbitBroker:
    """Publish with confirms, and consume with acknowledgements."""

    system = "rabbitmq"

    def __init__(
        self, connection: AbstractRobustConnection, publishing: Any, address: str, port: int, queue_type: str
    ) -> None:
        """Take over a connection and a channel for publishing."""
        self.address = address
        self.port: int | None = port
        self._connection = connection
        self._publishing = publishing
        self._queue_type = queue_type
        self._known: set[str] = set()

    async def publish(self, topic: str, message: Message) -> str:
        """Return the message id once the queue has the message; a missing queue is made first."""
        native = _to_native(message)
        try:
            if topic not in self._known:
                await self._declare(topic)
            publish = bare(self._publishing.default_exchange.publish)
            try:
                await publish(native, topic, mandatory=True)
            except DeliveryError:
                # Somebody deleted the queue since.
                await self._declare(topic)
                await publish(native, topic, mandatory=True)
        except _TROUBLES as error:
            raise _unavailable(self.address, self.port, error) from error
        return str(native.message_id)

    async def _declare(self, topic: str) -> None:
        channel = await self._connection.channel()
        try:
            await channel.declare_queue(topic, passive=True)
        except ChannelNotFoundEntity:
            # The broker closes the channel on which it was asked.
            other = await self._connection.channel()
            await other.declare_queue(topic, durable=True, arguments={"x-queue-type": self._queue_type})
            await other.close()
        else:
            await channel.close()
        self._known.add(topic)

    async def subscribe(
        self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int
    ) -> "RabbitSubscription":
        """Begin to consume; `group` and `lease_s` mean nothing here: a lost connection gives messages back."""
        del group, lease_s
        try:
            for topic in topics:
                await self._declare(topic)
            channel = await self._connection.channel()
            await channel.set_qos(prefetch_count=prefetch)
            subscription = RabbitSubscription(channel)
            for topic in topics:
                await subscription.add(topic)
        except _TROUBLES as error:
            raise _unavailable(self.address, self.port, error) from error
        return subscription

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


class RabbitSubscription:
    """Receive what the broker pushes, as many unacknowledged messages at a time as were asked for."""

    delays = False

    def __init__(self, channel: Any) -> None:
        """Take over a channel."""
        self._channel = channel
        self._pushed: asyncio.Queue[tuple[str, AbstractIncomingMessage]] = asyncio.Queue()
        self._consuming: list[tuple[Any, ConsumerTag]] = []

    async def add(self, topic: str) -> None:
        """Consume one more queue."""
        # Declared, the client consumes it again after a lost connection; got, it would not.
        queue = await self._channel.declare_queue(topic, passive=True)

        async def push(message: AbstractIncomingMessage) -> None:
            self._pushed.put_nowait((topic, message))

        self._consuming.append((queue, await bare(queue.consume)(push)))

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next message."""
        try:
            topic, native = await asyncio.wait_for(self._pushed.get(), timeout_s)
        except TimeoutError:
            return None
        return _to_delivery(topic, native)

    async def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge the message."""
        await delivery.receipt.ack()

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Put the message back into its queue."""
        del delay_s
        await delivery.receipt.nack(requeue=True)

    async def extend(self, delivery: Delivery) -> None:
        """Leave it to the connection's heartbeats."""

    async def close(self) -> None:
        """Stop consuming; what was pushed and not acknowledged goes back into its queue."""
        for queue, tag in self._consuming:
            await queue.cancel(tag)
        await self._channel.close()


def _to_native(message: Message) -> aio_pika.Message:
    properties = {
        name.removeprefix(_PROPERTY): value
        for name, value in message.headers
        if name.startswith(_PROPERTY) and name.removeprefix(_PROPERTY) in _PROPERTIES
    }
    headers: dict[str, HeaderValue] = {
        name: value
        for name, value in message.headers
        if name.removeprefix(_PROPERTY) not in properties or not name.startswith(_PROPERTY)
    }
    if message.key is not None:
        headers[KEY_HEADER] = message.key
    # The client knows a byte array by its type alone.
    headers = {name: bytearray(value) if isinstance(value, bytes) else value for name, value in headers.items()}
    properties.setdefault("message_id", uuid4().hex)
    return aio_pika.Message(message.body, headers=headers, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties)


def _to_delivery(topic: str, native: AbstractIncomingMessage) -> Delivery:
    raw: Mapping[str, HeaderValue] = {
        name: bytes(value) if isinstance(value, bytearray) else value for name, value in native.headers.items()
    }
    headers = [(name, value) for name, value in raw.items() if name not in {KEY_HEADER, _DELIVERY_COUNT}]
    headers += [(_PROPERTY + name, value) for name in _PROPERTIES if (value := getattr(native, name, None)) is not None]
    key = raw.get(KEY_HEADER)
    sent_at = native.timestamp
    redelivered = raw.get(_DELIVERY_COUNT)
    return Delivery(
        Message(native.body, key.encode() if isinstance(key, str) else key, tuple(headers)),
        topic,
        native.message_id or str(native.delivery_tag),
        attempt=int(redelivered) + 1 if isinstance(redelivered, int) else 1 + bool(native.redelivered),
        sent_at_s=sent_at.timestamp() if isinstance(sent_at, datetime) else None,
        receipt=native,
    )


def _unavailable(address: str, port: int | None, error: Exception) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"RabbitMQ at {address}:{port}: {type(error).__name__}: {error}")
