"""The router: stores each task durably, then sends it to the queue whose workers can do it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from opentelemetry import context, propagate, trace
from opentelemetry.util.types import AttributeValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.agent_platform.measures import watch_queues
from examples.agent_platform.service import ServiceArguments, serve
from examples.agent_platform.task_queue import TaskQueue
from examples.agent_platform.tasks import QUEUE_BY_TYPE, InvalidTaskError, Task, TaskStatus
from examples.agent_platform.telemetry import export_telemetry, log_stage, task_attributes, with_task_baggage

FULL_QUEUE = 200
PRUNE_EVERY_S = 30.0
KEEP_FINISHED_S = 600.0
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class Router:
    """The router's HTTP endpoints over the task queue."""

    def __init__(self, queue: TaskQueue) -> None:
        """Use the queue; whoever opened it closes it."""
        self._queue = queue

    async def submit(self, request: Request) -> JSONResponse:
        """Store and route a task; 503 when its queue is full."""
        try:
            task = Task.from_json(request.path_params["task_id"], await request.json())
        except InvalidTaskError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        trace.get_current_span().set_attributes(task_attributes(task))
        waiting = await asyncio.to_thread(self._queue.count_waiting, QUEUE_BY_TYPE[task.type])
        if waiting >= FULL_QUEUE:
            _logger.error("The queue %s is full: %d tasks wait", QUEUE_BY_TYPE[task.type], waiting)
            return JSONResponse({"error": "The queue is full."}, status_code=503, headers={"Retry-After": "1"})
        await asyncio.to_thread(self._queue.put, task)
        log_stage(TaskStatus.QUEUED, "stored durably")
        await asyncio.to_thread(self._route, task)
        return JSONResponse({"id": task.id}, status_code=202)

    async def show(self, request: Request) -> JSONResponse:
        """Answer how a task is doing."""
        found = await asyncio.to_thread(self._queue.find, request.path_params["task_id"])
        if found is None:
            return JSONResponse({"error": "There is no such task, or it is long finished."}, status_code=404)
        return JSONResponse(found)

    async def cancel(self, request: Request) -> JSONResponse:
        """Cancel a task that no worker has yet."""
        task_id = request.path_params["task_id"]
        if not await asyncio.to_thread(self._queue.cancel, task_id):
            return JSONResponse({"error": "A worker has the task already."}, status_code=409)
        log_stage(TaskStatus.CANCELLED, "by its caller, before a worker had it", task_id=task_id)
        return JSONResponse({"id": task_id, "status": TaskStatus.CANCELLED})

    def route_left_over(self) -> None:
        """Route what was stored by a router that died before it could route."""
        for task in self._queue.list_unrouted():
            token = context.attach(with_task_baggage(task))
            try:
                self._route(task)
            finally:
                context.detach(token)

    async def prune_forever(self) -> None:
        """Forget finished tasks from time to time."""
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            with _tracer.start_as_current_span("prune finished tasks") as span:
                pruned = await asyncio.to_thread(self._queue.prune, older_than_s=KEEP_FINISHED_S)
                span.set_attribute("task.pruned", pruned)
                _logger.debug("Pruned %d finished tasks", pruned)

    def _route(self, task: Task) -> None:
        """Put a task into a queue under a PRODUCER span, whose context travels with the message."""
        queue = QUEUE_BY_TYPE[task.type]
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "sqlite",
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": queue,
            "messaging.message.id": task.id,
            "task.queue": queue,
            "task.priority": task.priority,
        }
        with _tracer.start_as_current_span(f"send {queue}", kind=trace.SpanKind.PRODUCER, attributes=attributes):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            self._queue.route(task.id, queue, headers)
            log_stage(TaskStatus.ROUTED, f"to the {queue} queue", task_queue=queue)


def create_app(arguments: ServiceArguments) -> Starlette:
    """Build the router over the task queue in the state folder."""
    queue = TaskQueue.open(arguments.state_dir / "queue.sqlite")
    router = Router(queue)
    watch_queues(lambda: {name: queue.count_waiting(name) for name in sorted(set(QUEUE_BY_TYPE.values()))})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(router.route_left_over)
        pruning = asyncio.create_task(router.prune_forever())
        yield
        pruning.cancel()
        with suppress(asyncio.CancelledError):
            await pruning
        queue.close()

    return Starlette(
        routes=[
            Route("/tasks/{task_id}", router.submit, methods=["POST"]),
            Route("/tasks/{task_id}", router.show, methods=["GET"]),
            Route("/tasks/{task_id}", router.cancel, methods=["DELETE"]),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    """Run the router's process."""
    arguments = ServiceArguments.parse()
    with export_telemetry("router", arguments.instance):
        serve(create_app(arguments), arguments)
