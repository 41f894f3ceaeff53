"""HTTP and WebSocket requests of ASGI applications: one span, three metrics and the work's context each.

In place of OpenTelemetry's ASGI instrumentor, which makes three spans of each request and costs several times as much;
the attributes are those of the same stable conventions for HTTP (docs/adr/0016-the-sdk-writes-telemetry-itself.md).
"""

import os
import re
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from time import perf_counter
from types import ModuleType
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from gnomon.sdk import context, export
from gnomon.sdk.faults import note
from gnomon.sdk.metrics import families
from gnomon.sdk.tracing.imports import when_imported

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED = "__unmatched__"
_SEEN = "gnomon.seen"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_UNTRACED = frozenset({"/metrics", "/health/live", "/health/ready", "/health/startup"})
_KINDS = frozenset({"http", "websocket"})
_SERVER_ERROR = 500
_SAMPLED = 0x01
_ID_LENGTH = 128
_MANY_ROUTES = 10_000
_EXEMPLAR_EVERY_S = 1.0

_requests = families.counter("http_requests_total")
_seconds = families.histogram("http_request_duration_seconds")
_BOUNDS = _seconds.declaration.buckets
_exemplars_due: dict[tuple[families.HistogramChild, int], float] = {}
_in_progress = families.gauge("http_requests_in_progress")
_websockets = families.gauge("websocket_connections_active")


class TelemetryMiddleware:
    """Wrap any ASGI application, `app = gnomon.TelemetryMiddleware(app)`: Starlette and FastAPI need none of it."""

    def __init__(self, app: App) -> None:
        """Take the application to wrap."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await serve(self._app, getattr(self._app, "routes", ()), scope, receive, send)


async def serve(app: App, routes: Iterable[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Call `app` for one connection and tell how it went; `routes` name endpoints that leave no route in the scope."""
    kind = scope["type"]
    provider = export.tracer_provider()
    if kind not in _KINDS or _SEEN in scope or not export.is_installed():
        await app(scope, receive, send)
        return
    scope[_SEEN] = True
    exchange = _Exchange(scope, routes, provider)
    outer = context.replace_current(exchange.work)
    token = attach(exchange.span_context) if exchange.span_context is not None else None
    try:
        await app(scope, receive, exchange.wrap(send))
    except BaseException as error:
        exchange.fail(error)
        raise
    finally:
        exchange.finish()
        if token is not None:
            detach(token)
        context.replace_current(outer)


class _Exchange:
    """Hold one request under way."""

    __slots__ = (
        "_finished", "_method", "_path", "_routes", "_scope", "_span", "_started", "_status", "_websocket",
        "span_context", "work",
    )  # fmt: skip

    def __init__(self, scope: Scope, routes: Iterable[Any], provider: Any) -> None:
        self._scope = scope
        self._routes = routes
        self._websocket = scope["type"] == "websocket"
        method = "GET" if self._websocket else scope["method"]
        self._method = method if method in _METHODS else "_OTHER"
        self._path: str = scope.get("path", "")
        self._status = 0
        self._finished = False
        self._span: Any = None
        self.span_context: Context | None = None
        wanted = _wanted_headers(scope)
        correlation = wanted.get("x-correlation-id") or wanted.get("x-request-id")
        client = wanted.get("x-client-id")
        outer = context.current()
        self.work = context.WorkContext(
            tenant_id=outer.tenant_id,
            correlation_id=correlation[:_ID_LENGTH] if correlation else outer.correlation_id,
            client_id=client[:_ID_LENGTH] if client else outer.client_id,
            endpoint=self._path,
        )
        if provider is not None and self._path not in _UNTRACED and not _is_excluded(self._path):
            self._begin_span(provider, wanted)
        (_websockets if self._websocket else _in_progress).labels().inc()
        self._started = perf_counter()

    def _begin_span(self, provider: Any, wanted: dict[str, str]) -> None:
        try:
            parent = propagate.extract(wanted) if "traceparent" in wanted else None
            self._span = _tracer(provider).start_span(
                self._method,
                parent,
                SpanKind.SERVER,
                _request_attributes(self._scope, self._method, self._path, wanted),
            )
            self.span_context = set_span_in_context(self._span, parent)
        except Exception as error:  # noqa: BLE001 - the request is served all the same
            note("begin an HTTP span", error)

    def wrap(self, send: Send) -> Send:
        async def watched(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                self._status = message["status"]
            elif kind == "websocket.accept":
                self._status = 101
            await send(message)
            # After the last byte, so that background work does not count; a server error waits for its exception.
            if kind == "http.response.body" and not message.get("more_body") and self._status < _SERVER_ERROR:
                self.finish()

        return watched

    def fail(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            self._status = self._status or _SERVER_ERROR
            if self._span is not None and self._span.is_recording():
                self._span.record_exception(error)
                self._span.set_attribute("error.type", type(error).__qualname__)
                self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def finish(self) -> None:
        if self._finished:
            return
        self._finished = True
        try:
            self._tell(perf_counter() - self._started)
        except Exception as error:  # noqa: BLE001 - the request was served all the same
            note("tell about an HTTP request", error)

    def _tell(self, seconds: float) -> None:
        route = route_of(self._scope, self._routes)
        if self._span is not None:
            self._end_span(route)
        if self._websocket:
            _websockets.labels().dec()
            return
        endpoint = route or UNMATCHED
        _in_progress.labels().dec()
        _requests.labels(self._method, endpoint, self._status).inc()
        histogram = _seconds.labels(self._method, endpoint)
        histogram.observe(seconds, self._exemplar(histogram, seconds))

    def _exemplar(self, histogram: families.HistogramChild, seconds: float) -> dict[str, str] | None:
        """Return an exemplar if the bucket has none of this second: only the last one is ever read."""
        if self._span is None:
            return None
        ids = self._span.get_span_context()
        if not ids.trace_flags & _SAMPLED:
            return None
        key = (histogram, bisect_left(_BOUNDS, seconds))
        now = self._started + seconds
        if now < _exemplars_due.get(key, 0.0):
            return None
        if len(_exemplars_due) >= _MANY_ROUTES:
            _exemplars_due.clear()
        _exemplars_due[key] = now + _EXEMPLAR_EVERY_S
        return {"trace_id": f"{ids.trace_id:032x}", "span_id": f"{ids.span_id:016x}"}

    def _end_span(self, route: str | None) -> None:
        span = self._span
        attributes: dict[str, Any] = {}
        if self._status:
            attributes["http.response.status_code"] = self._status
        if route:
            attributes["http.route"] = route
            span.update_name(f"{self._method} {route}")
        if self._status >= _SERVER_ERROR and span.status.status_code is StatusCode.UNSET:
            attributes["error.type"] = str(self._status)
            span.set_status(StatusCode.ERROR)
        span.set_attributes(attributes)
        span.end()


def route_of(scope: Scope, routes: Iterable[Any]) -> str | None:
    """Return the template of the route that took a request, such as /items/{id}, or None."""
    route = scope.get("route")
    if route is not None:
        path = getattr(route, "path", None)
        if isinstance(path, str):
            return f"{scope.get('root_path') or ''}{path}"
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    known = _templates.get(endpoint)
    if known is None:
        if len(_templates) >= _MANY_ROUTES:
            _templates.clear()
        known = _template(routes, endpoint, "") or ""
        _templates[endpoint] = known
    return known or None


_templates: dict[Any, str] = {}


def _template(routes: Iterable[Any], endpoint: Any, prefix: str) -> str | None:
    for route in routes or ():
        path = prefix + getattr(route, "path", "")
        if getattr(route, "endpoint", None) is endpoint:
            return path
        inner = _template(getattr(route, "routes", None) or (), endpoint, path)
        if inner is not None:
            return inner
    return None


_HEADERS = {
    b"traceparent": "traceparent",
    b"tracestate": "tracestate",
    b"baggage": "baggage",
    b"user-agent": "user-agent",
    b"x-correlation-id": "x-correlation-id",
    b"x-request-id": "x-request-id",
    b"x-client-id": "x-client-id",
}


def _wanted_headers(scope: Scope) -> dict[str, str]:
    return {_HEADERS[name]: value.decode("latin-1") for name, value in scope.get("headers") or () if name in _HEADERS}


def _request_attributes(scope: Scope, method: str, path: str, wanted: dict[str, str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "url.path": path,
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    query = scope.get("query_string")
    if query:
        attributes["url.query"] = _SECRETS.sub(r"\1REDACTED", query.decode("latin-1"))
    server, client = scope.get("server"), scope.get("client")
    if server:
        attributes["server.address"] = server[0]
        if server[1] is not None:
            attributes["server.port"] = server[1]
    if client:
        attributes["client.address"] = client[0]
    agent = wanted.get("user-agent")
    if agent:
        attributes["user_agent.original"] = agent
    return attributes


# Query parameters that the conventions want redacted, and those that commonly carry credentials.
_SECRETS = re.compile(
    r"(?i)\b((?:AWSAccessKeyId|Signature|sig|X-Goog-Signature|token|access_token|api_key|apikey|key|password|secret)=)[^&]+"
)


def _is_excluded(path: str) -> bool:
    return _excluded is not None and _excluded.search(path) is not None


def _read_excluded() -> re.Pattern[str] | None:
    """Read OTEL_PYTHON_EXCLUDED_URLS: patterns separated by commas, of paths that get no span."""
    patterns = [part.strip() for part in os.environ.get("OTEL_PYTHON_EXCLUDED_URLS", "").split(",") if part.strip()]
    try:
        return re.compile("|".join(patterns)) if patterns else None
    except re.error as error:
        note("read OTEL_PYTHON_EXCLUDED_URLS", error)
        return None


_excluded = _read_excluded()
_tracers: dict[int, trace.Tracer] = {}


def _tracer(provider: Any) -> trace.Tracer:
    found = _tracers.get(id(provider))
    if found is None:
        found = _tracers[id(provider)] = provider.get_tracer("gnomon.sdk.asgi")
    return found


def instrument_starlette() -> Callable[[], None]:
    """Serve Starlette's applications through `serve`; return the undo."""
    return _wrap("starlette.applications", "Starlette")


def instrument_fastapi() -> Callable[[], None]:
    """Serve FastAPI's applications through `serve`; return the undo."""
    return _wrap("fastapi.applications", "FastAPI")


def _wrap(module_name: str, class_name: str) -> Callable[[], None]:
    """Serve all applications of a class through `serve`, made before or after, however its name was imported."""
    undo: list[Callable[[], None]] = []

    def wrap(module: ModuleType) -> None:
        application = getattr(module, class_name)
        original = application.__call__

        async def __call__(self: Any, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807
            if scope["type"] == "lifespan" or _SEEN in scope:
                await original(self, scope, receive, send)
                return
            # FastAPI's own spans and metrics would tell the same a second time, in seven spans a request.
            scope.setdefault("fastapi.telemetry", None)
            await serve(partial(original, self), self.routes, scope, receive, send)

        application.__call__ = __call__
        undo.append(lambda: setattr(application, "__call__", original))

    undo.append(when_imported(module_name, wrap))

    def undo_all() -> None:
        for step in undo:
            step()

    return undo_all
