"""Health is checked in the background and told from memory."""

import asyncio
import time

import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.errors import UnavailableError
from gnomon.web import health as health_module
from gnomon.web.health import Health, HealthCheck
from tests.unit.web.conftest import OpenApp


async def _well() -> str:
    return "all is well"


async def _ill() -> str:
    message = "The disk is full."
    raise UnavailableError(message, reason="disk_full")


async def _stuck() -> str:
    await asyncio.sleep(60)
    return "never"


async def test_a_part_that_is_ill_makes_the_server_unready_with_its_reason(open_app: OpenApp) -> None:
    async with open_app(checks=(HealthCheck("disk", _ill), HealthCheck("engine", _well))) as app:
        ready = await app.client.get("/health/ready")
        detail = (await app.client.get("/health/detail")).json()
        live = await app.client.get("/health/live")

    assert (ready.status_code, ready.json()) == (503, {"status": "failing"})
    assert live.status_code == 200
    assert {check["name"]: (check["healthy"], check["message"]) for check in detail["checks"]} == {
        "disk": (False, "The disk is full."),
        "engine": (True, "all is well"),
    }


async def test_a_part_that_is_not_required_is_told_and_changes_nothing(open_app: OpenApp) -> None:
    async with open_app(checks=(HealthCheck("journal", _ill, required=False),)) as app:
        assert (await app.client.get("/health/ready")).status_code == 200
        assert (await app.client.get("/health/detail")).json()["checks"][0]["healthy"] is False


async def test_a_part_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "CHECK_TIMEOUT_S", 0.05)
    health = Health((HealthCheck("engine", _stuck), HealthCheck("state", _well)), SystemClock())
    began = time.monotonic()

    await health.check()

    assert time.monotonic() - began < 1
    assert [(result.name, result.healthy) for result in health.results] == [("engine", False), ("state", True)]
    assert "no answer within" in health.results[0].message


async def test_before_the_start_and_while_draining_nothing_is_ready() -> None:
    health = Health((), SystemClock())
    assert (health.started, health.ready) == (False, False)
    health.mark_started()
    assert (health.started, health.ready) == (True, True)
    health.mark_draining()
    assert (health.started, health.ready) == (True, False)
