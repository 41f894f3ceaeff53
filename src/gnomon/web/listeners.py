"""Sockets, and the HTTP servers behind them."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gnomon.model.errors import GnomonError, InvalidInputError
from gnomon.web.settings import Settings

# Senders keep connections; closing idle ones early makes their next request fail now and then.
_KEEP_ALIVE_S = 75
_BACKLOG = 2048
_GATHER_BYTES = 1 << 20


class ListenError(GnomonError):
    """Tell that an address cannot be listened on."""


class CertificateError(InvalidInputError):
    """Tell that a certificate cannot be used."""


def check_certificate(settings: Settings) -> None:
    """Raise CertificateError if the certificate's files cannot be used as they are now."""
    if settings.tls_certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        message = (
            f"The certificate {str(settings.tls_certificate)!r} with the key {str(settings.tls_key)!r} cannot be used: "
            f"{error}. Check that both are PEM files and belong together."
        )
        raise CertificateError(message) from error


def bind_socket(host: str, port: int, *, setting: str) -> socket.socket:
    """Return a bound socket; raises ListenError, which names the setting, when that cannot be."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise listen_error(host, port, setting, error) from error
    return bound


def listen_error(host: str, port: int, setting: str, error: OSError) -> ListenError:
    """Return the error that tells why `host` and `port` cannot be listened on."""
    option = f"--{setting.replace('_', '-')}"
    if error.errno == errno.EADDRINUSE:
        message = (
            f"Port {port} on {host} is taken by another process. Stop that one, or choose another port with {option}."
        )
    elif error.errno == errno.EACCES:
        message = (
            f"Port {port} on {host} needs privileges that this process lacks. Choose one above 1023 with {option}."
        )
    elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        message = f"{host!r} is not an address of this machine. Correct --host."
    else:
        message = f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --host and {option}."
    return ListenError(message)


class HttpListener:
    """Serve one application on one socket, on the loop that is running, until it is stopped."""

    def __init__(self, app: ASGIApp, bound: socket.socket, settings: Settings) -> None:
        """Prepare to serve `app` on a bound socket."""
        self._socket = bound
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_GatheringProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(1, int(settings.drain_timeout_s)),
                ssl_certfile=settings.tls_certificate,
                ssl_keyfile=settings.tls_key,
            )
        )
        self._task: asyncio.Task[None] | None = None

    def reload_certificate(self) -> None:
        """Show the certificate that is in the files now to whoever connects from now on."""
        config = self._server.config
        if config.ssl is not None and config.ssl_certfile is not None:
            config.ssl.load_cert_chain(config.ssl_certfile, config.ssl_keyfile)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Return when connections are accepted."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name=f"HTTP on port {self.port}")
        started = asyncio.create_task(self._server.accepting.wait())
        await asyncio.wait({self._task, started}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            started.cancel()
            self._task.result()

    async def stop(self) -> None:
        """Accept no more, and finish the requests under way."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


class _GatheringProtocol(HttpToolsProtocol):
    """Hand a request's body on as a whole, or in pieces of a mebibyte.

    A body of telemetry comes in many small pieces; stopping and waking for each costs more than reading it.
    """

    def on_body(self, body: bytes) -> None:
        """Keep a piece until the body is complete or large."""
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) >= _GATHER_BYTES:
            self.flow.pause_reading()
            self.cycle.message_event.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell who waits that connections are accepted."""
        await super().startup(sockets)
        self.accepting.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process: it has more to stop than this."""
        yield
