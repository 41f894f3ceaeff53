"""What the consumer does with messages, on the embedded queue."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gnomon.sdk.dead_letters import DeadLetter
from gnomon.sdk.messaging import (
    BrokerAddressError,
    BrokerUnavailableError,
    Consumer,
    Delivery,
    Message,
    Publisher,
    RejectedError,
    RetryPolicy,
    connect,
)
from gnomon.sdk.messaging.sqlite_queue import SqliteBroker
from gnomon.testing import capture
from tests.recorded_telemetry import RecordedTelemetry

PROMPT = RetryPolicy(max_attempts=2, first_delay_s=0.01, max_delay_s=0.02)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'queue.db'}"


async def _until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in files and threads
            await asyncio.sleep(0.01)


async def _count(url: str, topic: str) -> int:
    broker = await connect(url)
    assert isinstance(broker, SqliteBroker)
    try:
        return await broker.count(topic)
    finally:
        await broker.close()


async def _take_dead(url: str, topic: str) -> Delivery:
    broker = await connect(url)
    subscription = await broker.subscribe([f"{topic}.dlq"], group="", lease_s=30.0, prefetch=1)
    delivery = await subscription.receive(10.0)
    await broker.close()
    assert delivery is not None
    return delivery


async def test_a_plain_function_runs_in_a_thread_and_within_the_trace(url: str, telemetry: RecordedTelemetry) -> None:
    seen: list[tuple[bytes, int]] = []

    def handle(delivery: Delivery) -> None:
        seen.append((delivery.body, threading.get_ident()))

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", "hello")
    consumer = Consumer(url, "jobs", handle, group="g")
    running = asyncio.create_task(consumer.run())
    await _until(lambda: bool(seen))
    consumer.stop()
    await running

    assert seen[0][0] == b"hello"
    assert seen[0][1] != threading.get_ident()
    assert telemetry.span("process jobs").status.is_ok
    assert await _count(url, "jobs") == 0


async def test_a_rejected_message_is_buried_without_another_attempt(url: str, telemetry: RecordedTelemetry) -> None:
    attempts: list[int] = []

    async def handle(delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        raise RejectedError("unreadable")

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"?")
    consumer = Consumer(url, "jobs", handle, group="g", retry=RetryPolicy(max_attempts=9))
    running = asyncio.create_task(consumer.run())
    letter = DeadLetter.from_delivery(await _take_dead(url, "jobs"))
    consumer.stop()
    await running

    assert attempts == [1]
    assert (letter.error_message, letter.attempts) == ("unreadable", 1)


async def test_content_stays_at_home_where_that_is_wanted(url: str, telemetry: RecordedTelemetry) -> None:
    def handle(_: Delivery) -> None:
        raise RejectedError("no such order")

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"secret", key=b"secret")
    consumer = Consumer(url, "jobs", handle, group="g", tell_content=False)
    running = asyncio.create_task(consumer.run())
    buried = await _take_dead(url, "jobs")
    consumer.stop()
    await running

    told = telemetry.event("message.dead_lettered")
    assert told["error.message"] == "no such order"
    assert not {"dlq.message.key", "dlq.message.body", "dlq.message.headers"} & told.keys()
    assert buried.body == b"secret"
    with pytest.raises(ValueError, match="does not hold the whole message"):
        DeadLetter.from_event(told)


async def test_a_message_that_kills_its_consumers_is_buried_without_killing_another(
    url: str, telemetry: RecordedTelemetry
) -> None:
    broker = await connect(url)
    await broker.publish("jobs", Message(b"deadly"))
    subscription = await broker.subscribe(["jobs"], group="g", lease_s=0.0, prefetch=1)
    for _ in range(2):
        assert await subscription.receive(1.0) is not None
    await broker.close()
    handled: list[Delivery] = []
    consumer = Consumer(url, "jobs", handled.append, group="g", retry=PROMPT)
    running = asyncio.create_task(consumer.run())
    letter = DeadLetter.from_delivery(await _take_dead(url, "jobs"))
    consumer.stop()
    await running

    assert handled == []
    assert letter.error_type.endswith("DeliveryLimitError")
    assert letter.attempts == 2


async def test_while_the_dead_letter_queue_takes_nothing_the_message_stays(url: str, tmp_path: Path) -> None:
    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"poison")
    database = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON gnomon_message WHEN NEW.topic = 'jobs.dlq'"
        " BEGIN SELECT raise(FAIL, 'no space'); END"
    )
    failed = threading.Event()

    async def handle(_: Delivery) -> None:
        failed.set()
        raise RejectedError("poison")

    consumer = Consumer(url, "jobs", handle, group="g", lease_s=0.5)
    running = asyncio.create_task(consumer.run())
    await _until(failed.is_set)
    # Longer than the lease: the message is kept for this consumer all the while.
    await asyncio.sleep(0.8)
    assert await _count(url, "jobs") == 1
    database.execute("DROP TRIGGER full")
    database.close()
    letter = await _take_dead(url, "jobs")
    consumer.stop()
    await running

    assert letter.body == b"poison"
    assert await _count(url, "jobs") == 0


async def test_a_handler_longer_than_the_lease_keeps_its_message(url: str) -> None:
    taken: list[int] = []

    async def handle(delivery: Delivery) -> None:
        taken.append(delivery.attempt)
        await asyncio.sleep(1.0)

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"long")
    consumers = [Consumer(url, "jobs", handle, group="g", lease_s=0.3) for _ in range(2)]
    running = [asyncio.create_task(consumer.run()) for consumer in consumers]
    await _until(lambda: bool(taken))
    await asyncio.sleep(0.8)
    for consumer in consumers:
        consumer.stop()
    await asyncio.gather(*running)

    assert taken == [1]
    assert await _count(url, "jobs") == 0


async def test_stopping_waits_for_what_is_under_way_and_gives_back_what_takes_too_long(url: str) -> None:
    begun = asyncio.Event()

    async def handle(_: Delivery) -> None:
        begun.set()
        await asyncio.sleep(3600)

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"endless")
    consumer = Consumer(url, "jobs", handle, group="g", drain_s=0.1)
    running = asyncio.create_task(consumer.run())
    await begun.wait()
    consumer.stop()
    await asyncio.wait_for(running, 10.0)
    broker = await connect(url)
    subscription = await broker.subscribe(["jobs"], group="g", lease_s=30.0, prefetch=1)
    again = await subscription.receive(1.0)
    await broker.close()

    assert again is not None
    assert again.attempt == 1


async def test_messages_are_handled_side_by_side_up_to_the_concurrency(url: str) -> None:
    at_once = most = done = 0

    async def handle(_: Delivery) -> None:
        nonlocal at_once, most, done
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1
        done += 1

    async with await Publisher.connect(url) as publisher:
        for _ in range(12):
            await publisher.send("jobs", b"x")
    consumer = Consumer(url, "jobs", handle, group="g", concurrency=3)
    running = asyncio.create_task(consumer.run())
    await _until(lambda: done == 12)
    consumer.stop()
    await running

    assert most == 3


async def test_a_retry_is_due_only_after_its_delay_and_its_wait_begins_then(
    url: str, telemetry: RecordedTelemetry
) -> None:
    times: list[float] = []

    async def handle(_: Delivery) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise OSError("busy")

    async with await Publisher.connect(url) as publisher:
        await publisher.send("jobs", b"x")
    retry = RetryPolicy(first_delay_s=0.5, jitter=0.0)
    consumer = Consumer(url, "jobs", handle, group="g", retry=retry)
    running = asyncio.create_task(consumer.run())
    await _until(lambda: len(times) == 2)
    consumer.stop()
    await running

    assert times[1] - times[0] >= 0.45
    first, second = telemetry.spans("process jobs")
    assert (first.attributes or {})["error.type"] == "OSError"
    assert (second.attributes or {})["messaging.message.attempt"] == 2
    wait_s = (second.attributes or {})["messaging.queue.wait_s"]
    assert isinstance(wait_s, float)
    assert wait_s < 0.5


async def test_addresses_that_mean_nothing_are_refused_with_what_to_do() -> None:
    with pytest.raises(BrokerAddressError, match=r"'mqtt://host' names no broker.*kafka://"):
        await connect("mqtt://user:secret@host")
    with pytest.raises(BrokerAddressError, match=r"sqlite:////absolute\.db"):
        await connect("sqlite://")
    with pytest.raises(BrokerUnavailableError, match=r"Cannot open the queue '/nowhere/at/all.db'"):
        await connect("sqlite:////nowhere/at/all.db")


async def test_what_is_sent_waits_is_retried_and_buried_is_counted(url: str) -> None:
    def handle(delivery: Delivery) -> None:
        if delivery.body == b"poison":
            raise OSError("busy")

    with capture() as told:
        async with await Publisher.connect(url) as publisher:
            for body in ("healthy", "poison"):
                await publisher.send("counted", body)
        consumer = Consumer(url, "counted", handle, group="g", retry=PROMPT)
        running = asyncio.create_task(consumer.run())
        await _take_dead(url, "counted")
        consumer.stop()
        await running
        topic = {"system": "sqlite", "destination": "counted"}

        assert told.value("messaging_messages_sent_total", **topic, error="") == 2
        assert told.value("messaging_messages_retried_total", **topic) == 1
        assert told.value("messaging_messages_dead_lettered_total", **topic) == 1
        assert told.value("messaging_process_duration_seconds_count", **topic, outcome="failed") == 2
        assert told.value("messaging_process_duration_seconds_count", **topic, outcome="processed") == 1
        assert told.value("messaging_queue_wait_seconds_count", **topic) == 3
