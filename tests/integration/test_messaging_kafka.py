"""Messages through a real Kafka."""

from uuid import uuid4

import pytest

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
