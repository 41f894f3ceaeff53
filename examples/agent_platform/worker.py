"""The worker: claims tasks from the queue and lets agents do them, several at a time."""

import asyncio
import logging
import signal
import time
from contextlib import AsyncExitStack

import httpx
from opentelemetry import context, propagate, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from examples.agent_platform.agent import AGENT_BY_TYPE, Agent, AgentError, TemporaryAgentError
from examples.agent_platform.measures import count_attempt
from examples.agent_platform.retries import RetryPolicy
from examples.agent_platform.service import ServiceArguments, stop_with_launcher
from examples.agent_platform.task_queue import Delivery, TaskQueue
from examples.agent_platform.tasks import TaskStatus
from examples.agent_platform.telemetry import export_telemetry, log_stage

QUEUES = ("interactive", "batch")
CONCURRENT_TASKS = 4
POLL_EVERY_S = 0.1
TASK_TIMEOUT_S = 12.0
CALL_TIMEOUT_S = 4.0
REDELIVERY = RetryPolicy(attempts=3, first_delay_s=1.0, max_delay_s=5.0)
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class Worker:
    """Claim tasks and do them until told to stop."""

    def __init__(self, name: str, queue: TaskQueue, agent: Agent) -> None:
        """Use the queue and the agent; whoever opened them closes them."""
        self._name = name
        self._queue = queue
        self._agent = agent
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; tasks at hand are finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep some tasks going at once."""
        _logger.info("Working on %s, %d tasks at a time", ", ".join(QUEUES), CONCURRENT_TASKS)
        slots = asyncio.Semaphore(CONCURRENT_TASKS)
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                await slots.acquire()
                delivery = await asyncio.to_thread(self._queue.claim, QUEUES, self._name)
                if delivery is None:
                    slots.release()
                    await self._pause()
                    continue
                group.create_task(self._process(delivery)).add_done_callback(lambda _done: slots.release())

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_EVERY_S):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _process(self, delivery: Delivery) -> None:
        """Do one delivery under a CONSUMER span that continues the sender's trace and links to its span."""
        sender = propagate.extract(delivery.headers)
        token = context.attach(sender)
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "sqlite",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": delivery.queue,
            "messaging.message.id": delivery.task.id,
            "task.queue": delivery.queue,
            "task.priority": delivery.task.priority,
            "task.attempt": delivery.attempt,
            "task.waited_s": round(delivery.waited_s, 3),
        }
        try:
            with _tracer.start_as_current_span(
                f"process {delivery.queue}",
                kind=SpanKind.CONSUMER,
                attributes=attributes,
                links=[Link(trace.get_current_span(sender).get_span_context())],
            ) as span:
                began_s = time.perf_counter()
                status = await self._execute(delivery, span)
                agent_name = AGENT_BY_TYPE[delivery.task.type]
                count_attempt(delivery.task, agent_name, status, time.perf_counter() - began_s)
        except Exception:
            _logger.exception("Task %s could not be settled; its lease will run out", delivery.task.id)
        finally:
            context.detach(token)

    async def _execute(self, delivery: Delivery, span: Span) -> TaskStatus:
        """Return how the attempt ended: queued when another one follows."""
        task = delivery.task
        if delivery.attempt > REDELIVERY.attempts:
            return await self._settle(
                delivery, span, TaskStatus.DEAD_LETTERED, AgentError("No worker survived the task.")
            )
        agent_name = AGENT_BY_TYPE[task.type]
        agent_id = f"{agent_name}@{self._name}"
        log_stage(TaskStatus.ASSIGNED, f"to {agent_id}", agent_id=agent_id, task_attempt=delivery.attempt)
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent_name,
            "gen_ai.agent.id": agent_id,
            "agent.id": agent_id,
            "task.attempt": delivery.attempt,
        }
        try:
            async with asyncio.timeout(TASK_TIMEOUT_S):
                with _tracer.start_as_current_span(f"invoke_agent {agent_name}", attributes=attributes):
                    log_stage(TaskStatus.EXECUTING, f"by {agent_id}", agent_id=agent_id, task_attempt=delivery.attempt)
                    result = await self._agent.do(task)
        except TimeoutError as error:
            return await self._settle(delivery, span, TaskStatus.TIMED_OUT, error)
        except TemporaryAgentError as error:
            return await self._retry(delivery, span, error)
        except AgentError as error:
            return await self._settle(delivery, span, TaskStatus.FAILED, error)
        else:
            await asyncio.to_thread(self._queue.finish, task.id, TaskStatus.COMPLETED, result=result)
            span.set_attribute("task.status", TaskStatus.COMPLETED)
            log_stage(TaskStatus.COMPLETED, f"attempt {delivery.attempt}", task_attempt=delivery.attempt)
            return TaskStatus.COMPLETED

    async def _retry(self, delivery: Delivery, span: Span, error: TemporaryAgentError) -> TaskStatus:
        """Give the task back for another attempt, or set it aside when it had enough."""
        if delivery.attempt >= REDELIVERY.attempts:
            return await self._settle(delivery, span, TaskStatus.DEAD_LETTERED, error)
        delay_s = REDELIVERY.delay_s(delivery.attempt)
        await asyncio.to_thread(self._queue.retry, delivery.task.id, delay_s=delay_s, error=str(error))
        span.add_event("retry", {"retry.number": delivery.attempt, "retry.delay_s": delay_s})
        span.set_status(Status(StatusCode.ERROR, str(error)))
        _logger.warning("Attempt %d failed, the next one follows in %.1f s: %s", delivery.attempt, delay_s, error)
        return TaskStatus.QUEUED

    async def _settle(self, delivery: Delivery, span: Span, status: TaskStatus, error: Exception) -> TaskStatus:
        """Write down that the task came to no good end."""
        reason = str(error) or f"took longer than {TASK_TIMEOUT_S} s"
        await asyncio.to_thread(self._queue.finish, delivery.task.id, status, error=reason)
        span.set_attribute("task.status", status)
        span.set_status(Status(StatusCode.ERROR, reason))
        log_stage(status, reason, error=error, task_attempt=delivery.attempt)
        return status


async def work(arguments: ServiceArguments) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        clients = []
        for url in (arguments.model_url, arguments.executor_url):
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=CALL_TIMEOUT_S))
            HTTPXClientInstrumentor.instrument_client(client)
            clients.append(client)
        queue = TaskQueue.open(arguments.state_dir / "queue.sqlite")
        stack.callback(queue.close)
        worker = Worker(arguments.instance, queue, Agent(model=clients[0], tools=clients[1]))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, worker.stop)
        await worker.run()


def main() -> None:
    """Run a worker's process."""
    arguments = ServiceArguments.parse()
    stop_with_launcher()
    with export_telemetry("worker", arguments.instance):
        asyncio.run(work(arguments))
