"""Requests to real Starlette and FastAPI applications, before and after setup."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

import gnomon
from gnomon.testing import Captured, capture


async def item(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "work": gnomon.current().fields()})


async def broken(_request: Request) -> JSONResponse:
    raise LookupError("no such shelf")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


STARLETTE = Starlette(
    routes=[
        Route("/items/{id}", item),
        Route("/broken", broken),
        Mount("/inner", routes=[Route("/deep/{id}", item)]),
        WebSocketRoute("/echo/{room}", echo),
        Route("/health/live", lambda _request: PlainTextResponse("ok")),
    ]
)
FASTAPI = FastAPI()
router = APIRouter(prefix="/v1")


@router.get("/items/{number}")
async def read_item(number: int) -> dict[str, int]:
    return {"number": number}


@router.get("/stream")
async def read_stream() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.01)
            yield b"x"

    return StreamingResponse(chunks())


FASTAPI.include_router(router)
FASTAPI.mount("/mounted", STARLETTE)


@pytest.fixture
def told() -> Iterator[Captured]:
    with capture(instrument=["starlette", "fastapi"]) as captured:
        yield captured


def client(app: Any) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def test_a_request_is_one_span_with_the_conventions_attributes(told: Captured) -> None:
    answer = client(STARLETTE).get("/items/4?token=abc&page=2", headers={"user-agent": "probe"})
    assert answer.status_code == 200
    (span,) = told.spans
    assert span.name == "GET /items/{id}"
    assert span.kind == "server"
    assert not span.failed
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/items/{id}",
        "http.response.status_code": 200,
        "url.path": "/items/4",
        "url.query": "token=REDACTED&page=2",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "testserver",
        "server.port": 80,
        "client.address": "testclient",
        "user_agent.original": "probe",
    }
    assert told.value("http_requests_total", method="GET", endpoint="/items/{id}", status=200) == 1
    assert told.value("http_request_duration_seconds_count", method="GET", endpoint="/items/{id}") == 1
    assert told.value("http_requests_in_progress") == 0


def test_the_caller_s_trace_goes_on_and_its_ids_are_the_work_s(told: Captured) -> None:
    headers = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-request-id": "r-1",
        "x-client-id": "c-1",
    }
    answer = client(STARLETTE).get("/items/4", headers=headers)
    (span,) = told.spans
    assert span.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id == "b7ad6b7169203331"
    assert answer.json()["work"] == {"correlation_id": "r-1", "client_id": "c-1", "endpoint": "/items/4"}
    assert gnomon.current().fields() == {}


def test_an_exception_is_on_the_span_and_goes_on_to_the_server(told: Captured) -> None:
    with pytest.raises(LookupError):
        TestClient(STARLETTE).get("/broken")
    (span,) = told.spans
    assert span.failed
    assert span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == "LookupError"
    assert span.events[0].attributes["exception.message"] == "no such shelf"
    assert told.value("http_requests_total", method="GET", endpoint="/broken", status=500) == 1


@pytest.mark.parametrize(
    ("app", "path", "route"),
    [
        (STARLETTE, "/inner/deep/1", "/inner/deep/{id}"),
        (FASTAPI, "/v1/items/3", "/v1/items/{number}"),
        (FASTAPI, "/mounted/items/3", "/mounted/items/{id}"),
        (FASTAPI, "/nowhere/3", None),
    ],
)
def test_routes_are_templates_whatever_their_nesting_and_unknown_paths_one_label(
    told: Captured, app: Any, path: str, route: str | None
) -> None:
    client(app).get(path)
    (span,) = told.spans
    assert span.attributes.get("http.route") == route
    assert span.name == (f"GET {route}" if route else "GET")
    status = 200 if route else 404
    assert told.value("http_requests_total", method="GET", endpoint=route or "__unmatched__", status=status) == 1


def test_methods_that_nobody_knows_are_one_label(told: Captured) -> None:
    client(FASTAPI).request("BREW", "/v1/items/3")
    assert told.value("http_requests_total", method="_OTHER", endpoint="__unmatched__", status=405) == 1 or (
        told.value("http_requests_total", method="_OTHER", endpoint="/v1/items/{number}", status=405) == 1
    )


def test_a_stream_lasts_until_its_last_byte_and_background_work_does_not_count(told: Captured) -> None:
    async def later() -> None:
        await asyncio.sleep(0.3)

    async def quick(_request: Request) -> JSONResponse:
        return JSONResponse({}, background=BackgroundTask(later))

    client(FASTAPI).get("/v1/stream")
    client(Starlette(routes=[Route("/quick", quick)])).get("/quick")
    assert told.span("GET /v1/stream").seconds >= 0.03
    assert told.span("GET /quick").seconds < 0.3


def test_a_web_socket_is_counted_while_it_is_open(told: Captured) -> None:
    with client(STARLETTE).websocket_connect("/echo/blue") as socket:
        told.value("websocket_connections_active")
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    told.wait_until(lambda seen: seen.spans)
    assert told.span("GET /echo/{room}").attributes["http.response.status_code"] == 101
    assert told.value("websocket_connections_active") == 0


def test_probes_are_counted_and_not_traced(told: Captured) -> None:
    client(STARLETTE).get("/health/live")
    assert told.spans == []
    assert told.value("http_requests_total", method="GET", endpoint="/health/live", status=200) == 1


def test_any_asgi_application_can_be_wrapped(told: Captured) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert client(gnomon.TelemetryMiddleware(app)).get("/x").status_code == 204
    assert told.span("GET").attributes["http.response.status_code"] == 204


def test_applications_are_as_they_were_once_the_sdk_is_off() -> None:
    with capture(instrument=["starlette", "fastapi"]):
        pass
    assert Starlette.__call__.__module__ == "starlette.applications"
    assert FastAPI.__call__.__module__ == "fastapi.applications"
    assert client(FASTAPI).get("/v1/items/3").json() == {"number": 3}
