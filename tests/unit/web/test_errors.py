"""Errors are answered in one shape, and never with a traceback."""

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from gnomon.model.errors import GnomonError, InvalidInputError, LimitExceededError, NotFoundError, UnavailableError
from gnomon.web.errors import install_error_handlers
from gnomon.web.request_telemetry import RequestTelemetry

ERRORS: dict[str, tuple[Exception, int, str]] = {
    "invalid": (InvalidInputError("Invalid query: 'a b'.", position=2), 400, "invalid_input"),
    "missing": (NotFoundError("There is no trace 'x'."), 404, "not_found"),
    "limit": (LimitExceededError("Too much.", setting="query.time", value=1), 422, "limit_exceeded"),
    "later": (UnavailableError("Not now.", reason="backlog", retry_after_s=1.5), 503, "unavailable"),
    "other": (GnomonError("Odd."), 500, "internal"),
}


def _client() -> httpx.AsyncClient:
    api = FastAPI()
    install_error_handlers(api)

    @api.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name][0]

    @api.get("/number")
    async def take(size: int) -> int:
        return size

    @api.get("/bug")
    async def stumble() -> None:
        message = "secret detail"
        raise RuntimeError(message)

    app = RequestTelemetry(api, listener="test")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost"
    )


@pytest.mark.parametrize("name", list(ERRORS))
async def test_each_kind_of_error_has_its_status_and_code(name: str) -> None:
    error, status, code = ERRORS[name]
    async with _client() as client:
        answer = await client.get(f"/raise/{name}")

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"] == str(error)


async def test_a_wrong_query_is_answered_with_the_position() -> None:
    async with _client() as client:
        assert (await client.get("/raise/invalid")).json()["error"]["position"] == 2


async def test_who_may_come_again_is_told_when() -> None:
    async with _client() as client:
        assert (await client.get("/raise/later")).headers["Retry-After"] == "2"


async def test_a_wrong_parameter_is_named_with_its_value() -> None:
    async with _client() as client:
        answer = await client.get("/number", params={"size": "many"})

    assert answer.status_code == 400
    assert "query size" in answer.json()["error"]["message"]
    assert "'many'" in answer.json()["error"]["message"]


async def test_an_unknown_path_is_answered_in_the_same_shape() -> None:
    async with _client() as client:
        answer = await client.get("/nowhere")

    assert answer.status_code == 404
    assert "'/nowhere'" in answer.json()["error"]["message"]


async def test_a_bug_is_answered_with_an_id_under_which_the_log_tells_all() -> None:
    with capture_logs() as logs:
        async with _client() as client:
            answer = await client.get("/bug")

    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    [line] = [line for line in logs if line["event"] == "request failed unexpectedly"]
    assert line["error_id"] == answer.json()["error"]["id"]
    assert str(line["exc_info"]) == "secret detail"
