"""Messages through a real Kafka."""

import asyncio
from typing import Any
from uuid import uuid4

import aiokafka
import confluent_kafka
import pytest
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor

from gnomon import messaging
from gnomon.sdk import export
from tests import messaging_scenarios as scenarios
from tests.recorded_telemetry import RecordedTelemetry


@pytest.fixture
def topic() -> str:
    return f"orders-{uuid4().hex[:8]}"


async def test_one_trace_spans_producer_and_consumer(kafka_url: str, topic: str, telemetry: RecordedTelemetry) -> None:
    await scenarios.keep_one_trace(kafka_url, topic, telemetry)


async def test_poison_is_retried_then_buried_as_it_came_and_can_be_replayed(
    kafka_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    letter = await scenarios.bury_poison(kafka_url, topic, telemetry)
    await scenarios.replay(kafka_url, letter, telemetry)


async def test_a_message_whose_consumer_died_is_delivered_again(kafka_url: str, topic: str) -> None:
    await scenarios.redeliver_after_crash(kafka_url, topic, counts_deliveries=False)


async def test_confluents_client_carries_the_trace_with_inject_and_processing(
    kafka_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    def produce_and_consume() -> None:
        servers = {"bootstrap.servers": kafka_url.removeprefix("kafka://")}
        producer = confluent_kafka.Producer(servers)
        headers: list[Any] = [("origin", b"gateway")]
        with messaging.sending("kafka", topic):
            messaging.inject(headers)
            producer.produce(topic, b"hello", headers=headers)
        assert producer.flush(30) == 0
        consumer = confluent_kafka.Consumer({**servers, "group.id": topic, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        message = consumer.poll(30)
        assert message is not None
        with messaging.processing(message, system="kafka", destination=topic, group=topic):
            pass
        consumer.close()

    await asyncio.to_thread(produce_and_consume)
    scenarios.expect_one_trace(topic, telemetry)


async def test_aiokafkas_own_clients_carry_the_trace(kafka_url: str, topic: str, telemetry: RecordedTelemetry) -> None:
    server = kafka_url.removeprefix("kafka://")
    headers: list[Any] = []
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=server) as producer:
        with messaging.sending("kafka", topic):
            messaging.inject(headers)
            await producer.send_and_wait(topic, b"hello", headers=headers)
    async with aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
        with messaging.processing(record, system="kafka", destination=topic):
            pass
    scenarios.expect_one_trace(topic, telemetry)


async def test_an_instrumented_client_neither_doubles_spans_nor_headers(
    kafka_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    instrumentor = AIOKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=export.tracer_provider())
    try:
        inbox = scenarios.Inbox()
        async with await messaging.Publisher.connect(kafka_url) as publisher:
            await publisher.send(topic, b"hello")
        async with scenarios.consuming(kafka_url, topic, inbox):
            [delivery] = await inbox.wait_for(1)
    finally:
        instrumentor.uninstrument()
    assert [name for name, _ in delivery.message.headers].count("traceparent") == 1
    assert sorted(span.name for span in telemetry.spans()) == [f"process {topic}", f"send {topic}"]


async def test_messages_of_a_partition_are_processed_in_order_whatever_the_concurrency(
    kafka_url: str, topic: str
) -> None:
    failed: set[bytes] = set()

    def fail_once(delivery: messaging.Delivery) -> Exception | None:
        if delivery.body in failed or not delivery.body.endswith(b"3"):
            return None
        failed.add(delivery.body)
        return OSError("busy")

    inbox = scenarios.Inbox(fail_once)
    async with await messaging.Publisher.connect(kafka_url) as publisher:
        for number in range(10):
            for key in (b"a", b"b", b"c"):
                await publisher.send(topic, key + str(number).encode(), key=key)
    async with scenarios.consuming(kafka_url, topic, inbox, concurrency=8):
        deliveries = await inbox.wait_for(33)
    for key in (b"a", b"b", b"c"):
        bodies = [delivery.body for delivery in deliveries if delivery.key == key]
        assert bodies == [key + str(number).encode() for number in (0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9)]
