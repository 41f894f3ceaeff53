"""Requests that end early: the reader goes away, the time is up, the body is too large."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.model.errors import LimitExceededError
from gnomon.web.errors import BodyTooLargeError, error_response
from gnomon.web.settings import Settings


class Cancellation:
    """Cancel the work of `app` when the connection closes or the time limit passes before an answer begins.

    Cancellation reaches the handler as `asyncio.CancelledError`, and through it the engine's query. The body is read
    first, so that whatever comes next on the connection can only be its end.
    """

    def __init__(self, app: ASGIApp, settings: Settings, drain_begun: asyncio.Event) -> None:
        """Watch over `app`; endless streams end when `drain_begun` is set."""
        self._app = app
        self._settings = settings
        self._drain_begun = drain_begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read_body(scope, receive)
        except BodyTooLargeError as error:
            await error_response(error)(scope, receive, send)
            return
        if body is not None:
            request = _Request(self._app, self._settings.max_query_time_s, scope, receive, send)
            await request.run(body, self._drain_begun)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes | None:
        limit = self._settings.max_body_bytes
        declared = Headers(scope=scope).get("content-length", "0")
        chunks: list[bytes] = []
        size = int(declared) if declared.isdecimal() else 0
        while size <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(chunks)
            size = max(size, sum(map(len, chunks)))
        message_text = (
            f"The request's body is larger than {limit} bytes (max_body_bytes). Send less at once, or raise the limit."
        )
        raise BodyTooLargeError(message_text, setting="max_body_bytes", value=limit)


class _Request:
    """One request whose body has been read, from then until its answer's end."""

    def __init__(self, app: ASGIApp, limit_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._limit_s = limit_s
        self._scope = scope
        self._receive = receive
        self._send = send
        self._gone = asyncio.Event()
        self._unread: list[bytes] = []
        self._answered = False
        self._endless = False

    async def run(self, body: bytes, drain_begun: asyncio.Event) -> None:
        self._unread.append(body)
        work = asyncio.create_task(self._answer(), name=f"{self._scope['method']} {self._scope['path']}")
        watchers = (
            asyncio.create_task(self._watch_connection(work), name="watch for disconnect"),
            asyncio.create_task(self._watch_drain(work, drain_begun), name="watch for drain"),
        )
        try:
            await work
        except asyncio.CancelledError:
            # Nobody is left to answer, or a stream ends for the drain. A cancellation from elsewhere goes on.
            if not self._gone.is_set():
                raise
            if self._endless:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for watcher in watchers:
                watcher.cancel()

    async def _answer(self) -> None:
        deadline = asyncio.timeout(self._limit_s)

        async def begin(message: Message) -> None:
            if not self._answered:
                self._answered = True
                self._endless = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
                deadline.reschedule(None)
            await self._send(message)

        try:
            async with deadline:
                await self._app(self._scope, self._replay, begin)
        except TimeoutError:
            if self._answered or not deadline.expired():
                raise
            limit_s = self._limit_s
            message = f"No answer within {limit_s:g} s (query.time). Ask for a shorter time range, or raise the limit."
            error = LimitExceededError(message, setting="query.time", value=limit_s)
            await error_response(error)(self._scope, self._replay, self._send)

    async def _watch_connection(self, work: asyncio.Task[None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        work.cancel()

    async def _watch_drain(self, work: asyncio.Task[None], drain_begun: asyncio.Event) -> None:
        await drain_begun.wait()
        if self._endless:
            self._gone.set()
            work.cancel()

    async def _replay(self) -> Message:
        if self._unread:
            return {"type": "http.request", "body": self._unread.pop(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}
