"""Process messages: each to its end, or to the dead letter queue, and only then acknowledged."""

import asyncio
import inspect
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from gnomon.sdk import faults
from gnomon.sdk.messaging import measures
from gnomon.sdk.messaging.broker import Broker, Subscription
from gnomon.sdk.messaging.dead_lettering import Failure, bury
from gnomon.sdk.messaging.errors import DeliveryLimitError
from gnomon.sdk.messaging.messages import Delivery
from gnomon.sdk.messaging.propagation import Arrival, extract
from gnomon.sdk.messaging.registry import connect
from gnomon.sdk.messaging.retries import RetryPolicy
from gnomon.sdk.messaging.spans import processing, unobserved

Handler = Callable[[Delivery], Awaitable[object] | object]

_RECEIVE_S = 0.25
_TROUBLE_FIRST_S = 0.2
_TROUBLE_AT_MOST_S = 15.0
_REMEMBERED_FAILURES = 10_000


class Consumer:
    """Hand the messages of some topics to a handler, within their traces, with retries and dead letters.

    The handler is a coroutine function, or a plain function, which then runs in a thread. It has processed a message
    once it returns; when it raises, the message is tried again as `retry` says, and after the last attempt it moves to
    `<topic>.dlq`. Messages of a Kafka partition are processed in order, one after the other, whatever the concurrency.
    """

    def __init__(
        self,
        broker: Broker | str,
        topics: str | Sequence[str],
        handler: Handler,
        *,
        group: str,
        retry: RetryPolicy | None = None,
        concurrency: int = 1,
        lease_s: float = 30.0,
        drain_s: float = 10.0,
        tell_content: bool = True,
    ) -> None:
        """Prepare to consume; a broker given as URL is opened and closed by `run`.

        `lease_s` is how long the broker waits for a sign of life before others get a message, `drain_s` how long
        `stop` waits for messages under way. Without `tell_content`, what Gnomon is told of a dead letter holds neither
        key nor headers nor body, and the letter can be replayed from its queue alone.
        """
        self._given = broker
        self._topics = (topics,) if isinstance(topics, str) else tuple(topics)
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)  # noqa: B004 - the method's kind is asked for, not whether there is one
        )
        self._group = group
        self._retry = retry or RetryPolicy()
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._drain_s = drain_s
        self._tell_content = tell_content
        self._stopping = asyncio.Event()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._first_failures: dict[tuple[str, str], float] = {}

    def stop(self) -> None:
        """Receive no more and let `run` end once messages under way are done, or `drain_s` is over."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until `stop` is called; raises MessagingError when the broker cannot be reached at first."""
        broker = await connect(self._given) if isinstance(self._given, str) else self._given
        try:
            with unobserved():
                subscription = await broker.subscribe(
                    self._topics, group=self._group, lease_s=self._lease_s, prefetch=self._concurrency
                )
            try:
                await self._consume(broker, subscription)
            finally:
                with faults.guarded("leave a broker"), unobserved():
                    await subscription.close()
        finally:
            if broker is not self._given:
                with faults.guarded("close a broker"), unobserved():
                    await broker.close()

    async def _consume(self, broker: Broker, subscription: Subscription) -> None:
        running: set[asyncio.Task[None]] = set()
        trouble_s = _TROUBLE_FIRST_S
        try:
            while not self._stopping.is_set():
                if len(running) >= self._concurrency:
                    await asyncio.wait(running, timeout=_RECEIVE_S, return_when=asyncio.FIRST_COMPLETED)
                    continue
                try:
                    with unobserved():
                        delivery = await subscription.receive(_RECEIVE_S)
                except Exception as error:  # noqa: BLE001 - a broker that went away comes back
                    faults.note("receive from a broker", error)
                    await self._pause(trouble_s)
                    trouble_s = min(trouble_s * 2, _TROUBLE_AT_MOST_S)
                    continue
                trouble_s = _TROUBLE_FIRST_S
                if delivery is not None:
                    task = asyncio.create_task(self._take(broker, subscription, delivery))
                    running.add(task)
                    task.add_done_callback(running.discard)
        finally:
            await self._drain(running)

    async def _drain(self, running: set[asyncio.Task[None]]) -> None:
        if running:
            await asyncio.wait(running, timeout=self._drain_s)
        left = list(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _take(self, broker: Broker, subscription: Subscription, delivery: Delivery) -> None:
        received_at_s = time.time()
        heartbeat = asyncio.create_task(self._keep(subscription, delivery))
        try:
            if delivery.lane is None:
                await self._process(broker, subscription, delivery, received_at_s)
                return
            async with self._lanes[f"{delivery.topic}:{delivery.lane}"]:
                # Behind one that was left half-way, nothing of its lane may be acknowledged.
                if not self._stopping.is_set():
                    await self._process(broker, subscription, delivery, received_at_s)
        finally:
            heartbeat.cancel()

    async def _process(
        self, broker: Broker, subscription: Subscription, delivery: Delivery, received_at_s: float
    ) -> None:
        arrival = extract(delivery.message)
        # The time before a retry was due was no waiting in the queue.
        sent_at_s = arrival.sent_at_s or delivery.sent_at_s
        since_s = sent_at_s if delivery.attempt == 1 else delivery.available_at_s
        arrival = replace(arrival, sent_at_s=since_s)
        try:
            while (delay_s := await self._attempt(broker, delivery, arrival, received_at_s)) is not None:
                measures.record_retry(broker.system, delivery.topic)
                if subscription.delays:
                    await self._give_back(subscription, delivery, delay_s)
                    return
                if await self._pause(delay_s):
                    await self._give_back(subscription, delivery)
                    return
                delivery = replace(delivery, attempt=delivery.attempt + 1)
                # It waits for us now, not in the queue.
                arrival = replace(arrival, sent_at_s=None)
        except asyncio.CancelledError:
            await self._give_back(subscription, delivery)
            raise
        self._first_failures.pop((delivery.topic, delivery.position), None)
        with faults.guarded("acknowledge a message"), unobserved():
            await subscription.acknowledge(delivery)

    async def _attempt(
        self, broker: Broker, delivery: Delivery, arrival: Arrival, received_at_s: float
    ) -> float | None:
        """Return after how many seconds to try again, or None when the message is processed or safely buried."""
        attributes: dict[str, str | int] = {
            "messaging.message.id": delivery.position,
            "messaging.message.body.size": len(delivery.body),
            "server.address": broker.address,
        }
        if broker.port is not None:
            attributes["server.port"] = broker.port
        if delivery.lane is not None:
            attributes["messaging.destination.partition.id"] = delivery.lane
        again_s: float | None = self._retry.max_delay_s
        try:
            with processing(
                arrival,
                system=broker.system,
                destination=delivery.topic,
                group=self._group,
                attempt=delivery.attempt,
                received_at_s=received_at_s,
                attributes=attributes,
            ):
                try:
                    await self._call(delivery)
                except Exception as error:
                    # Within the span, so that the dead letter knows the trace that it failed in.
                    again_s = await self._judge(broker, delivery, error)
                    raise
        except Exception:  # noqa: BLE001 - written down on the span, and judged
            return again_s
        return None

    async def _call(self, delivery: Delivery) -> None:
        if delivery.attempt > self._retry.max_attempts:
            raise DeliveryLimitError(
                f"The message was delivered {delivery.attempt - 1} times, and nobody who took it lived to answer."
            )
        if self._is_async:
            answer = self._handler(delivery)
        else:
            answer = await asyncio.to_thread(self._handler, delivery)
        if inspect.isawaitable(answer):
            await answer

    async def _judge(self, broker: Broker, delivery: Delivery, error: Exception) -> float | None:
        failed_at_s = time.time()
        first_failed_at_s = self._remember_failure(delivery, failed_at_s)
        if not self._retry.gives_up(error, delivery.attempt):
            return self._retry.delay_s(delivery.attempt)
        attempts = delivery.attempt - isinstance(error, DeliveryLimitError)
        failure = Failure(error, attempts, first_failed_at_s, failed_at_s)
        trouble_s = _TROUBLE_FIRST_S
        while True:
            try:
                await bury(broker, delivery, failure, group=self._group, tell_content=self._tell_content)
            except Exception as trouble:  # noqa: BLE001 - kept until the dead letter queue takes it
                faults.note("move a message to the dead letter queue", trouble)
            else:
                return None
            if await self._pause(trouble_s):
                return 0.0
            trouble_s = min(trouble_s * 2, _TROUBLE_AT_MOST_S)

    def _remember_failure(self, delivery: Delivery, failed_at_s: float) -> float:
        known = self._first_failures
        if len(known) >= _REMEMBERED_FAILURES:
            known.pop(next(iter(known)))
        return known.setdefault((delivery.topic, delivery.position), delivery.first_failed_at_s or failed_at_s)

    async def _keep(self, subscription: Subscription, delivery: Delivery) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with faults.guarded("keep a message"), unobserved():
                await subscription.extend(delivery)

    async def _give_back(self, subscription: Subscription, delivery: Delivery, delay_s: float | None = None) -> None:
        with faults.guarded("give a message back"), unobserved():
            await subscription.release(delivery, delay_s)

    async def _pause(self, seconds: float) -> bool:
        """Wait, and return whether the consumer was stopped meanwhile."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()
