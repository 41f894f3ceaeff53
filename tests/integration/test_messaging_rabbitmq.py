"""Messages through a real RabbitMQ."""

import asyncio
from typing import Any
from uuid import uuid4

import aio_pika
import pika
import pytest
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor

from gnomon import messaging
from gnomon.sdk import export
from tests import messaging_scenarios as scenarios
from tests.recorded_telemetry import RecordedTelemetry


@pytest.fixture
def topic() -> str:
    return f"orders-{uuid4().hex[:8]}"


async def test_one_trace_spans_producer_and_consumer(
    rabbitmq_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    await scenarios.keep_one_trace(rabbitmq_url, topic, telemetry)


async def test_poison_is_retried_then_buried_as_it_came_and_can_be_replayed(
    rabbitmq_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    letter = await scenarios.bury_poison(rabbitmq_url, topic, telemetry)
    await scenarios.replay(rabbitmq_url, letter, telemetry)


async def test_a_message_whose_consumer_died_is_delivered_again(rabbitmq_url: str, topic: str) -> None:
    await scenarios.redeliver_after_crash(rabbitmq_url, topic)


async def test_pikas_client_carries_the_trace_with_inject_and_processing(
    rabbitmq_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    def produce_and_consume() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
        channel = connection.channel()
        channel.queue_declare(topic)
        headers: dict[str, Any] = {"origin": "gateway"}
        with messaging.sending("rabbitmq", topic):
            messaging.inject(headers)
            channel.basic_publish("", topic, b"hello", pika.BasicProperties(headers=headers))
        _method, properties, _body = next(channel.consume(topic, auto_ack=True, inactivity_timeout=30))
        with messaging.processing(properties, system="rabbitmq", destination=topic):
            pass
        connection.close()

    await asyncio.to_thread(produce_and_consume)
    scenarios.expect_one_trace(topic, telemetry)


async def test_an_instrumented_client_adds_no_trace_context_of_its_own(
    rabbitmq_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    instrumentor = AioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=export.tracer_provider())
    try:
        await scenarios.keep_one_trace(rabbitmq_url, topic, telemetry)
    finally:
        instrumentor.uninstrument()


async def test_properties_of_other_producers_go_into_the_dead_letter(rabbitmq_url: str, topic: str) -> None:
    connection = await aio_pika.connect(rabbitmq_url)
    channel = await connection.channel()
    await channel.declare_queue(topic, durable=True)
    foreign = aio_pika.Message(
        b"{}", content_type="application/json", correlation_id="c-1", message_id="m-1", headers={"n": 3, "t": {"a": 1}}
    )
    await channel.default_exchange.publish(foreign, topic)
    await connection.close()
    dead = scenarios.Inbox()
    async with (
        scenarios.consuming(rabbitmq_url, topic, scenarios.Inbox(lambda _: messaging.RejectedError("not ours"))),
        scenarios.consuming(rabbitmq_url, messaging.dead_letter_topic(topic), dead),
    ):
        [buried] = await dead.wait_for(1)
    native = buried.receipt
    assert (native.content_type, native.correlation_id, native.message_id) == ("application/json", "c-1", "m-1")
    assert (native.headers["n"], native.headers["t"]) == (3, {"a": 1})
    assert buried.header("__dlq.errors.exception") == "gnomon.sdk.messaging.errors.RejectedError"
