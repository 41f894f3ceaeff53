"""Use of an application becomes events."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from gnomon.sdk import context
from gnomon.sdk.usage import ApiCallMiddleware, track_api_call, track_feature, track_session
from gnomon.testing import Captured, capture


@pytest.fixture
def events() -> Iterator[Captured]:
    with capture() as told:
        yield told


def _seen(events: Captured) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, dict(event.attributes)) for event in events.events]


def test_features_are_told_with_who_used_them(events: Captured) -> None:
    with context.bind(tenant_id="acme"):
        track_feature("export", user_id="ada", format="csv")

    assert _seen(events) == [
        ("usage.feature", {"tenant.id": "acme", "feature.name": "export", "user.id": "ada", "format": "csv"})
    ]


def test_a_session_knows_how_long_it_took(events: Captured) -> None:
    track_session("s-1", "start", user_id="ada")
    track_session("s-1", "end")
    track_session("elsewhere", "end")
    track_session("given", "end", duration_s=12.0)

    started, ended, elsewhere, given = (attributes for _name, attributes in _seen(events))
    assert started == {"session.id": "s-1", "session.event": "start", "user.id": "ada"}
    assert 0 <= ended["session.duration_s"] < 60
    assert "session.duration_s" not in elsewhere
    assert given["session.duration_s"] == 12.0
    with pytest.raises(ValueError, match="'pause'"):
        track_session("s-1", "pause")  # type: ignore[arg-type]


def test_api_calls_are_told(events: Captured) -> None:
    track_api_call("/tasks/{id}", "GET", 200, 0.01, client_id="acme")

    assert _seen(events) == [
        (
            "usage.api_call",
            {
                "http.route": "/tasks/{id}",
                "http.request.method": "GET",
                "http.response.status_code": 200,
                "duration_s": 0.01,
                "client.id": "acme",
            },
        )
    ]


async def test_requests_of_an_app_are_tracked_by_their_route(events: Captured) -> None:
    app, router = FastAPI(), APIRouter(prefix="/tasks")

    @router.get("/{task_id}")
    async def read_task(task_id: str) -> str:
        return task_id

    @app.get("/broken")
    async def break_down() -> None:
        raise RuntimeError

    app.include_router(router)
    app.add_middleware(ApiCallMiddleware, client=lambda scope: dict(scope["headers"]).get(b"x-client", b"").decode())

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        for path in ("/tasks/7", "/nowhere/8", "/broken", "/health/live"):
            await client.get(path, headers={"x-client": "acme"})

    calls = [attributes for name, attributes in _seen(events) if name == "usage.api_call"]
    assert [(call["http.route"], call["http.response.status_code"]) for call in calls] == [
        ("/tasks/{task_id}", 200), ("(unmatched)", 404), ("/broken", 500),
    ]  # fmt: skip
    assert {call["client.id"] for call in calls} == {"acme"}
