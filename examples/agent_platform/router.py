"""The router: keeps budgets, stores each task durably, and sends it to the queue whose workers can do it."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import gnomon
from examples.agent_platform.cache import Cache, open_store
from examples.agent_platform.database import Database
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.task_store import SCHEMA, TaskStore
from examples.agent_platform.tasks import FINAL_STATUSES, QUEUE_BY_TYPE, InvalidTaskError, Task, TaskStatus
from examples.agent_platform.tenants import Tenant, price_usd, read_tenants
from gnomon.messaging import MessagingError, Publisher

FULL_QUEUE = 200
LOOK_EVERY_S = 5.0
PRUNE_EVERY_S = 30.0
KEEP_FINISHED_S = 600.0
RESULTS_KEPT_S = 300.0
LONGEST_WAIT_S = 15.0
QUEUES = tuple(sorted(set(QUEUE_BY_TYPE.values())))
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)
_waiting = gnomon.gauge("tasks_in_queue")
_consumed = gnomon.counter("budget_tokens_consumed_total")
_limits_reached = gnomon.counter("budget_limit_reached_total")
_spend = gnomon.gauge("team_spend_usd")


class Router:
    """The router's HTTP endpoints over its tables and the broker."""

    def __init__(
        self, store: TaskStore, publisher: Publisher, results: Cache, tenants: dict[str, Tenant], topics: str
    ) -> None:
        """Use them; whoever opened them closes them."""
        self._store = store
        self._publisher = publisher
        self._results = results
        self._tenants = tenants
        self._topics = topics
        self._depths: dict[str, int] = {}
        self._ends: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    async def submit(self, request: Request) -> JSONResponse:
        """Store and route a task; 429 when the tenant's budget is spent, 503 when its queue is full."""
        try:
            task = Task.from_json(request.path_params["task_id"], await request.json())
        except InvalidTaskError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        tenant = self._tenants.get(task.tenant_id)
        if tenant is not None and (spent := await self._store.spent_today(tenant.name)) >= tenant.daily_tokens:
            _limits_reached.labels(tenant.name, task.persona_id).inc()
            message = f"Tenant {tenant.name!r} has spent {spent} of its {tenant.daily_tokens} tokens of today."
            _logger.warning("Budget reached: %s", message)
            return JSONResponse({"error": message}, status_code=402)
        if self._depths.get(task.queue, 0) >= FULL_QUEUE:
            _logger.error("The queue %s is full: %d tasks wait", task.queue, self._depths[task.queue])
            return JSONResponse({"error": "The queue is full."}, status_code=503, headers={"Retry-After": "1"})
        await self._store.add(task)
        gnomon.mark_task("queued", task.id, type=task.type, queue=task.queue)
        try:
            await self._route(task)
        except MessagingError as error:
            _logger.exception("The broker did not take task %s", task.id)
            return JSONResponse({"error": f"The broker took no task: {error}"}, status_code=503)
        return JSONResponse({"id": task.id}, status_code=202)

    async def show(self, request: Request) -> JSONResponse:
        """Answer how a task is doing; with `?wait=` seconds, only when it has ended or the time is over."""
        task_id = request.path_params["task_id"]
        wait_s = min(float(request.query_params.get("wait", 0)), LONGEST_WAIT_S)
        found = await self._results.get(task_id) or await self._store.find(task_id)
        if found is None:
            return JSONResponse({"error": "There is no such task, or it is long finished."}, status_code=404)
        if wait_s and not found["final"]:
            await self._wait_for_end(task_id, wait_s)
            found = await self._store.find(task_id) or found
        return JSONResponse(found)

    async def cancel(self, request: Request) -> JSONResponse:
        """Cancel a task that no worker has yet."""
        task_id = request.path_params["task_id"]
        if not await self._store.cancel(task_id):
            return JSONResponse({"error": "A worker has the task already."}, status_code=409)
        gnomon.mark_task("cancelled", task_id)
        self._tell_end(task_id)
        return JSONResponse({"id": task_id, "status": TaskStatus.CANCELLED})

    async def report(self, request: Request) -> JSONResponse:
        """Take a worker's word on how a task stands; 409 when it has ended already, by whomever."""
        task_id = request.path_params["task_id"]
        told = await request.json()
        status = TaskStatus(told["status"])
        await self._charge(told)
        moved = await self._store.move(
            task_id, status, attempt=int(told["attempt"]), result=told.get("result"), error=told.get("error")
        )
        if not moved:
            return JSONResponse({"error": "The task has ended already."}, status_code=409)
        if status in FINAL_STATUSES:
            found = await self._store.find(task_id)
            await self._results.put(task_id, found)
            self._tell_end(task_id)
        return JSONResponse({"id": task_id, "status": status})

    async def route_left_over(self) -> None:
        """Route what was stored by a router that died before it could route."""
        for task in await self._store.list_unrouted():
            await self._route(task)

    async def look_after(self) -> None:
        """Count who waits, and forget finished tasks, from time to time."""
        looks = 0
        while True:
            with suppress(Exception):
                self._depths = dict.fromkeys(QUEUES, 0) | await self._store.count_waiting()
                for queue, depth in self._depths.items():
                    _waiting.labels(queue).set(depth)
            looks += 1
            if looks % int(PRUNE_EVERY_S / LOOK_EVERY_S) == 0:
                with _tracer.start_as_current_span("prune finished tasks") as span:
                    span.set_attribute("task.pruned", await self._store.prune(older_than_s=KEEP_FINISHED_S))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _charge(self, told: dict[str, Any]) -> None:
        """Charge the tokens of an attempt to its tenant and persona."""
        spent_input, spent_output = int(told.get("input_tokens", 0)), int(told.get("output_tokens", 0))
        if not spent_input + spent_output:
            return
        tenant = str(told["tenant_id"])
        await self._store.spend(tenant, spent_input + spent_output)
        _consumed.labels(tenant, str(told["persona_id"])).inc(spent_input + spent_output)
        _spend.labels(tenant).inc(price_usd(spent_input, spent_output))

    async def _route(self, task: Task) -> None:
        """Send a task to its queue; the trace and the work's ids travel with the message."""
        with gnomon.bind(task_id=task.id, task_type=task.type, tenant_id=task.tenant_id, session_id=task.session_id):
            await self._publisher.send(f"{self._topics}.{task.queue}", json.dumps(task.to_json()), key=task.session_id)
            await self._store.move(task.id, TaskStatus.ROUTED)
            gnomon.mark_task("routed", task.id, type=task.type, queue=task.queue)

    async def _wait_for_end(self, task_id: str, wait_s: float) -> None:
        end = asyncio.Event()
        self._ends[task_id].append(end)
        try:
            # It may have ended before we began to wait.
            found = await self._store.find(task_id)
            if found is None or not found["final"]:
                with suppress(TimeoutError):
                    await asyncio.wait_for(end.wait(), wait_s)
        finally:
            self._ends[task_id].remove(end)
            if not self._ends[task_id]:
                del self._ends[task_id]

    def _tell_end(self, task_id: str) -> None:
        for end in self._ends.get(task_id, ()):
            end.set()


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the router over its database and broker, which are opened when it starts."""
    opened: list[Router] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        database = await Database.open(arguments.database, "router", SCHEMA)
        publisher = await Publisher.connect(arguments.broker)
        store = open_store(arguments.cache)
        router = Router(
            TaskStore(database),
            publisher,
            Cache("results", store, RESULTS_KEPT_S),
            read_tenants(arguments.state_dir),
            arguments.topics,
        )
        for tenant in read_tenants(arguments.state_dir):
            _spend.labels(tenant).inc(0)
        health.check("database", loop=asyncio.get_running_loop())(database.ping)
        await router.route_left_over()
        opened.append(router)
        looking_after = asyncio.create_task(router.look_after())
        yield
        health.drain()
        looking_after.cancel()
        with suppress(asyncio.CancelledError):
            await looking_after
        await publisher.close()
        await store.close()
        await database.close()

    async def submit(request: Request) -> JSONResponse:
        return await opened[0].submit(request)

    async def show(request: Request) -> JSONResponse:
        return await opened[0].show(request)

    async def cancel(request: Request) -> JSONResponse:
        return await opened[0].cancel(request)

    async def report(request: Request) -> JSONResponse:
        return await opened[0].report(request)

    return make_app(
        [
            Route("/tasks/{task_id}", submit, methods=["POST"]),
            Route("/tasks/{task_id}", show, methods=["GET"]),
            Route("/tasks/{task_id}", cancel, methods=["DELETE"]),
            Route("/tasks/{task_id}/state", report, methods=["PUT"]),
        ],
        lifespan,
    )


def main(arguments: ServiceArguments) -> None:
    """Run the router's process."""
    serve("router", create_app, arguments)
