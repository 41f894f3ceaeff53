"""Redis Streams: `redis://[user:password@]host:port[/database][?maxlen=N]`, `rediss://` for TLS.

An entry has the fields `body` and `key`; every other field is a header. Entries stay in the stream after they were
processed, as other groups may want them; `maxlen` bounds a stream to about so many entries when something is added.
"""

import os
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from gnomon.sdk.messaging.errors import BrokerUnavailableError
from gnomon.sdk.messaging.messages import Delivery, Message, to_bytes, to_text_or_bytes

_BODY = b"body"
_KEY = b"key"
_DEFAULT_PORT = 6379


async def open_broker(url: str) -> "RedisBroker":
    """Connect to the server that a URL names; raises BrokerUnavailableError."""
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    maxlen = int(settings.pop("maxlen", "0")) or None
    client = Redis.from_url(parts._replace(query=urlencode(settings)).geturl())
    broker = RedisBroker(client, parts.hostname or "localhost", parts.port or _DEFAULT_PORT, maxlen)
    await broker.open()
    return broker


class RedisBroker:
    """Add to streams, and read them in consumer groups."""

    system = "redis"

    def __init__(self, client: Redis, address: str, port: int, maxlen: int | None) -> None:
        """Take over a client."""
        self.address = address
        self.port: int | None = port
        self._client = client
        self._maxlen = maxlen

    async def open(self) -> None:
        """Find out whether somebody answers."""
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            await self._client.aclose()
            raise self._unavailable(error) from error

    async def publish(self, topic: str, message: Message) -> str:
        """Return the entry's id."""
        fields: list[str | bytes] = []
        for name, value in message.headers:
            fields += [name, b"" if value is None else to_bytes(value)]
        if message.key is not None:
            fields += [_KEY, message.key]
        if message.body or not fields:
            fields += [_BODY, message.body]
        bound = [] if self._maxlen is None else ["MAXLEN", "~", self._maxlen]
        try:
            added: bytes = await self._client.execute_command(  # type: ignore[no-untyped-call]
                "XADD", topic, *bound, "*", *fields
            )
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return added.decode()

    async def subscribe(
        self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int
    ) -> "RedisSubscription":
        """Join a group, creating it at the beginning of the stream when there is none."""
        try:
            for topic in topics:
                await _join(self._client, topic, group)
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return RedisSubscription(self._client, tuple(topics), group, lease_s, prefetch)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _unavailable(self, error: Exception) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"Redis at {self.address}:{self.port}: {type(error).__name__}: {error}")


class RedisSubscription:
    """Read new entries, and take over those whose consumer has not been heard of for the lease."""

    delays = False

    def __init__(self, client: Redis, topics: tuple[str, ...], group: str, lease_s: float, prefetch: int) -> None:
        """Read these streams as a consumer of the group with a name of its own."""
        self._client = client
        self._topics = topics
        self._group = group
        self._lease_s = lease_s
        self._prefetch = prefetch
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._buffer: deque[Delivery] = deque()
        self._look_for_abandoned_at_s = 0.0

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next entry: abandoned ones first, then new ones."""
        if not self._buffer:
            try:
                await self._read(timeout_s)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                # Somebody deleted the stream, or Redis came back without its data.
                for topic in self._topics:
                    await _join(self._client, topic, self._group)
        return self._buffer.popleft() if self._buffer else None

    async def _read(self, timeout_s: float) -> None:
        if time.monotonic() >= self._look_for_abandoned_at_s:
            self._look_for_abandoned_at_s = time.monotonic() + self._lease_s / 4
            for topic in self._topics:
                await self._claim_abandoned(topic)
        if self._buffer:
            return
        # One at a time: what waits in a buffer of ours would look abandoned to others.
        answer: Any = await self._client.xreadgroup(
            self._group, self._consumer, dict.fromkeys(self._topics, ">"), count=1, block=int(timeout_s * 1000) or 1
        )
        streams = answer.items() if isinstance(answer, Mapping) else answer or ()
        for name, entries in streams:
            self._add(name.decode(), entries, {})

    async def _claim_abandoned(self, topic: str) -> None:
        answer: Any = await self._client.xautoclaim(
            topic, self._group, self._consumer, min_idle_time=int(self._lease_s * 1000), count=self._prefetch
        )
        entries = answer[1]
        if entries:
            pending: Any = await self._client.xpending_range(
                topic, self._group, min=entries[0][0], max=entries[-1][0], count=1000, consumername=self._consumer
            )
            self._add(topic, entries, {found["message_id"]: found["times_delivered"] for found in pending})

    def _add(self, topic: str, entries: Any, delivered: Mapping[bytes, int]) -> None:
        for group in entries:
            # The client's third protocol wraps the entries of a stream once more.
            for entry_id, fields in [group] if isinstance(group, tuple) else group:
                self._buffer.append(_to_delivery(topic, entry_id, fields or {}, delivered.get(entry_id, 1)))

    async def acknowledge(self, delivery: Delivery) -> None:
        """Take the entry off the list of those under way."""
        await self._client.xack(delivery.topic, self._group, delivery.position)

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Let the entry look abandoned since long, so that the next one who looks takes it."""
        del delay_s
        await self._run(
            "XCLAIM",
            delivery.topic,
            self._group,
            self._consumer,
            0,
            delivery.position,
            "IDLE",
            int(self._lease_s * 1000),
            "RETRYCOUNT",
            max(delivery.attempt - 1, 0),
            "JUSTID",
        )

    async def extend(self, delivery: Delivery) -> None:
        """Tell that the entry is not abandoned."""
        await self._run("XCLAIM", delivery.topic, self._group, self._consumer, 0, delivery.position, "JUSTID")

    async def _run(self, *command: object) -> None:
        # What XCLAIM answers is ids where JUSTID asks for them, and nobody reads it here.
        await self._client.execute_command(*command, parse_justid=True)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Leave the group; entries under way are taken over by others when their lease ends."""
        for topic in self._topics:
            pending: Any = await self._client.xpending_range(
                topic, self._group, min="-", max="+", count=1, consumername=self._consumer
            )
            # With the consumer, Redis would forget that these were delivered and never acknowledged.
            if not pending:
                await self._client.xgroup_delconsumer(topic, self._group, self._consumer)


async def _join(client: Redis, topic: str, group: str) -> None:
    try:
        await client.xgroup_create(topic, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def _to_delivery(topic: str, entry_id: bytes, fields: Mapping[bytes, bytes], delivered: int) -> Delivery:
    position = entry_id.decode()
    headers = tuple(
        (name.decode("utf-8", "replace"), to_text_or_bytes(value))
        for name, value in fields.items()
        if name not in {_BODY, _KEY}
    )
    return Delivery(
        Message(fields.get(_BODY, b""), fields.get(_KEY), headers),
        topic,
        position,
        attempt=delivered,
        sent_at_s=int(position.partition("-")[0]) / 1000,
    )
