"""What is tried on every broker alike: one function a behaviour, run against a real server."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import pytest
from opentelemetry import trace

from gnomon.sdk import context
from gnomon.sdk.dead_letters import REPLAYED_TRACE_HEADER, DeadLetter, republish
from gnomon.sdk.messaging import BrokerUnavailableError, Consumer, Delivery, Publisher, RetryPolicy, dead_letter_topic
from gnomon.sdk.messaging.propagation import REPLAY_ID_HEADER
from gnomon.sdk.messaging.spans import tracer
from tests.recorded_telemetry import RecordedTelemetry

BINARY = bytes(range(256))
PROMPT = RetryPolicy(max_attempts=3, first_delay_s=0.05, max_delay_s=0.1)
# What Gnomon adds to every message that is sent.
SENT = "gnomon.sent_at"


_RECEIVE_AND_HANG = """
import asyncio, sys
from gnomon.sdk.messaging import BrokerUnavailableError, Consumer

async def handle(delivery):
    print(delivery.body.decode(), flush=True)
    await asyncio.sleep(3600)

url, topic, group, lease_s = sys.argv[1:]
asyncio.run(Consumer(url, topic, handle, group=group, lease_s=float(lease_s)).run())
"""


class Inbox:
    """Collect deliveries, failing as often as asked to."""

    def __init__(self, fail: Callable[[Delivery], Exception | None] = lambda _: None) -> None:
        self.deliveries: list[Delivery] = []
        self.tenants: list[str | None] = []
        self._fail = fail
        self._news = asyncio.Condition()

    async def __call__(self, delivery: Delivery) -> None:
        async with self._news:
            self.deliveries.append(delivery)
            self.tenants.append(context.current().tenant_id)
            self._news.notify_all()
        if (error := self._fail(delivery)) is not None:
            raise error

    async def wait_for(self, count: int, timeout_s: float = 30.0) -> list[Delivery]:
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(lambda: len(self.deliveries) >= count)
        return self.deliveries


@asynccontextmanager
async def consuming(
    url: str,
    topic: str,
    handler: Callable[[Delivery], Awaitable[None]],
    *,
    group: str = "",
    lease_s: float = 10.0,
    concurrency: int = 1,
) -> AsyncIterator[Consumer]:
    """Run a consumer until the block ends, and see that it ends."""
    consumer = Consumer(
        url, topic, handler, group=group or f"{topic}-workers", retry=PROMPT, lease_s=lease_s, concurrency=concurrency
    )
    running = asyncio.create_task(consumer.run())
    try:
        yield consumer
        assert not running.done(), running.result()
    finally:
        consumer.stop()
        await asyncio.wait_for(running, 20.0)


async def keep_one_trace(url: str, topic: str, telemetry: RecordedTelemetry) -> None:
    """The consumer goes on in the producer's trace, for the producer's tenant, and knows how long it waited."""
    inbox = Inbox()
    async with await Publisher.connect(url) as publisher:
        with context.bind(tenant_id="acme", task_id="t-1"), tracer().start_as_current_span("request") as request:
            before_s = time.time()
            await publisher.send(topic, BINARY, key=b"\x00key", headers={"origin": "gateway"})
        await asyncio.sleep(0.2)
        async with consuming(url, topic, inbox):
            [delivery] = await inbox.wait_for(1)
            waited_at_most_s = time.time() - before_s

    sent, processed = telemetry.span(f"send {topic}"), telemetry.span(f"process {topic}")
    assert sent.context is not None
    assert processed.context is not None
    assert processed.parent is not None
    assert {sent.context.trace_id, processed.context.trace_id} == {request.get_span_context().trace_id}
    assert processed.parent.span_id == sent.context.span_id
    assert (sent.kind, processed.kind) == (trace.SpanKind.PRODUCER, trace.SpanKind.CONSUMER)
    assert inbox.tenants == ["acme"]
    assert (delivery.body, delivery.key, delivery.header("origin")) == (BINARY, b"\x00key", "gateway")
    attributes = processed.attributes or {}
    wait_s = attributes["messaging.queue.wait_s"]
    assert isinstance(wait_s, float)
    assert 0.15 <= wait_s <= waited_at_most_s
    assert attributes["messaging.system"] == delivery_system(url)
    assert attributes["messaging.destination.name"] == topic
    assert attributes["messaging.message.id"] == delivery.position


def expect_one_trace(topic: str, telemetry: RecordedTelemetry) -> None:
    """A message was sent, and its processing is the child of that."""
    sent, processed = telemetry.span(f"send {topic}"), telemetry.span(f"process {topic}")
    assert sent.context is not None
    assert processed.parent is not None
    assert (processed.parent.trace_id, processed.parent.span_id) == (sent.context.trace_id, sent.context.span_id)
    assert isinstance((processed.attributes or {})["messaging.queue.wait_s"], float)


async def bury_poison(url: str, topic: str, telemetry: RecordedTelemetry) -> DeadLetter:
    """A message that always fails is tried as often as allowed, then lies in the dead letter queue as it was sent."""
    inbox = Inbox(
        lambda delivery: ValueError("no such order: ümläut\nsecond line") if delivery.body == BINARY else None
    )
    dead = Inbox()
    async with await Publisher.connect(url) as publisher:
        await publisher.send(topic, BINARY, key=b"key-\xff", headers=[("text", "ä=1; b"), ("raw", b"\xff\x00")])
        await publisher.send(topic, b"healthy")
    async with consuming(url, topic, inbox):
        deliveries = await inbox.wait_for(4)
        async with consuming(url, dead_letter_topic(topic), dead, group=f"{topic}-morgue"):
            [buried] = await dead.wait_for(1)

    attempts = [delivery for delivery in deliveries if delivery.body == BINARY]
    assert [delivery.attempt for delivery in attempts] == [1, 2, 3]
    assert sum(delivery.body == b"healthy" for delivery in deliveries) == 1
    letter = DeadLetter.from_delivery(buried, system=delivery_system(url))
    assert letter.message == attempts[0].message
    assert letter.message.body == BINARY
    assert letter.message.key == b"key-\xff"
    assert dict(letter.message.headers).items() >= {("text", "ä=1; b"), ("raw", b"\xff\x00")}
    assert letter.source == topic
    assert letter.error_type == "ValueError"
    assert letter.error_message == "no such order: ümläut second line"
    assert "no such order: ümläut\nsecond line" in letter.stack
    assert letter.attempts == 3
    assert letter.first_failed_at_s is not None
    assert letter.last_failed_at_s is not None
    assert letter.first_failed_at_s < letter.last_failed_at_s <= time.time()

    # Gnomon is told the same, from within the trace that failed.
    [event] = telemetry.events("message.dead_lettered")
    told = DeadLetter.from_event(event.attributes)
    assert told.message == letter.message
    assert (told.id, told.attempts, told.destination) == (letter.id, 3, dead_letter_topic(topic))
    assert json.loads(event.attributes["dlq.message.headers"])
    failed = [span for span in telemetry.spans(f"process {topic}") if not span.status.is_ok]
    assert len(failed) == 3
    assert event.span_id == (failed[-1].context.span_id if failed[-1].context else None)
    return told


async def replay(url: str, letter: DeadLetter, telemetry: RecordedTelemetry) -> None:
    """A replayed message arrives where it first went, in a new trace that links to the failed one."""
    inbox = Inbox(lambda _: None)
    async with consuming(url, letter.source, inbox):
        await inbox.wait_for(0)
        done = await republish(letter, url, replay_id="r-1")
        deliveries = await inbox.wait_for(1)

    [delivery] = [found for found in deliveries if found.header(REPLAY_ID_HEADER) == "r-1"]
    assert (delivery.body, delivery.key) == (letter.message.body, letter.message.key)
    assert delivery.header("text") == "ä=1; b"
    assert ("raw", b"\xff\x00") in delivery.message.headers
    assert not any(name.startswith("__dlq.") for name, _ in delivery.message.headers)
    assert delivery.header(REPLAYED_TRACE_HEADER) == done.replayed_trace_id != done.trace_id
    replayed = telemetry.span(f"replay {letter.source}")
    assert replayed.parent is None
    assert [f"{link.context.trace_id:032x}" for link in replayed.links] == [done.replayed_trace_id]
    [processed] = [
        span
        for span in telemetry.spans(f"process {letter.source}")
        if span.context and f"{span.context.trace_id:032x}" == done.trace_id
    ]
    assert processed.status.is_ok


async def redeliver_after_crash(url: str, topic: str, *, lease_s: float = 1.0, counts_deliveries: bool = True) -> None:
    """What a consumer received and did not acknowledge before it was killed is handed to another one."""
    async with await Publisher.connect(url) as publisher:
        await publisher.send(topic, b"survivor")
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RECEIVE_AND_HANG, url, topic, f"{topic}-workers", str(lease_s), stdout=subprocess.PIPE
    )
    assert dying.stdout is not None
    async with asyncio.timeout(60):
        received = await dying.stdout.readline()
    dying.kill()
    await dying.wait()
    inbox = Inbox()
    async with consuming(url, topic, inbox, lease_s=lease_s):
        [again] = await inbox.wait_for(1)
    assert again.body == received.strip() == b"survivor"
    assert again.attempt == (2 if counts_deliveries else 1)
    # Processed by now: nobody gets it a third time.
    async with consuming(url, topic, late := Inbox(), lease_s=lease_s):
        await asyncio.sleep(1.3 * lease_s)
    assert late.deliveries == []


async def survive_a_restart(
    run_server: Callable[[], AbstractContextManager[str]], *, refuses_at_once: bool = True
) -> None:
    """Publisher and consumer fail while the server is away, and go on by themselves once it is back."""
    inbox = Inbox()
    server = run_server()
    url = server.__enter__()
    async with await Publisher.connect(url) as publisher, consuming(url, "orders", inbox, lease_s=2.0):
        await publisher.send("orders", b"before")
        await inbox.wait_for(1)
        server.__exit__(None, None, None)
        if refuses_at_once:
            with pytest.raises(BrokerUnavailableError):
                await publisher.send("orders", b"meanwhile")
        with run_server():
            async with asyncio.timeout(60):
                while not await _sent(publisher, "orders", b"after"):  # noqa: ASYNC110 - it is tried, not waited for
                    await asyncio.sleep(0.1)
                while inbox.deliveries[-1].body != b"after":
                    await inbox.wait_for(len(inbox.deliveries) + 1)


async def _sent(publisher: Publisher, topic: str, body: bytes) -> bool:
    try:
        async with asyncio.timeout(1.0):
            await publisher.send(topic, body)
    except (BrokerUnavailableError, TimeoutError):
        return False
    return True


def delivery_system(url: str) -> str:
    return {"amqp": "rabbitmq"}.get(scheme := url.partition(":")[0], scheme)
