"""What the main port answers, seen from outside."""

import inspect
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gnomon.web.app import ROUTERS, create_api
from tests.unit.web.conftest import OpenApp


async def test_the_status_tells_where_to_send(open_app: OpenApp) -> None:
    async with open_app() as app:
        status = (await app.client.get("/api/status")).json()

    assert status["endpoints"]["otlp_grpc"] == "127.0.0.1:4317"
    assert status["endpoints"]["loki_push"] == "http://127.0.0.1:1212/loki/api/v1/push"
    assert status["retention"] == {"traces_s": 60, "logs_s": 120, "metrics_s": 180}
    assert status["ingest"]["spans_per_s"] == 10
    assert status["ingest"]["log_records_per_s"] == 5
    assert status["ingest"]["refused_per_s"] == 2


async def test_storage_tells_the_compression(open_app: OpenApp) -> None:
    async with open_app() as app:
        storage = (await app.client.get("/api/storage")).json()

    assert storage["tables"][0]["compression_ratio"] == 4
    assert storage["journal"]["backlog_bytes"] == 24


@pytest.mark.parametrize("path", ["/", "/api/status", "/v1/traces", "/nowhere.js"])
async def test_every_answer_bears_the_security_headers(open_app: OpenApp, path: str) -> None:
    async with open_app() as app:
        headers = (await app.client.get(path)).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


async def test_the_documentation_page_lists_every_operation_and_loads_nothing(open_app: OpenApp) -> None:
    async with open_app() as app:
        page = (await app.client.get("/api/docs")).text
        description = (await app.client.get("/api/openapi.json")).json()

    for path in description["paths"]:
        assert path in page
    assert "src=" not in page
    assert "http://" not in page
    assert "https://" not in page


async def test_metrics_come_in_the_text_format_with_requests_by_route(open_app: OpenApp) -> None:
    async with open_app() as app:
        await app.client.get("/api/status")
        answer = await app.client.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'gnomon_http_requests_total{code="200",listener="main",method="GET",route="/api/status"}' in answer.text
    assert "gnomon_build_info" in answer.text
    assert "process_resident_memory_bytes" in answer.text


async def test_an_unknown_api_path_is_not_the_ui(open_app: OpenApp) -> None:
    async with open_app() as app:
        answer = await app.client.get("/api/nothing", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def test_nothing_is_handed_to_a_thread_just_because_it_is_a_plain_function() -> None:
    plain = [
        call
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for call in _calls(route.dependant)
        if not inspect.iscoroutinefunction(call)
    ]

    assert plain == []


def test_every_operation_says_what_it_does() -> None:
    for path, operations in create_api().openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("description"), f"{method} {path}"
