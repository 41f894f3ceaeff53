"""Messages through the embedded queue, several processes sharing its file."""

from pathlib import Path

import pytest

from tests import messaging_scenarios as scenarios
from tests.recorded_telemetry import RecordedTelemetry


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'queue.db'}"


async def test_one_trace_spans_producer_and_consumer(url: str, telemetry: RecordedTelemetry) -> None:
    await scenarios.keep_one_trace(url, "orders", telemetry)


async def test_poison_is_retried_then_buried_as_it_came_and_can_be_replayed(
    url: str, telemetry: RecordedTelemetry
) -> None:
    letter = await scenarios.bury_poison(url, "orders", telemetry)
    await scenarios.replay(url, letter, telemetry)


async def test_a_message_whose_consumer_died_is_delivered_again(url: str) -> None:
    await scenarios.redeliver_after_crash(url, "orders")
