"""The web application: every router, the ingest routes, the UI, and the chain that each request goes through."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from opentelemetry.trace import Tracer
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon import __version__
from gnomon.web.access_control import AccessControl
from gnomon.web.api_docs import render_api_docs
from gnomon.web.cancellation import Cancellation
from gnomon.web.errors import ErrorResponse, install_error_handlers
from gnomon.web.request_telemetry import RequestTelemetry
from gnomon.web.routes import (
    agents,
    alert_rules,
    alertmanager,
    cardinality,
    costs,
    dashboards,
    dead_letters,
    health,
    jaeger,
    llm,
    logs,
    metrics,
    notifications,
    overview,
    prometheus,
    prometheus_remote,
    prometheus_rules,
    prometheus_status,
    prometheus_targets,
    services,
    session,
    settings,
    sla,
    status,
    tasks,
    tracing,
)
from gnomon.web.services import Services
from gnomon.web.settings import is_loopback
from gnomon.web.static_files import StaticFiles

ROUTERS: tuple[APIRouter, ...] = (
    agents.router,
    alert_rules.router,
    alertmanager.router,
    cardinality.router,
    costs.router,
    dashboards.router,
    dead_letters.router,
    health.router,
    jaeger.router,
    llm.router,
    logs.router,
    metrics.router,
    notifications.router,
    overview.router,
    prometheus.router,
    prometheus_remote.router,
    prometheus_status.probes,
    prometheus_status.router,
    prometheus_rules.router,
    prometheus_targets.router,
    services.router,
    session.router,
    settings.router,
    sla.router,
    status.router,
    tasks.router,
    tracing.router,
)

_API_PREFIXES = ("/api/", "/health/", "/metrics", "/login", "/-/", "/loki/", "/federate")
_COMPRESS_FROM_BYTES = 4096
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def create_api() -> FastAPI:
    """Return the API without anything behind it: enough to describe it."""
    api = FastAPI(
        title="Gnomon",
        version=__version__,
        description="Observability for systems of AI agents and task workers.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # RequestTelemetry decides what is traced; the framework would trace probes and scrapes, too.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={400: {"model": ErrorResponse}, 422: {"model": ErrorResponse}, 503: {"model": ErrorResponse}},
    )
    install_error_handlers(api)
    for router in ROUTERS:
        api.include_router(router)

    @api.get("/api/docs", include_in_schema=False)
    async def get_docs() -> HTMLResponse:
        """Show the API on one page."""
        return HTMLResponse(render_api_docs(api.openapi()))

    return api


def create_app(services: Services, ingest_routes: Sequence[BaseRoute], tracer: Tracer | None = None) -> ASGIApp:
    """Return the application of the main port."""
    api = create_api()
    api.state.services = services
    answering: ASGIApp = Cancellation(api, services.settings, services.control.drain_begun)
    if not is_loopback(services.settings.host):
        answering = GZipMiddleware(answering, minimum_size=_COMPRESS_FROM_BYTES, compresslevel=4)
    app: ASGIApp = _Dispatcher(_IngestRoutes(ingest_routes), ingest_routes, answering, StaticFiles())
    app = AccessControl(app, services.settings, services.authenticator)
    return RequestTelemetry(_SecurityHeaders(app), listener="main", tracer=tracer)


def create_ingest_app(services: Services, ingest_routes: Sequence[BaseRoute]) -> ASGIApp:
    """Return the application of the OTLP/HTTP port: the ingest routes behind the same door."""
    app = AccessControl(_IngestRoutes(ingest_routes), services.settings, services.authenticator)
    return RequestTelemetry(app, listener="otlp_http")


class _IngestRoutes:
    """Answer on the exact paths of `routes`, without what a router and its middleware cost; leave the rest to those.

    RequestTelemetry answers what an endpoint does not catch.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = {
            (method, route.path): route
            for route in routes
            if isinstance(route, Route)
            for method in route.methods or ()
        }
        self._others = Starlette(routes=list(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if route is None:
            await self._others(scope, receive, send)
            return
        scope["route"] = route
        response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


class _Dispatcher:
    """Send a request to ingest (no detours on the hot path), to the API, or to the UI."""

    def __init__(self, ingest: ASGIApp, ingest_routes: Sequence[BaseRoute], api: ASGIApp, ui: ASGIApp) -> None:
        self._ingest = ingest
        self._ingest_paths = frozenset(str(getattr(route, "path", "")) for route in ingest_routes)
        self._api = api
        self._ui = ui

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path in self._ingest_paths:
            await self._ingest(scope, receive, send)
        elif path.startswith(_API_PREFIXES):
            await self._api(scope, receive, send)
        else:
            await self._ui(scope, receive, send)


class _SecurityHeaders:
    """Add to every answer what keeps browsers from guessing, framing and leaking."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, add_headers)
