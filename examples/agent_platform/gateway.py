"""The gateway: checks what callers submit, gives it an id, and passes it to the router."""

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from json import JSONDecodeError

import httpx
from opentelemetry import context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.agent_platform.retries import RetryPolicy, call_with_retries
from examples.agent_platform.service import ServiceArguments, serve
from examples.agent_platform.tasks import InvalidTaskError, Task, TaskStatus
from examples.agent_platform.telemetry import export_telemetry, log_stage, task_attributes, with_task_baggage

ROUTER_TIMEOUT_S = 3.0
_logger = logging.getLogger(__name__)


class Gateway:
    """The gateway's HTTP endpoints over a client of the router."""

    def __init__(self, router: httpx.AsyncClient) -> None:
        """Use the client; whoever made it closes it."""
        self._router = router

    async def submit(self, request: Request) -> JSONResponse:
        """Accept a task: 202 with its id, 422 when it is no task, 503 when the router cannot be reached."""
        try:
            task = Task.from_json(uuid.uuid4().hex, await request.json())
        except (InvalidTaskError, JSONDecodeError) as error:
            _logger.warning("Rejected a submission: %s", error)
            trace.get_current_span().set_attribute("error.type", type(error).__name__)
            return JSONResponse({"error": str(error)}, status_code=422)
        trace.get_current_span().set_attributes(task_attributes(task))
        token = context.attach(with_task_baggage(task))
        try:
            log_stage(TaskStatus.SUBMITTED, f"{task.type} for {task.tenant_id}", task_priority=task.priority)
            response = await call_with_retries(
                lambda: self._router.post(f"/tasks/{task.id}", json=_to_json(task)), RetryPolicy(attempts=3)
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            _logger.exception("The router did not take task %s", task.id)
            return JSONResponse({"error": f"The router did not take the task: {error!r}"}, status_code=503)
        finally:
            context.detach(token)
        return JSONResponse({"id": task.id, "status": TaskStatus.QUEUED}, status_code=202)

    async def show(self, request: Request) -> JSONResponse:
        """Answer how a task is doing, 404 when nobody knows it."""
        return await self._forward("GET", request.path_params["task_id"])

    async def cancel(self, request: Request) -> JSONResponse:
        """Cancel a task: 409 when a worker has it already."""
        return await self._forward("DELETE", request.path_params["task_id"])

    async def _forward(self, method: str, task_id: str) -> JSONResponse:
        trace.get_current_span().set_attribute("task.id", task_id)
        try:
            response = await self._router.request(method, f"/tasks/{task_id}")
        except httpx.HTTPError as error:
            _logger.exception("The router does not answer about task %s", task_id)
            return JSONResponse({"error": f"The router does not answer: {error!r}"}, status_code=503)
        return JSONResponse(response.json(), status_code=response.status_code)


def create_app(arguments: ServiceArguments) -> Starlette:
    """Build the gateway with its client of the router."""
    router = httpx.AsyncClient(base_url=arguments.router_url, timeout=ROUTER_TIMEOUT_S)
    HTTPXClientInstrumentor.instrument_client(router)
    gateway = Gateway(router)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with router:
            yield

    return Starlette(
        routes=[
            Route("/tasks", gateway.submit, methods=["POST"]),
            Route("/tasks/{task_id}", gateway.show, methods=["GET"]),
            Route("/tasks/{task_id}", gateway.cancel, methods=["DELETE"]),
        ],
        lifespan=lifespan,
    )


def _to_json(task: Task) -> dict[str, object]:
    return {
        "type": task.type,
        "arguments": task.arguments,
        "priority": task.priority,
        "tenant_id": task.tenant_id,
        "session_id": task.session_id,
    }


def main() -> None:
    """Run the gateway's process."""
    arguments = ServiceArguments.parse()
    with export_telemetry("gateway", arguments.instance):
        serve(create_app(arguments), arguments)
