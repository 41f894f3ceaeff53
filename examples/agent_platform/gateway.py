"""The gateway: knows callers by their keys, asks the policies, and passes tasks and conversations to the router."""

import asyncio
import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

import httpx
from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

import gnomon
from examples.agent_platform.policies import check_submission
from examples.agent_platform.retries import RetryPolicy, call_with_retries
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tasks import InvalidTaskError, Task
from examples.agent_platform.tenants import Tenant, read_tenants
from examples.agent_platform.work_headers import connect

ROUTER_TIMEOUT_S = 15.0
TURN_WITHIN_S = 12.0
TASK_WITHIN_S = 30.0
POLICY_VIOLATION = 1008
_logger = logging.getLogger(__name__)
_requests = gnomon.counter("gateway_requests_total")
_connections = gnomon.gauge("gateway_active_connections")
_authentications = gnomon.counter("auth_attempts_total")
_sessions = gnomon.counter("sessions_created_total")


class Gateway:
    """The gateway's endpoints over a client of the router."""

    def __init__(self, name: str, router: httpx.AsyncClient, tenants: Mapping[str, Tenant]) -> None:
        """Use the client; whoever made it closes it."""
        self._name = name
        self._router = router
        self._tenants = tenants
        self._sessions: set[str] = set()

    async def submit(self, request: Request) -> JSONResponse:
        """Accept a task: 202 with its id; 401, 403, 422 and 429 say what is wrong with it, 503 that nobody takes it."""
        with self._counted(request.method) as told:
            told.answer = await self._submit(request)
            return told.answer

    async def show(self, request: Request) -> JSONResponse:
        """Answer how a task is doing, 404 when nobody knows it; `?wait=` seconds for its end."""
        return await self._forward(request, "GET")

    async def cancel(self, request: Request) -> JSONResponse:
        """Cancel a task: 409 when a worker has it already."""
        return await self._forward(request, "DELETE")

    async def converse(self, socket: WebSocket) -> None:
        """Hold a conversation: each text that comes is a task, whose result is answered."""
        tenant = self._authenticate(socket.query_params.get("key", ""))
        if tenant is None:
            await socket.close(POLICY_VIOLATION, "Unknown key.")
            return
        await socket.accept()
        session_id = f"chat-{uuid.uuid4().hex[:12]}"
        persona_id = socket.query_params.get("persona", "visitor")
        self._begin_session(session_id, persona_id)
        connections = _connections.labels(self._name)
        connections.inc()
        try:
            while True:
                text = await socket.receive_text()
                document = {"type": "chat", "arguments": {"text": text}, "priority": 5}
                await socket.send_json(await self._take_turn(tenant, session_id, persona_id, document))
        except WebSocketDisconnect:
            pass
        finally:
            connections.dec()
            gnomon.track_session(session_id, "end", user_id=persona_id)

    async def _take_turn(
        self, tenant: Tenant, session_id: str, persona_id: str, document: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the answer to one text: a task of its own, and a trace of its own."""
        with trace.get_tracer(__name__).start_as_current_span(
            "turn", context=trace.set_span_in_context(trace.INVALID_SPAN)
        ):
            accepted = await self._accept(tenant, document | {"session_id": session_id, "persona_id": persona_id})
            body = accepted.body
            if accepted.status != HTTPStatus.ACCEPTED:
                return body
            try:
                found = await self._router.get(f"/tasks/{body['id']}", params={"wait": TURN_WITHIN_S})
            except httpx.HTTPError as error:
                return {"error": f"The router does not answer: {error!r}"}
            shown: dict[str, Any] = found.json()
            return shown

    async def _submit(self, request: Request) -> JSONResponse:
        tenant = self._authenticate(_read_key(request))
        if tenant is None:
            return JSONResponse({"error": "Unknown key. Send Authorization: Bearer …"}, status_code=401)
        try:
            document = await request.json()
        except JSONDecodeError as error:
            return JSONResponse({"error": f"The body is no JSON: {error}."}, status_code=422)
        if isinstance(document, dict) and document.get("session_id"):
            self._begin_session(str(document["session_id"]), str(document.get("persona_id", "unknown")))
        accepted = await self._accept(tenant, document)
        return JSONResponse(accepted.body, status_code=accepted.status)

    async def _accept(self, tenant: Tenant, document: Any) -> "_Accepted":
        """Check a submission, tell of the task, and pass it on."""
        try:
            if isinstance(document, dict):
                within_s = min(float(document.get("timeout_s", TASK_WITHIN_S)), TASK_WITHIN_S)
                document = document | {"tenant_id": tenant.name, "deadline": time.time() + within_s}
            task = Task.from_json(uuid.uuid4().hex, document)
        except (InvalidTaskError, ValueError, TypeError) as error:
            _logger.warning("Rejected a submission: %s", error)
            trace.get_current_span().set_attribute("error.type", type(error).__name__)
            return _Accepted(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})
        reason = check_submission(tenant, task.type, task.priority, task.arguments)
        if reason:
            _logger.warning("Denied a submission: %s", reason)
            return _Accepted(HTTPStatus.FORBIDDEN, {"error": reason})
        with gnomon.bind(
            task_id=task.id, task_type=task.type, tenant_id=task.tenant_id, session_id=task.session_id
        ) as work:
            trace.get_current_span().set_attributes(work.attributes())
            # Around the task is no other one: it is not its own child.
            with gnomon.bind(task_id=None, task_type=None):
                gnomon.submit_task(
                    task.type,
                    id=task.id,
                    priority=task.priority_name,
                    tenant_id=task.tenant_id,
                    session_id=task.session_id,
                    deadline=task.deadline,
                )
            gnomon.track_feature(task.type, user_id=task.persona_id, session_id=task.session_id)
            try:
                response = await call_with_retries(
                    lambda: self._router.post(f"/tasks/{task.id}", json=task.to_json()), RetryPolicy(attempts=3)
                )
            except httpx.HTTPError as error:
                _logger.exception("The router did not take task %s", task.id)
                gnomon.mark_task("cancelled", task.id, error=error)
                return _Accepted(HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"The router took no task: {error!r}"})
            if not response.is_success:
                refused = response.json()
                gnomon.mark_task("cancelled", task.id, error=PermissionError(refused["error"]))
                return _Accepted(response.status_code, refused)
        return _Accepted(HTTPStatus.ACCEPTED, {"id": task.id, "status": "queued"})

    async def _forward(self, request: Request, method: str) -> JSONResponse:
        with self._counted(method) as told:
            task_id = request.path_params["task_id"]
            if method != "GET":  # who looks at a task is no part of it
                trace.get_current_span().set_attribute("task.id", task_id)
            if self._authenticate(_read_key(request)) is None:
                told.answer = JSONResponse({"error": "Unknown key."}, status_code=401)
                return told.answer
            try:
                response = await self._router.request(method, f"/tasks/{task_id}", params=request.query_params)
            except httpx.HTTPError as error:
                _logger.exception("The router does not answer about task %s", task_id)
                told.answer = JSONResponse({"error": f"The router does not answer: {error!r}"}, status_code=503)
                return told.answer
            told.answer = JSONResponse(response.json(), status_code=response.status_code)
            return told.answer

    def _authenticate(self, key: str) -> Tenant | None:
        found = next((one for one in self._tenants.values() if secrets.compare_digest(one.key, key)), None)
        _authentications.labels("success" if found else "failure").inc()
        if found is None:
            _logger.warning("Nobody has the key that begins with %r", key[:4])
        return found

    def _begin_session(self, session_id: str, persona_id: str) -> None:
        if session_id in self._sessions:
            return
        self._sessions.add(session_id)
        _sessions.inc()
        gnomon.track_session(session_id, "start", user_id=persona_id)

    @contextmanager
    def _counted(self, method: str) -> Iterator["_Told"]:
        """Count a request through this gateway, and hold its connection while it lasts."""
        connections = _connections.labels(self._name)
        connections.inc()
        told = _Told()
        try:
            yield told
        finally:
            connections.dec()
            status = told.answer.status_code if told.answer is not None else 500
            _requests.labels(self._name, method, str(status)).inc()


class _Told:
    """What a request was answered."""

    def __init__(self) -> None:
        self.answer: JSONResponse | None = None


class _Accepted:
    """How a submission ended."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = int(status)
        self.body = body


def _read_key(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the gateway with its client of the router."""
    router = connect(arguments.urls["router"], ROUTER_TIMEOUT_S)
    gateway = Gateway(arguments.instance, router, read_tenants(arguments.state_dir))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        health.check("router", cache_s=5.0, loop=loop)(lambda: _ask(router))
        async with router:
            yield
        health.drain()

    routes = [
        Route("/tasks", gateway.submit, methods=["POST"]),
        Route("/tasks/{task_id}", gateway.show, methods=["GET"]),
        Route("/tasks/{task_id}", gateway.cancel, methods=["DELETE"]),
        WebSocketRoute("/conversations", gateway.converse),
    ]
    return make_app([*routes], lifespan)


async def _ask(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/live")).is_success


def main(arguments: ServiceArguments) -> None:
    """Run the gateway's process."""
    serve("gateway", create_app, arguments)
