"""The one client for whatever goes out over HTTP: it connects to no private address unless that is allowed.

Names are resolved once, the addresses checked, and the connection made to the very address that was checked: an answer
that changes between the check and the connection (DNS rebinding) gains nothing. Redirects pass the same check.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from gnomon import __version__
from gnomon.alerting.config_values import HttpConfig, OAuth2
from gnomon.ingest.scraping.http_client import make_ssl_context
from gnomon.model.errors import InvalidInputError

USER_AGENT = f"Gnomon/{__version__}"

_MOST_BYTES = 64 * 1024
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_SHARED_SPACE = ipaddress.ip_network("100.64.0.0/10")
_DEFAULT_TIMEOUT_S = 15.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedAddressError(httpx.TransportError):
    """Tell that a name leads to an address that nothing is sent to."""


@dataclass(frozen=True, slots=True)
class OutgoingSettings:
    """Which private networks may be reached all the same, and how long a request may take, in seconds."""

    allowed_networks: tuple[Network, ...] = ()
    timeout_s: float = _DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One request; `shown_url` and `shown_body` stand in for those with secrets where people look."""

    url: str
    body: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    shown_url: str = ""
    shown_body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or why nothing did: `error` for people, `reason` for metrics."""

    status: int = 0
    body: str = ""
    error: str = ""
    reason: str = ""


class OutgoingHttp:
    """Send requests."""

    def __init__(self, settings: OutgoingSettings) -> None:
        """Connect to nothing yet."""
        self._settings = settings

    async def send(self, request: OutgoingRequest, options: HttpConfig, timeout_s: float | None = None) -> Answer:
        """Send one request and return the answer; never raises."""
        limit_s = timeout_s or self._settings.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._send(request, options)
        except TimeoutError:
            return Answer(error=f"no answer within {limit_s:g} s", reason="timeout")
        except RefusedAddressError as error:
            return Answer(error=str(error), reason="refused_address")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            return Answer(error=_describe(error), reason="unreachable")
        except InvalidInputError as error:
            return Answer(error=str(error), reason="secret")

    async def _send(self, request: OutgoingRequest, options: HttpConfig) -> Answer:
        async with self._client(options) as client:
            headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", **request.headers}
            headers |= await self._authorization(client, options)
            return await self._follow(client, request, headers, follows=options.follow_redirects)

    def _client(self, options: HttpConfig) -> httpx.AsyncClient:
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(
            verify=make_ssl_context(options.tls_config), proxy=options.proxy_url or None, retries=0
        )
        if not options.proxy_url:
            transport = _GuardedTransport(transport, self._settings.allowed_networks, options.tls_config.server_name)
        return httpx.AsyncClient(transport=transport, trust_env=False, timeout=None)  # noqa: S113 - bounded as a whole

    async def _follow(
        self, client: httpx.AsyncClient, request: OutgoingRequest, headers: Mapping[str, str], *, follows: bool
    ) -> Answer:
        url, method, body, sent = httpx.URL(request.url), request.method, request.body, dict(headers)
        for _ in range(_MOST_REDIRECTS + 1):
            async with client.stream(method, url, content=body.encode() or None, headers=sent) as response:
                target = response.headers.get("location", "")
                if response.status_code not in _REDIRECTS or not follows or not target:
                    return Answer(response.status_code, await _read(response))
                onward = url.join(target)
                if onward.scheme not in {"http", "https"} or (url.scheme == "https" and onward.scheme == "http"):
                    return Answer(error=f"redirected to {onward.scheme}, which is not followed", reason="other")
                if response.status_code not in _KEEP_METHOD:
                    method, body = "GET", ""
                if onward.host != url.host:
                    # What authorizes there is nobody else's business.
                    sent.pop("Authorization", None)
                url = onward
        return Answer(error=f"stopped after {_MOST_REDIRECTS} redirects", reason="other")

    async def _authorization(self, client: httpx.AsyncClient, options: HttpConfig) -> dict[str, str]:
        headers = {}
        for name, header in options.http_headers.items():
            values = (*header.values, *header.secrets, *map(_read_file, header.files))
            headers[name] = ", ".join(values)
        basic, authorization = options.basic_auth, options.effective_authorization
        if basic is not None:
            user = _read_file(basic.username_file) if basic.username_file else basic.username
            password = _read_file(basic.password_file) if basic.password_file else basic.password
            headers["Authorization"] = str(
                next(httpx.BasicAuth(user, password).auth_flow(httpx.Request("GET", "http://x"))).headers[
                    "Authorization"
                ]
            )
        elif authorization is not None:
            secret = authorization.credentials
            if authorization.credentials_file:
                secret = _read_file(authorization.credentials_file)
            headers["Authorization"] = f"{authorization.type or 'Bearer'} {secret}"
        elif options.oauth2 is not None:
            headers["Authorization"] = f"Bearer {await _fetch_token(client, options.oauth2)}"
        return headers


class _GuardedTransport(httpx.AsyncBaseTransport):
    """Resolve the name, check its addresses, and connect to one of them under the old name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, allowed: Sequence[Network], server_name: str) -> None:
        self._inner = inner
        self._allowed = allowed
        self._server_name = server_name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = await find_allowed_address(host, port, self._allowed)
        # The Host header is set already; certificates are checked against the name, not the address.
        request.url = request.url.copy_with(host=str(address))
        request.extensions = {**request.extensions, "sni_hostname": self._server_name or host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def find_allowed_address(host: str, port: int, allowed: Sequence[Network]) -> Address:
    """Return an address of a host that may be connected to; raises RefusedAddressError, and OSError for no address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if is_allowed(address, allowed):
            return address
    shown = ", ".join(dict.fromkeys(map(str, addresses)))
    raise RefusedAddressError(
        f"{host} is at {shown}, a private address. List its network under alerting.allowed_networks to send there."
    )


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Tell whether something may be sent to an address: to public ones, and to those in the networks allowed."""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if address.version == _SHARED_SPACE.version and address in _SHARED_SPACE:
        return False
    return address.is_global and not address.is_multicast


async def _fetch_token(client: httpx.AsyncClient, oauth2: OAuth2) -> str:
    secret = _read_file(oauth2.client_secret_file) if oauth2.client_secret_file else oauth2.client_secret
    form = {"grant_type": "client_credentials", **oauth2.endpoint_params}
    if oauth2.scopes:
        form["scope"] = " ".join(oauth2.scopes)
    response = await client.post(oauth2.token_url, data=form, auth=(oauth2.client_id, secret))
    try:
        return str(response.raise_for_status().json()["access_token"])
    except (ValueError, KeyError) as error:
        raise httpx.HTTPError(f"{oauth2.token_url} answered without an access_token") from error


async def _read(response: httpx.Response) -> str:
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) >= _MOST_BYTES:
            break
    return body[:_MOST_BYTES].decode(errors="replace")


def _read_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"Cannot read the secret in {path!r}: {error}.") from error


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
