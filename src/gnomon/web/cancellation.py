"""Requests that end early: the reader goes away, the time is up, the body is too large."""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnomon.model.errors import LimitExceededError
from gnomon.web.errors import BodyTooLargeError, error_response
from gnomon.web.settings import Settings


class Cancellation:
    """Cancel the work of `app` when the connection closes or the time limit passes before an answer begins.

    Cancellation reaches the handler as `asyncio.CancelledError`, and through it the engine's query. The body is read first,
    so that whatever comes next on the connection can only be its end.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Watch over `app`."""
        self._app = app
        self._settings = settings

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
            await self._run(scope, receive, send, body)

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
            f"The request's body is larger than {limit} bytes (limits.body). Send less at once, or raise the limit."
        )
        raise BodyTooLargeError(message_text, setting="limits.body", value=limit)

    async def _run(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        gone = asyncio.Event()
        unread = [body]
        answered = False

        async def replay() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def begin(message: Message) -> None:
            nonlocal answered
            if not answered:
                answered = True
                deadline.reschedule(None)
            await send(message)

        work = asyncio.current_task()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
            if not answered and work is not None:
                work.cancel()

        limit_s = self._settings.max_query_time_s
        watcher = asyncio.create_task(watch(), name="watch for disconnect")
        try:
            async with asyncio.timeout(limit_s) as deadline:
                await self._app(scope, replay, begin)
        except asyncio.CancelledError:
            # Nobody is left to answer. A cancellation from elsewhere (the server's end) goes on.
            if not gone.is_set():
                raise
            if work is not None:
                work.uncancel()
        except TimeoutError:
            if answered or not deadline.expired():
                raise
            message = (
                f"No answer within {limit_s:g} s (limits.query_time). Ask for a shorter time range, or raise the limit."
            )
            error = LimitExceededError(message, setting="limits.query_time", value=limit_s)
            await error_response(error)(scope, replay, send)
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
