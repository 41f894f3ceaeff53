"""Work ends when nobody waits for it any more."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from gnomon.web.cancellation import Cancellation
from gnomon.web.settings import Settings


class Handlers:
    """Handlers that tell how they ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def sleep(self, _request: Request) -> Response:
        self.began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return PlainTextResponse("slept")

    async def measure(self, request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def trickle(self, _request: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            for number in range(4):
                await asyncio.sleep(0.05)
                yield f"{number}\n"

        return StreamingResponse(lines())

    async def tail(self, _request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            try:
                while True:
                    yield "data: 1\n\n"
                    self.began.set()
                    await asyncio.sleep(0.01)
            finally:
                self.cancelled.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    def app(self, drain: asyncio.Event | None = None, **limits: float) -> Cancellation:
        routes = [
            Route("/sleep", self.sleep),
            Route("/measure", self.measure, methods=["POST"]),
            Route("/trickle", self.trickle),
            Route("/tail", self.tail),
        ]
        return Cancellation(Starlette(routes=routes), Settings(**limits), drain or asyncio.Event())  # type: ignore[arg-type]


class Connection:
    """A connection whose far end can go away."""

    def __init__(self, path: str) -> None:
        self.scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        self.gone = asyncio.Event()
        self.sent: list[Message] = []
        self._asked = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def _client(app: Cancellation) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def test_a_closed_connection_cancels_the_handler() -> None:
    handlers, connection = Handlers(), Connection("/sleep")
    running = asyncio.create_task(handlers.app()(connection.scope, connection.receive, connection.send))
    await handlers.began.wait()

    connection.gone.set()
    await asyncio.wait_for(running, 1)

    assert handlers.cancelled.is_set()
    assert connection.sent == []


async def test_a_closed_connection_ends_a_stream() -> None:
    handlers, connection = Handlers(), Connection("/tail")
    running = asyncio.create_task(handlers.app()(connection.scope, connection.receive, connection.send))
    await handlers.began.wait()

    connection.gone.set()
    await asyncio.wait_for(running, 1)

    assert handlers.cancelled.is_set()


async def test_draining_ends_a_stream_in_good_order() -> None:
    drain = asyncio.Event()
    handlers, connection = Handlers(), Connection("/tail")
    running = asyncio.create_task(handlers.app(drain)(connection.scope, connection.receive, connection.send))
    await handlers.began.wait()

    drain.set()
    await asyncio.wait_for(running, 1)

    assert connection.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_no_answer_within_the_limit_names_the_limit() -> None:
    handlers = Handlers()
    async with _client(handlers.app(max_query_time_s=0.05)) as client:
        answer = await client.get("/sleep")

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "limit_exceeded"
    assert "query.time" in answer.json()["error"]["message"]
    assert handlers.cancelled.is_set()


async def test_an_answer_that_has_begun_may_take_longer() -> None:
    async with _client(Handlers().app(max_query_time_s=0.1)) as client:
        assert (await client.get("/trickle")).text == "0\n1\n2\n3\n"


async def test_a_body_that_is_too_large_is_refused_declared_or_not() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    async with _client(Handlers().app(max_body_bytes=100)) as client:
        assert (await client.post("/measure", content=b"x" * 100)).text == "100"
        declared = await client.post("/measure", content=b"x" * 101)
        streamed = await client.post("/measure", content=chunks())

    assert declared.status_code == streamed.status_code == 413
    assert declared.json()["error"]["code"] == "body_too_large"


async def test_the_servers_end_is_not_mistaken_for_the_readers() -> None:
    handlers, connection = Handlers(), Connection("/sleep")
    running = asyncio.create_task(handlers.app()(connection.scope, connection.receive, connection.send))
    await handlers.began.wait()

    running.cancel()
    results = await asyncio.gather(running, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert handlers.cancelled.is_set()
