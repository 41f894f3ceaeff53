"""What each request to Gnomon costs: metrics for all of them, a trace for those that are not telemetry themselves."""

import time

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.web.errors import ANSWERED, unexpected_error_response

REQUESTS = Counter(
    "gnomon_http_requests_total", "HTTP requests answered, by listener, route, method and status code.",
    ("listener", "route", "method", "code"),
)  # fmt: skip
DURATION = Histogram(
    "gnomon_http_request_duration_seconds", "Time from the request's head to the answer's end, by listener and route.",
    ("listener", "route"), buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
IN_FLIGHT = Gauge("gnomon_http_requests_in_flight", "HTTP requests under way, by listener.", ("listener",))

_UNTRACED_PREFIXES = (
    "/v1/",
    "/ingest/",
    "/loki/api/v1/push",
    "/api/v1/write",
    "/health/",
    "/metrics",
    "/assets/",
    "/favicon",
    "/icon.svg",
)
_SERVER_ERROR = 500


class RequestTelemetry:
    """Count and time every request to `app`, trace it where a tracer is given, and answer 500 to what nobody caught."""

    def __init__(self, app: ASGIApp, *, listener: str, tracer: Tracer | None = None) -> None:
        """Watch `app`; `listener` names it in the metrics."""
        self._app = app
        self._listener = listener
        self._tracer = tracer
        self._in_flight = IN_FLIGHT.labels(listener)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._tracer is None or scope["path"].startswith(_UNTRACED_PREFIXES):
            await self._measure(scope, receive, send)
        else:
            await self._trace(self._tracer, scope, receive, send)

    async def _trace(self, tracer: Tracer, scope: Scope, receive: Receive, send: Send) -> None:
        attributes = {
            "http.request.method": scope["method"],
            "url.path": scope["path"],
            "url.scheme": scope["scheme"],
        }
        if scope["query_string"]:
            attributes["url.query"] = scope["query_string"].decode("latin-1")
        with tracer.start_as_current_span(
            scope["method"], context=extract(Headers(scope=scope)), kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            code = await self._measure(scope, receive, send)
            route = _route(scope)
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            if code is not None:
                span.set_attribute("http.response.status_code", code)
                if code >= _SERVER_ERROR:
                    span.set_status(Status(StatusCode.ERROR))

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> int | None:
        code: int | None = None

        async def observe(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        began = time.perf_counter()
        self._in_flight.inc()
        try:
            await self._app(scope, receive, observe)
        except Exception as error:
            trace.get_current_span().record_exception(error)
            if code is None:
                response = unexpected_error_response(error, method=scope["method"], path=scope["path"])
                await response(scope, receive, observe)
            elif ANSWERED not in scope:
                raise
        finally:
            self._in_flight.dec()
            route = _route(scope)
            # 499, as nginx has it: the client closed the connection before an answer.
            REQUESTS.labels(self._listener, route, scope["method"], str(code or 499)).inc()
            DURATION.labels(self._listener, route).observe(time.perf_counter() - began)
        return code


def _route(scope: Scope) -> str:
    """Return the route's template, so that there are as many label values as routes."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else scope.get("gnomon.route", "other")
