"""Small HTTP answers of the SDK's own pages, over ASGI and from a thread of their own, without a framework."""

import asyncio
import http.server
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from gnomon.sdk.faults import guarded, note

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a request is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Pages(Protocol):
    """Answer the paths that it knows.

    `path` is the whole path of the URL, as the client wrote it; None means that the path is somebody else's.
    """

    async def answer(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Return the answer to a GET."""


def json_answer(status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON answer that nobody may cache."""
    body = json.dumps(content, default=str, allow_nan=False).encode()
    return Answer(status, body, headers={"cache-control": "no-store"} | dict(headers or {}))


def asgi_app(pages: Pages, inner: AsgiApp | None = None) -> AsgiApp:
    """Return an ASGI app for `pages`: mounted as it is, or around `inner`, which gets every other request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http":
            with guarded("answer a request"):
                answer = await _answer(pages, scope["method"], scope["path"], scope.get("query_string", b"").decode())
        if answer is not None:
            await _send(answer, send, with_body=scope["method"] != "HEAD")
        elif inner is not None:
            await inner(scope, receive, send)
        elif scope["type"] == "http":
            await _send(json_answer(404, {"error": f"There is nothing at {scope['path']!r}."}), send, with_body=True)
        elif scope["type"] == "lifespan":
            await _live(receive, send)

    return app


class PageServer:
    """Serve pages from a thread of its own, so that a busy or blocked event loop does not keep them back."""

    def __init__(self, pages: Sequence[Pages], host: str = "127.0.0.1", port: int = 0) -> None:
        """Take what to serve, and where; port 0 lets the system choose. Raises OSError when the port is taken."""
        self._server = _make_server(tuple(pages), host, port)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> "PageServer":
        """Begin to answer."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="gnomon-pages", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; does nothing the second time."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._thread = None
        self._server.server_close()


async def _answer(pages: Pages, method: str, path: str, query: str) -> Answer | None:
    if method not in {"GET", "HEAD"}:
        return None
    return await pages.answer(path, dict(parse_qsl(query, keep_blank_values=True)))


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body))} | dict(answer.headers)
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _make_server(pages: tuple[Pages, ...], host: str, port: int) -> http.server.ThreadingHTTPServer:
    async def find(method: str, path: str, query: str) -> Answer:
        for one in pages:
            answer = await _answer(one, method, path, query)
            if answer is not None:
                return answer
        return json_answer(404, {"error": f"There is nothing at {path!r}."})

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        # Head and body in one packet: a delayed acknowledgement between them would cost 40 ms.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            try:
                answer = asyncio.run(find(self.command, url.path, url.query))
            except Exception as error:  # noqa: BLE001 - as over ASGI: told, and never fatal
                note("answer a request", error)
                answer = json_answer(500, {"error": "The page failed: the log tells more."})
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_HEAD = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, *_arguments: object) -> None:
            """Leave probes out of the log."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    return Server((host, port), Handler)
