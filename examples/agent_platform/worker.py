"""The conversation worker: takes tasks from the queues and lets agents do them, several at a time."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from starlette.applications import Starlette

import gnomon
from examples.agent_platform.agent import MODEL_NAME, MODEL_PROVIDER, Agent, AgentError, Peers, TemporaryAgentError
from examples.agent_platform.cache import Cache, open_store
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tasks import ROLE_BY_TYPE, InvalidTaskError, Task, TaskStatus
from examples.agent_platform.work_headers import connect
from gnomon.messaging import Consumer, Delivery, RejectedError, RetryPolicy

CONCURRENCY = {"interactive": 4, "batch": 2}
"""Reports of the one queue wait for chapters of the other, never the other way round."""
TASK_TIMEOUT_S = 12.0
CALL_TIMEOUT_S = 4.0
WAIT_TIMEOUT_S = 12.0
LEASE_S = 9.0
AGENTS_KEPT_S = 5.0
SEARCHES_KEPT_S = 60.0
RETRY = RetryPolicy(max_attempts=3, first_delay_s=1.0, max_delay_s=5.0)
CONVERSATIONS = frozenset({"answer", "chat"})
GROUP = "conversation-worker"
_logger = logging.getLogger(__name__)
_turns = gnomon.counter("conversation_requests_total")
_turn_seconds = gnomon.histogram("conversation_processing_duration_seconds")
_turn_errors = gnomon.counter("conversation_errors_total")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The agent for a task."""

    id: str
    role: str
    trust: float


class Worker:
    """Do what is delivered."""

    def __init__(self, peers: Peers, agents: Cache, searches: Cache) -> None:
        """Use the services and caches; whoever opened them closes them."""
        self._peers = peers
        self._agents = agents
        self._searches = searches

    async def handle(self, delivery: Delivery) -> None:
        """Do one delivery; raises what is to be tried again or to be dead-lettered."""
        try:
            task = Task.from_message(delivery.body)
        except InvalidTaskError as error:
            raise RejectedError(str(error)) from error
        with gnomon.bind(
            task_id=task.id, task_type=task.type, tenant_id=task.tenant_id, session_id=task.session_id, agent_id=None
        ):
            if not await self._report(task, delivery.attempt, TaskStatus.EXECUTING):
                _logger.info("Task %s has ended already, or nobody knows it", task.id)
                return
            chosen = await self._choose(task)
            gnomon.mark_task(
                "assigned",
                task.id,
                type=task.type,
                attempt=delivery.attempt,
                agent_id=chosen.id,
                trust_score=chosen.trust,
            )
            attempt = gnomon.task(
                task.type,
                id=task.id,
                priority=task.priority_name,
                queue=task.queue,
                attempt=delivery.attempt,
                agent_id=chosen.id,
                trust_score=chosen.trust,
                tenant_id=task.tenant_id,
                session_id=task.session_id,
                deadline=task.deadline,
            )
            agent = Agent(self._peers, self._searches)
            await self._settle(task, delivery.attempt, chosen, agent, attempt(self._execute))

    async def _settle(self, task: Task, number: int, chosen: Chosen, agent: Agent, execute: Any) -> None:
        """Execute an attempt, and tell router and delegation gateway how it ended."""
        status, result = TaskStatus.COMPLETED, None
        failure: Exception | None = None
        try:
            result = await execute(task, number, chosen, agent)
        except TimeoutError as error:
            status, failure = TaskStatus.TIMED_OUT, error
        except TemporaryAgentError as error:
            last = number >= RETRY.max_attempts
            status, failure = (TaskStatus.DEAD_LETTERED if last else TaskStatus.RETRYING), error
        except AgentError as error:
            status, failure = TaskStatus.FAILED, error
        reason = None if failure is None else str(failure) or "It took longer than it had time."
        if failure is not None:
            _logger.log(
                logging.WARNING if status is TaskStatus.RETRYING else logging.ERROR,
                "Attempt %d of task %s ended as %s: %s",
                number,
                task.id,
                status,
                reason,
                exc_info=failure,
            )
        await self._report(task, number, status, agent=agent, result=result, error=reason)
        await self._tell_outcome(chosen, succeeded=failure is None)
        if isinstance(failure, TemporaryAgentError):
            raise failure

    async def _execute(self, task: Task, number: int, chosen: Chosen, agent: Agent) -> object:
        """Let the agent do the task."""
        began_s = time.perf_counter()
        if task.type in CONVERSATIONS:
            _turns.inc()
        left_s = TASK_TIMEOUT_S if task.deadline is None else task.deadline - time.time()
        try:
            async with asyncio.timeout(min(left_s, TASK_TIMEOUT_S)):
                with gnomon.agent(
                    chosen.id,
                    name=chosen.role,
                    trust_score=chosen.trust,
                    workspace=task.tenant_id,
                    model=MODEL_NAME,
                    provider=MODEL_PROVIDER,
                ):
                    return await agent.do(task)
        except Exception as error:
            if task.type in CONVERSATIONS:
                _turn_errors.labels(type(error).__name__).inc()
            current = gnomon.current_task()
            if current is not None and isinstance(error, TemporaryAgentError) and number >= RETRY.max_attempts:
                current.end_as("dead_lettered")
            raise
        finally:
            if task.type in CONVERSATIONS:
                _turn_seconds.observe(time.perf_counter() - began_s)

    async def _choose(self, task: Task) -> Chosen:
        """Return who does a task: whom it was passed on to, else one of its role, by trust."""
        role = ROLE_BY_TYPE[task.type]
        agents = await self._agents.get_or_make(role, lambda: self._ask_for_agents(role))
        wanted = [one for one in agents if one["id"] == task.agent_id] or agents
        if not wanted:
            message = f"There is no agent for the role {role!r}."
            raise TemporaryAgentError(message)
        (one,) = random.choices(wanted, [one["trust"] ** 2 + 0.01 for one in wanted])
        return Chosen(one["id"], role, round(one["trust"], 4))

    async def _ask_for_agents(self, role: str) -> Any:
        try:
            return (await self._peers.delegation.get("/agents", params={"role": role})).raise_for_status().json()
        except httpx.HTTPError as error:
            message = f"The delegation gateway does not answer: {error!r}"
            raise TemporaryAgentError(message) from error

    async def _report(
        self,
        task: Task,
        number: int,
        status: TaskStatus,
        *,
        agent: Agent | None = None,
        result: object = None,
        error: str | None = None,
    ) -> bool:
        """Tell the router how a task stands; False when it has ended already."""
        told = {
            "status": status,
            "attempt": number,
            "result": result,
            "error": error,
            "tenant_id": task.tenant_id,
            "persona_id": task.persona_id,
            "input_tokens": agent.input_tokens if agent else 0,
            "output_tokens": agent.output_tokens if agent else 0,
        }
        try:
            response = await self._peers.router.put(f"/tasks/{task.id}/state", json=told)
        except httpx.HTTPError as trouble:
            message = f"The router does not answer: {trouble!r}"
            raise TemporaryAgentError(message) from trouble
        if response.status_code == HTTPStatus.CONFLICT:
            return False
        response.raise_for_status()
        return True

    async def _tell_outcome(self, chosen: Chosen, *, succeeded: bool) -> None:
        """Let the agent's trust follow; a delegation gateway that is away misses it."""
        try:
            await self._peers.delegation.post(f"/agents/{chosen.id}/outcome", json={"succeeded": succeeded})
        except httpx.HTTPError as error:
            _logger.warning("The delegation gateway was not told how agent %s did: %r", chosen.id, error)


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the worker; it consumes from start to end."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            clients = {
                name: await stack.enter_async_context(
                    connect(arguments.urls[name], WAIT_TIMEOUT_S if name == "router" else CALL_TIMEOUT_S)
                )
                for name in ("model", "executor", "delegation", "router", "canvas")
            }
            store = open_store(arguments.cache)
            stack.push_async_callback(store.close)
            worker = Worker(
                Peers(**clients), Cache("agents", store, AGENTS_KEPT_S), Cache("searches", store, SEARCHES_KEPT_S)
            )
            consumers = [
                Consumer(
                    arguments.broker,
                    f"{arguments.topics}.{queue}",
                    worker.handle,
                    group=GROUP,
                    retry=RETRY,
                    concurrency=concurrency,
                    lease_s=LEASE_S,
                    drain_s=4.0,
                )
                for queue, concurrency in CONCURRENCY.items()
            ]
            running = [asyncio.create_task(consumer.run()) for consumer in consumers]
            health.watch_loop(asyncio.get_running_loop())
            health.check("consumers", live=True)(lambda: not any(task.done() for task in running))
            yield
            health.drain()
            for consumer in consumers:
                consumer.stop()
            await asyncio.gather(*running, return_exceptions=True)

    return make_app([], lifespan)


def main(arguments: ServiceArguments) -> None:
    """Run a worker's process."""
    serve("conversation-worker", create_app, arguments)
