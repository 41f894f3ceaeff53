"""The work that a request belongs to, in its headers: the services bind it, so that spans and log lines carry it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
from opentelemetry import trace

import gnomon

FIELDS = ("task_id", "task_type", "agent_id", "tenant_id", "session_id", "chain_id")
_HEADERS = {f"x-{field.replace('_', '-')}".encode(): field for field in FIELDS}
_NAMES = {field: field.replace("_", ".", 1) for field in FIELDS}

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def connect(base_url: str, timeout_s: float) -> httpx.AsyncClient:
    """Return a client of another service; what the current work is called goes with each request."""
    return httpx.AsyncClient(base_url=base_url, timeout=timeout_s, event_hooks={"request": [_write]})


class WorkHeaders:
    """Bind what the caller's headers say about the work."""

    def __init__(self, app: App) -> None:
        """Stand in front of an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one request."""
        found = {
            _HEADERS[name]: value.decode("latin-1") for name, value in scope.get("headers") or () if name in _HEADERS
        }
        if not found:
            await self._app(scope, receive, send)
            return
        trace.get_current_span().set_attributes({_NAMES[field]: value for field, value in found.items()})
        with gnomon.bind(**found):
            await self._app(scope, receive, send)


async def _write(request: httpx.Request) -> None:
    work = gnomon.current().fields()
    for header, field in _HEADERS.items():
        if field in work:
            request.headers[header.decode()] = str(work[field])
