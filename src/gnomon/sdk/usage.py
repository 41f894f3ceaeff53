"""What people do with an application: features, sessions and API calls, as events."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Literal

from gnomon.sdk import context
from gnomon.sdk.events import AttributeValue, emit
from gnomon.sdk.faults import guarded
from gnomon.sdk.http_answers import AsgiApp, Receive, Scope, Send

_OPEN_SESSIONS = 100_000
_UNMATCHED = "(unmatched)"
_PROBES = ("/health", "/metrics", "/debug")

_sessions: OrderedDict[str, float] = OrderedDict()
_lock = threading.Lock()


def track_feature(
    name: str, *, user_id: str | None = None, session_id: str | None = None, **attributes: AttributeValue
) -> None:
    """Tell that a feature was used; by whom, if that may be known. Further attributes are kept as they are."""
    emit("usage.feature", attributes | _known(("feature.name", name), ("user.id", user_id), ("session.id", session_id)))


def track_session(
    session_id: str,
    event: Literal["start", "end"],
    *,
    user_id: str | None = None,
    duration_s: float | None = None,
) -> None:
    """Tell that a session has begun or ended; how long it took is known if it began in this process.

    Raises ValueError for another event.
    """
    if event not in {"start", "end"}:
        raise ValueError(f"Invalid session event: {event!r}. Use 'start' or 'end'.")
    now = time.monotonic()
    with _lock:
        began = _sessions.pop(session_id, None)
        if event == "start":
            _sessions[session_id] = now
            if len(_sessions) > _OPEN_SESSIONS:
                _sessions.popitem(last=False)
        elif duration_s is None and began is not None:
            duration_s = now - began
    known = _known(("user.id", user_id), ("session.duration_s", duration_s if event == "end" else None))
    emit("usage.session", known | {"session.id": session_id, "session.event": event})


def track_api_call(
    route: str,
    method: str,
    status: int,
    duration_s: float,
    *,
    client_id: str | None = None,
    user_id: str | None = None,
) -> None:
    """Tell of one API call. `route` is the template (`/tasks/{id}`), never the path with its ids."""
    emit(
        "usage.api_call",
        _known(("client.id", client_id), ("user.id", user_id))
        | {
            "http.route": route,
            "http.request.method": method,
            "http.response.status_code": status,
            "duration_s": duration_s,
        },
    )


class ApiCallMiddleware:
    """Track each HTTP request of an ASGI app: `app.add_middleware(ApiCallMiddleware)`.

    The route is the one that Starlette or FastAPI matched, or what `route(scope)` says; the client is that of the work
    at hand, or what `client(scope)` says. Probes and metrics are no use of an API.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        route: Callable[[Scope], str | None] | None = None,
        client: Callable[[Scope], str | None] | None = None,
        skip: Sequence[str] = _PROBES,
    ) -> None:
        """Stand in front of `app`; paths that start with one of `skip` are passed over."""
        self._app = app
        self._route = route
        self._client = client
        self._skip = re.compile("|".join(f"{re.escape(prefix)}(?:/|$)" for prefix in skip) or r"(?!)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._skip.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        status = 500  # what a server answers for an app that raises

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            with guarded("track an API call"):
                track_api_call(
                    (self._route(scope) if self._route else _matched_route(scope)) or _UNMATCHED,
                    scope["method"],
                    status,
                    time.perf_counter() - began,
                    client_id=self._client(scope) if self._client else context.current().client_id,
                )


def _matched_route(scope: Scope) -> str | None:
    path = getattr(scope.get("route"), "path", None)
    return f"{scope.get('root_path', '')}{path}" if isinstance(path, str) else None


def _known(*pairs: tuple[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {key: value for key, value in pairs if value is not None}
