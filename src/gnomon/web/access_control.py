"""The door: refuse requests from foreign pages, and those without a key that permits them."""

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from gnomon.model.api_keys import Scope
from gnomon.model.errors import GnomonError
from gnomon.web.auth import Authenticator
from gnomon.web.errors import ForbiddenError, UnauthenticatedError, error_response
from gnomon.web.settings import Settings, is_loopback

_PUBLIC_PATHS = frozenset(
    {
        *("/health/live", "/health/ready", "/health/startup", "/-/healthy", "/-/ready"),
        *("/login", "/api/session", "/favicon.ico", "/icon.svg"),
    }
)
_PUBLIC_PREFIXES = ("/assets/",)
_INGEST_PREFIXES = ("/v1/", "/ingest/", "/loki/api/v1/push", "/api/v1/write")
_ADMIN_PREFIXES = ("/-/",)
# Reading these is for everybody who may read, changing them is not.
_EDITED_PREFIXES = ("/api/dashboards", "/api/dead-letters", "/api/v2/silence", "/api/receivers", "/api/alerting")
_INGEST_POSTS = frozenset({"/api/v2/alerts"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def required_scope(path: str, method: str = "GET") -> Scope | None:
    """Return what a key must permit to use `path`, or None where everybody may."""
    if path in _PUBLIC_PATHS or path.startswith(_PUBLIC_PREFIXES):
        return None
    if path.startswith(_INGEST_PREFIXES) or (path in _INGEST_POSTS and method not in _SAFE_METHODS):
        return Scope.INGEST
    if path.startswith(_ADMIN_PREFIXES) or (path.startswith(_EDITED_PREFIXES) and method not in _SAFE_METHODS):
        return Scope.ADMIN
    return Scope.READ


class AccessControl:
    """Let a request through to `app`, or answer 401 or 403; browsers without a session go to the login page.

    Where no keys are needed, the `Host` header must name this machine: a foreign page that points a name of its own at
    127.0.0.1 (DNS rebinding) would otherwise read everything. Requests that change something must not come from a
    foreign page at all.
    """

    def __init__(self, app: ASGIApp, settings: Settings, authenticator: Authenticator) -> None:
        """Guard `app`."""
        self._app = app
        self._authenticator = authenticator
        self._check_host = not settings.keys_required
        self._ingest_origins = frozenset(settings.ingest_origins)
        self._allowed_hosts = frozenset(host.lower() for host in settings.allowed_hosts)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            needed = required_scope(scope["path"], scope["method"])
            self._check_origin(scope["method"], needed, headers)
            # A browser asks without a key whether its page may send; the answer tells nothing else.
            preflight = needed is Scope.INGEST and scope["method"] == "OPTIONS"
            if needed is not None and not preflight and self._authenticator.required:
                scope.setdefault("state", {})["api_key"] = await self._authenticator.authorize(headers, needed)
        except UnauthenticatedError as error:
            if (
                scope["method"] == "GET"
                and "text/html" in headers.get("accept", "")
                and not scope["path"].startswith("/api/")
            ):
                target = quote(
                    scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
                )
                await RedirectResponse(f"/login?next={target}", status_code=303)(scope, receive, send)
            else:
                await error_response(error)(scope, receive, send)
        except GnomonError as error:
            await error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check_origin(self, method: str, needed: Scope | None, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._check_host and not self._is_own_name(host):
            message = (
                f"The Host header {host!r} is not a name of this machine. Open Gnomon as 127.0.0.1 or localhost, "
                "or list the name under auth.allowed_hosts."
            )
            raise ForbiddenError(message)
        if method in _SAFE_METHODS:
            return
        origin = headers.get("origin")
        if origin is None or origin.partition("://")[2] == host:
            return
        if not self._is_allowed_origin(origin, needed):
            message = f"Requests that change something are not taken from pages of {origin!r}; only from Gnomon's own."
            raise ForbiddenError(message)

    def _is_own_name(self, host: str) -> bool:
        name = _host_name(host)
        return is_loopback(name) or name in self._allowed_hosts or not host

    def _is_allowed_origin(self, origin: str, needed: Scope | None) -> bool:
        if needed is Scope.INGEST and not self._ingest_origins.isdisjoint({origin, "*"}):
            return True
        return _host_name(origin.partition("://")[2]) in self._allowed_hosts


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[").lower()
    return host.partition(":")[0].lower()
