"""Messages through a real NATS server with JetStream."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests import messaging_scenarios as scenarios
from tests.peers.fixtures import require
from tests.peers.installation import NATS
from tests.peers.nats import nats_running
from tests.peers.processes import free_ports
from tests.recorded_telemetry import RecordedTelemetry


@pytest.fixture
def topic() -> str:
    return f"orders-{uuid4().hex[:8]}"


async def test_one_trace_spans_producer_and_consumer(nats_url: str, topic: str, telemetry: RecordedTelemetry) -> None:
    await scenarios.keep_one_trace(nats_url, topic, telemetry)


async def test_poison_is_retried_then_buried_as_it_came_and_can_be_replayed(
    nats_url: str, topic: str, telemetry: RecordedTelemetry
) -> None:
    letter = await scenarios.bury_poison(nats_url, topic, telemetry)
    await scenarios.replay(nats_url, letter, telemetry)


async def test_a_message_whose_consumer_died_is_delivered_again(nats_url: str, topic: str) -> None:
    await scenarios.redeliver_after_crash(nats_url, topic)


async def test_a_consumer_goes_on_once_the_server_is_back(tmp_path: Path) -> None:
    require(NATS)
    [port] = free_ports(1)
    await scenarios.survive_a_restart(lambda: nats_running(tmp_path, port), refuses_at_once=False)
