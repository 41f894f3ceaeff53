"""Dead letters of others read as ours, and sent anew."""

import base64
from pathlib import Path
from typing import Any

import pytest

from gnomon.sdk.dead_letters import DeadLetter, republish
from gnomon.sdk.messaging import Delivery, Message, connect, processing
from gnomon.sdk.messaging.messages import HeaderValue
from tests.recorded_telemetry import RecordedTelemetry, telemetry_recorded

OWN = (("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"), ("task.id", "t-1"), ("kind", b"\xff"))

KAFKA = {
    "__dlq.errors.topic": "orders",
    "__dlq.errors.partition": "1",
    "__dlq.errors.offset": "42",
    "__dlq.errors.group": "billing",
    "__dlq.errors.delivery.count": "5",
    "__dlq.errors.message": "Offset rejected by client.",
}
CONNECT = {
    "__connect.errors.topic": "orders",
    "__connect.errors.partition": "1",
    "__connect.errors.offset": "42",
    "__connect.errors.connector.name": "billing",
    "__connect.errors.task.id": "0",
    "__connect.errors.stage": "VALUE_CONVERTER",
    "__connect.errors.class.name": "org.apache.kafka.connect.json.JsonConverter",
    "__connect.errors.exception.class.name": "org.apache.kafka.connect.errors.DataException",
    "__connect.errors.exception.message": "Converting byte[] to Kafka Connect data failed",
    "__connect.errors.exception.stacktrace": "org.apache…DataException\n\tat …",
}
STREAMS = {
    "__streams.errors.exception": "org.apache.kafka.common.errors.SerializationException",
    "__streams.errors.stacktrace": "org.apache…SerializationException\n\tat …",
    "__streams.errors.message": "Size of data is not 8",
    "__streams.errors.topic": "orders",
    "__streams.errors.partition": "1",
    "__streams.errors.offset": "42",
}
SPRING: dict[str, HeaderValue] = {
    "kafka_dlt-original-topic": "orders",
    "kafka_dlt-original-partition": "\x00\x00\x00\x01",
    "kafka_dlt-original-offset": "\x00\x00\x00\x00\x00\x00\x00*",
    "kafka_dlt-original-consumer-group": "billing",
    "kafka_dlt-exception-fqcn": "org.springframework.kafka.listener.ListenerExecutionFailedException",
    "kafka_dlt-exception-cause-fqcn": "java.lang.IllegalStateException",
    "kafka_dlt-exception-message": "Listener failed",
    "kafka_dlt-exception-stacktrace": "org.springframework…\n\tat …",
    "retry_topic-attempts": "\x00\x00\x00\x04",
}


@pytest.mark.parametrize(
    ("written", "error_type", "error_message", "group", "attempts"),
    [
        (KAFKA, "", "Offset rejected by client.", "billing", 5),
        (
            CONNECT,
            "org.apache.kafka.connect.errors.DataException",
            "Converting byte[] to Kafka Connect data failed",
            "billing",
            None,
        ),
        (STREAMS, "org.apache.kafka.common.errors.SerializationException", "Size of data is not 8", "", None),
        (SPRING, "java.lang.IllegalStateException", "Listener failed", "billing", 4),
    ],
    ids=["share groups", "Connect", "Streams", "Spring"],
)
def test_dead_letters_of_others_tell_their_source_and_error(
    written: dict[str, HeaderValue], error_type: str, error_message: str, group: str, attempts: int | None
) -> None:
    delivery = Delivery(Message(b"body", b"key", (*OWN, *written.items())), "orders-errors", "0:1")

    letter = DeadLetter.from_delivery(delivery, system="kafka")

    assert (letter.source, letter.destination, letter.system) == ("orders", "orders-errors", "kafka")
    assert (letter.error_type, letter.error_message, letter.group) == (error_type, error_message, group)
    assert letter.attempts == attempts
    assert (letter.message.body, letter.message.key) == (b"body", b"key")
    assert letter.message.headers[:3] == OWN


def test_a_letter_without_a_story_comes_from_the_topic_that_the_queue_is_named_after() -> None:
    assert DeadLetter.from_delivery(Delivery(Message(b""), "orders.dlq", "1")).source == "orders"
    assert DeadLetter.from_delivery(Delivery(Message(b""), "graveyard", "1")).source == ""


def _event(**changed: Any) -> dict[str, Any]:
    event = {
        "messaging.system": "sqlite",
        "messaging.destination.name": "orders",
        "dlq.destination": "orders.dlq",
        "dlq.id": "d-1",
        "dlq.message.key": base64.b64encode(b"key").decode(),
        "dlq.message.body": base64.b64encode(b"\x00body").decode(),
        "dlq.message.headers": f'[["traceparent", "{OWN[0][1]}"], ["task.id", "t-1"], ["kind", {{"base64": "/w=="}}]]',
        "error.type": "ValueError",
        "dlq.attempts": 3,
        "dlq.first_failed_at": 1.5,
    }
    return event | changed


def test_an_event_holds_the_whole_letter() -> None:
    letter = DeadLetter.from_event(_event())
    assert letter.message == Message(b"\x00body", b"key", OWN)
    assert (letter.source, letter.id, letter.attempts, letter.first_failed_at_s) == ("orders", "d-1", 3, 1.5)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dlq.message.body": None}, "Receive it from 'orders.dlq'"),
        ({"dlq.message.body": "?"}, "not in base64"),
        ({"dlq.message.headers": "7"}, "Headers are '7'"),
    ],
)
def test_an_event_that_lacks_the_message_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DeadLetter.from_event(_event(**changed))


async def test_a_letter_is_sent_anew_with_another_body_to_another_topic(
    tmp_path: Path, telemetry: RecordedTelemetry
) -> None:
    url = f"sqlite:///{tmp_path / 'queue.db'}"

    done = await republish(DeadLetter.from_event(_event()), url, topic="orders.canary", body=b"fixed")

    broker = await connect(url)
    subscription = await broker.subscribe(["orders.canary"], group="", lease_s=30.0, prefetch=1)
    delivery = await subscription.receive(5.0)
    await broker.close()
    assert delivery is not None
    assert (delivery.body, delivery.key) == (b"fixed", b"key")
    assert ("kind", b"\xff") in delivery.message.headers
    assert delivery.header("task.id") == "t-1"
    assert delivery.header("gnomon.replay.id") == done.id
    assert delivery.header("gnomon.replay.dlq_id") == "d-1"
    assert delivery.header("gnomon.replay.trace_id") == done.replayed_trace_id == "a" * 32
    assert (delivery.header("traceparent") or "").split("-")[1] == done.trace_id != "a" * 32
    assert telemetry.span("replay orders.canary").parent is None


async def test_where_nothing_records_spans_the_new_trace_is_known_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'queue.db'}"

    done = await republish(DeadLetter.from_event(_event()), url, replay_id="r-1")

    broker = await connect(url)
    subscription = await broker.subscribe(["orders"], group="", lease_s=30.0, prefetch=1)
    delivery = await subscription.receive(5.0)
    await broker.close()
    assert delivery is not None
    assert (delivery.header("traceparent") or "").split("-")[1] == done.trace_id
    with telemetry_recorded() as telemetry:
        with processing(delivery.message, system="sqlite", destination="orders"):
            pass
        processed = telemetry.span("process orders")
    assert f"{processed.context.trace_id:032x}" == done.trace_id
    assert [f"{link.context.trace_id:032x}" for link in processed.links] == ["a" * 32]
    assert (processed.attributes or {})["gnomon.replay.id"] == "r-1"


async def test_a_letter_from_nowhere_needs_a_topic(tmp_path: Path) -> None:
    letter = DeadLetter(Message(b""), source="", destination="graveyard", id="d-2")
    with pytest.raises(ValueError, match="'d-2' came from"):
        await republish(letter, f"sqlite:///{tmp_path / 'queue.db'}")
