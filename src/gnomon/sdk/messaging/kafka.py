"""Kafka, through aiokafka: `kafka://[user:password@]host:port[,host:port…][?security_protocol=SASL_SSL…]`.

Whatever follows the question mark is a setting of aiokafka's clients. A topic that is missing is made by
the brokers, where `auto.create.topics.enable` lets them.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from gnomon.sdk.messaging.errors import BrokerAddressError, BrokerUnavailableError
from gnomon.sdk.messaging.messages import Delivery, Message, to_bytes, to_text_or_bytes
from gnomon.sdk.messaging.spans import bare

_DEFAULT_PORT = 9092
# Others join or leave a group, and topics get partitions: noticed within so long.
_METADATA_AGE_MS = 10_000
_SEND_S = 30.0


async def open_broker(url: str) -> "KafkaBroker":
    """Connect to the brokers that a URL names; raises BrokerAddressError, BrokerUnavailableError."""
    broker = KafkaBroker(urlsplit(url))
    await broker.open()
    return broker


class KafkaBroker:
    """Publish with acknowledgement by all replicas, idempotently; consume in groups with commits of our own."""

    system = "kafka"

    def __init__(self, url: SplitResult) -> None:
        """Read hosts, user and settings."""
        hosts = [
            host if ":" in host else f"{host}:{_DEFAULT_PORT}" for host in url.netloc.rpartition("@")[2].split(",")
        ]
        if not all(host.rpartition(":")[0] for host in hosts):
            raise BrokerAddressError(f"{url.scheme}://{','.join(hosts)} names no host. Write kafka://host:port.")
        self._settings: dict[str, Any] = {"bootstrap_servers": hosts}
        user, password = url.netloc.rpartition("@")[0].partition(":")[::2]
        if user:
            self._settings |= {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": unquote(user),
                "sasl_plain_password": unquote(password),
            }
        self._settings |= dict(parse_qsl(url.query))
        host, _, port = hosts[0].rpartition(":")
        self.address = host
        self.port: int | None = int(port)
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Connect the producer."""
        producer = AIOKafkaProducer(
            **self._settings, acks="all", enable_idempotence=True, metadata_max_age_ms=_METADATA_AGE_MS
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise self._unavailable(error) from error
        self._producer = producer

    async def publish(self, topic: str, message: Message) -> str:
        """Return `partition:offset`."""
        producer = self._opened()
        headers = [(name, None if value is None else to_bytes(value)) for name, value in message.headers]
        try:
            async with asyncio.timeout(_SEND_S):
                stored = await (await bare(producer.send)(topic, message.body, key=message.key, headers=headers))
        except TimeoutError as error:
            raise BrokerUnavailableError(
                f"Kafka at {self.address}:{self.port} did not acknowledge a message within {_SEND_S:g} s. "
                "It may arrive all the same once the brokers are back."
            ) from error
        except (KafkaError, OSError) as error:
            raise self._unavailable(error) from error
        return f"{stored.partition}:{stored.offset}"

    async def subscribe(
        self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int
    ) -> "KafkaSubscription":
        """Join a group; a member that sends no heartbeat for `lease_s` loses its partitions to others."""
        del prefetch
        try:
            await self._ensure(topics)
            consumer = AIOKafkaConsumer(
                **self._settings,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=int(lease_s * 1000),
                heartbeat_interval_ms=max(int(lease_s * 1000 / 4), 100),
                metadata_max_age_ms=_METADATA_AGE_MS,
            )
            subscription = KafkaSubscription(consumer)
            consumer.subscribe(list(topics), listener=subscription)
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise self._unavailable(error) from error
        return subscription

    async def _ensure(self, topics: Sequence[str]) -> None:
        # To ask for a topic makes it, where the brokers allow that; a consumer that starts before they know of it
        # would look again much later.
        producer = self._opened()
        for topic in topics:
            await producer.partitions_for(topic)

    def _opened(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise BrokerUnavailableError("The connection to Kafka is closed. Open it with connect.")
        return self._producer

    async def close(self) -> None:
        """Send what is left and close."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    def _unavailable(self, error: Exception) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"Kafka at {self.address}:{self.port}: {type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Receipt:
    partition: TopicPartition
    offset: int
    assignment: int


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """Receive from the partitions of one group member; offsets are committed message by message, in order."""

    delays = False

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Take over a consumer."""
        self._consumer = consumer
        self._buffer: deque[ConsumerRecord] = deque()
        self._assignments = 0

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next record of any partition."""
        if not self._buffer:
            fetched = await bare(self._consumer.getmany)(timeout_ms=int(timeout_s * 1000), max_records=100)
            # In turns, so that the lanes of several partitions are busy at once.
            rows = [deque(records) for records in fetched.values()]
            while rows := [row for row in rows if row]:
                self._buffer.extend(row.popleft() for row in rows)
        if not self._buffer:
            return None
        record = self._buffer.popleft()
        headers = tuple((name, to_text_or_bytes(value)) for name, value in record.headers)
        return Delivery(
            Message(record.value or b"", record.key, headers),
            record.topic,
            f"{record.partition}:{record.offset}",
            sent_at_s=record.timestamp / 1000 if record.timestamp >= 0 else None,
            lane=str(record.partition),
            receipt=_Receipt(TopicPartition(record.topic, record.partition), record.offset, self._assignments),
        )

    async def acknowledge(self, delivery: Delivery) -> None:
        """Commit the offset after the record, unless its partition was given to another member meanwhile."""
        receipt: _Receipt = delivery.receipt
        if receipt.assignment == self._assignments:
            await self._consumer.commit({receipt.partition: receipt.offset + 1})

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Leave the offset uncommitted: whoever gets the partition next begins with it."""

    async def extend(self, delivery: Delivery) -> None:
        """Leave it to the client's heartbeats."""

    async def close(self) -> None:
        """Leave the group."""
        await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget what was fetched: it is fetched again by whoever gets the partition."""
        del revoked
        self._assignments += 1
        self._buffer.clear()
        await asyncio.sleep(0)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin with what the group has not committed."""
