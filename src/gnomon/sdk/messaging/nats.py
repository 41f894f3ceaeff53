"""NATS JetStream: `nats://[user:password@]host:port[,host:port…]`.

A topic is a subject. Where no stream keeps it, one is made that does; a group is a durable pull consumer. Header values
that NATS cannot carry (line ends, bytes, blanks around them) travel as encoded words, `=?utf-8?b?…?=`, as in mail.
"""

import asyncio
import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from gnomon.sdk import faults
from gnomon.sdk.messaging.errors import BrokerAddressError, BrokerUnavailableError
from gnomon.sdk.messaging.messages import Delivery, HeaderValue, Message, to_bytes

KEY_HEADER = "gnomon.key"
_DEFAULT_PORT = 4222
_CONNECT_S = 10.0
_RECONNECT_S = 1
_ENCODED = re.compile(r"=\?(utf-8|binary)\?b\?([A-Za-z0-9+/=]*)\?=")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


async def open_broker(url: str) -> "NatsBroker":
    """Connect to the servers that a URL names; raises BrokerAddressError, BrokerUnavailableError."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    servers = [f"nats://{host}" for host in hosts.split(",") if host]
    if not servers:
        raise BrokerAddressError(f"{parts.scheme}://{hosts} names no host. Write nats://host:port.")
    user, _, password = credentials.partition(":")
    first = urlsplit(servers[0])
    broker = NatsBroker(first.hostname or "localhost", first.port or _DEFAULT_PORT)
    await broker.open(servers, unquote(user) or None, unquote(password) or None)
    return broker


class NatsBroker:
    """Publish into streams, and pull from them."""

    system = "nats"

    def __init__(self, address: str, port: int) -> None:
        """Name the first server."""
        self.address = address
        self.port: int | None = port
        self._client = Client()
        self._streams: dict[str, str] = {}

    async def open(self, servers: list[str], user: str | None, password: str | None) -> None:
        """Connect; afterwards the client connects again by itself, however long that takes."""
        connecting = self._client.connect(
            servers,
            error_cb=_tell,
            user=user,
            password=password,
            reconnect_time_wait=_RECONNECT_S,
            max_reconnect_attempts=-1,
        )
        try:
            await asyncio.wait_for(connecting, _CONNECT_S)
        except (Error, OSError) as error:
            await self._client.close()
            raise self._unavailable(error) from error

    @property
    def jetstream(self) -> JetStreamContext:
        """Return the client's view of JetStream."""
        return self._client.jetstream()

    async def publish(self, topic: str, message: Message) -> str:
        """Return `stream:sequence`."""
        headers = {name: _encode(value) for name, value in message.headers}
        if message.key is not None:
            headers[KEY_HEADER] = _encode(message.key)
        try:
            stream = await self._stream(topic)
            stored = await self.jetstream.publish(topic, message.body, headers=headers or None)
        except (Error, OSError) as error:
            raise self._unavailable(error) from error
        return f"{stream}:{stored.seq}"

    async def _stream(self, topic: str) -> str:
        if topic not in self._streams:
            try:
                name = await self.jetstream.find_stream_name_by_subject(topic)
            except NotFoundError:
                name = _NOT_IN_NAMES.sub("_", topic)
                await self.jetstream.add_stream(name=name, subjects=[topic])
            self._streams[topic] = name
        return self._streams[topic]

    async def subscribe(
        self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int
    ) -> "NatsSubscription":
        """Pull as the durable consumer that bears the group's name, made when it is missing."""
        del prefetch
        pulls = []
        try:
            for topic in topics:
                durable = _NOT_IN_NAMES.sub("_", f"{group}-{topic}")
                config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=lease_s, max_deliver=-1)
                pulls.append(
                    await self.jetstream.pull_subscribe(topic, durable, stream=await self._stream(topic), config=config)
                )
        except (Error, OSError) as error:
            raise self._unavailable(error) from error
        return NatsSubscription(pulls)

    async def close(self) -> None:
        """Close the connection."""
        with suppress(Error, OSError):  # the connection was lost already
            await self._client.close()

    def _unavailable(self, error: Exception) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"NATS at {self.address}:{self.port}: {type(error).__name__}: {error}")


class NatsSubscription:
    """Pull one message at a time, from each topic in turn."""

    delays = True

    def __init__(self, pulls: Sequence[JetStreamContext.PullSubscription]) -> None:
        """Take over one pull subscription a topic."""
        self._pulls = list(pulls)

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next message."""
        for _ in range(len(self._pulls)):
            pull = self._pulls.pop(0)
            self._pulls.append(pull)
            try:
                received = await pull.fetch(1, timeout=timeout_s / len(self._pulls))
            except NatsTimeoutError:
                continue
            if received:
                return _to_delivery(received[0])
        return None

    async def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge, and wait until the server has it."""
        native: Msg = delivery.receipt
        await native.ack_sync()

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Have the message delivered again after the delay; the server counts that as a delivery."""
        native: Msg = delivery.receipt
        await native.nak(delay_s or None)

    async def extend(self, delivery: Delivery) -> None:
        """Begin the time to acknowledge anew."""
        native: Msg = delivery.receipt
        await native.in_progress()

    async def close(self) -> None:
        """Stop pulling; the durable consumers stay."""
        for pull in self._pulls:
            await pull.unsubscribe()


async def _tell(error: Exception) -> None:
    faults.note("talk to NATS", error)


def _to_delivery(native: Msg) -> Delivery:
    metadata = native.metadata
    headers = native.headers or {}
    key = _decode(headers[KEY_HEADER]) if KEY_HEADER in headers else None
    return Delivery(
        Message(
            native.data,
            key.encode() if isinstance(key, str) else key,
            tuple((name, _decode(value)) for name, value in headers.items() if name != KEY_HEADER),
        ),
        native.subject,
        f"{metadata.stream}:{metadata.sequence.stream}",
        attempt=metadata.num_delivered,
        sent_at_s=metadata.timestamp.timestamp(),
        receipt=native,
    )


def _encode(value: HeaderValue) -> str:
    raw = b"" if value is None else to_bytes(value)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"=?binary?b?{base64.b64encode(raw).decode()}?="
    fits = text == text.strip() and "\r" not in text and "\n" not in text
    return text if fits else f"=?utf-8?b?{base64.b64encode(raw).decode()}?="


def _decode(value: str) -> str | bytes:
    match = _ENCODED.fullmatch(value)
    if match is None:
        return value
    raw = base64.b64decode(match[2])
    decoded = raw if match[1] == "binary" else raw.decode("utf-8", "replace")
    # What somebody else encoded without need goes on as it came.
    return decoded if _encode(decoded) == value else value
