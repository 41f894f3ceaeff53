"""Probes answer in time and truly, whatever the checks behind them do."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine

from gnomon.sdk.health import Check, Health, PageServer, describe_sqlalchemy_pool

_PATIENT_S = 20.0  # for checks that do end: a loaded machine may take its time


@pytest.fixture
def health() -> Health:
    return Health("1.2.3", "worker", answer_within_s=_PATIENT_S)


@pytest.fixture
def server(health: Health) -> Iterator[PageServer]:
    server = health.serve()
    yield server
    server.stop()


def _get(server: PageServer, probe: str) -> tuple[int, dict[str, Any]]:
    response = httpx.get(f"http://127.0.0.1:{server.port}/health/{probe}", timeout=30, trust_env=False)
    return response.status_code, response.json()


def test_a_process_without_checks_is_well(server: PageServer) -> None:
    for probe in ("live", "ready", "startup"):
        assert _get(server, probe) == (200, {"status": "ok", "checks": {}})


def test_readiness_follows_what_the_process_depends_on(health: Health, server: PageServer) -> None:
    up = {"database": True}

    @health.check("database", cache_s=0)
    async def look() -> str:
        await asyncio.sleep(0)
        if not up["database"]:
            message = "connection refused"
            raise ConnectionError(message)
        return "3 connections"

    @health.check("cache", required=False)
    def look_at_cache() -> bool:
        return False

    status, content = _get(server, "ready")
    assert (status, content["checks"]["database"]["detail"]) == (200, "3 connections")
    assert content["checks"]["cache"]["status"] == "down"

    up["database"] = False
    status, content = _get(server, "ready")
    assert (status, content["status"]) == (503, "unavailable")
    assert content["checks"]["database"]["message"] == "ConnectionError: connection refused"
    assert _get(server, "live")[0] == 200
    assert _get(server, "detail")[0] == 503


def test_checks_run_at_the_same_time(health: Health, server: PageServer) -> None:
    together = threading.Barrier(3)
    for name in ("a", "b", "c"):
        health.add(Check(name, lambda: together.wait(15) >= 0, timeout_s=15))

    assert _get(server, "ready")[0] == 200


def test_results_are_kept_for_a_while(health: Health, server: PageServer) -> None:
    calls: list[int] = []
    health.add(Check("often", lambda: calls.append(1), cache_s=60))
    health.add(Check("always", lambda: calls.append(2), cache_s=0))
    for _ in range(3):
        _get(server, "ready")

    assert (calls.count(1), calls.count(2)) == (1, 3)


def test_a_check_that_blocks_for_ever_holds_up_nobody() -> None:
    released = threading.Event()
    health = Health(answer_within_s=0.06)
    health.add(Check("hangs", released.wait, timeout_s=0.1, cache_s=0))

    async def never_awaits() -> None:
        while not released.is_set():
            time.sleep(0.01)  # noqa: ASYNC251 - the fault that is tested

    health.add(Check("never awaits", never_awaits, timeout_s=0.1, cache_s=0))
    server = health.serve()
    try:
        threads = []
        for _ in range(3):
            before = time.monotonic()
            status, content = _get(server, "ready")
            assert time.monotonic() - before < 5
            assert status == 503
            assert {check["status"] for check in content["checks"].values()} == {"down"}
            threads.append(
                len(
                    [
                        thread
                        for thread in threading.enumerate()
                        if thread.name.startswith(("gnomon-check-hangs", "gnomon-check-never"))
                    ]
                )
            )
            time.sleep(0.15)
        assert "no answer within 0.1 s" in _get(server, "ready")[1]["checks"]["hangs"]["message"]
        assert threads == [2, 2, 2]
        released.set()
        deadline = time.monotonic() + 20
        while _get(server, "ready")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        released.set()
        server.stop()


def test_a_coroutine_that_takes_too_long_is_down(health: Health, server: PageServer) -> None:
    health.add(Check("slow", lambda: asyncio.sleep(60), timeout_s=0.05))

    status, content = _get(server, "ready")

    assert status == 503
    assert content["checks"]["slow"]["message"].startswith("no answer within 0.05 s")


def test_start_up_is_over_once_ready_and_stays_so(health: Health, server: PageServer) -> None:
    up = [False]
    health.add(Check("model", lambda: up[0], cache_s=0))

    assert _get(server, "startup")[0] == 503
    up[0] = True
    assert _get(server, "startup")[0] == 200
    up[0] = False
    assert _get(server, "startup")[0] == 200


def test_start_up_can_be_held(health: Health, server: PageServer) -> None:
    health.hold_startup()

    status, content = _get(server, "startup")
    assert (status, content["reason"]) == (503, "still starting")
    health.mark_started()
    assert _get(server, "startup")[0] == 200


def test_a_draining_process_is_alive_but_not_ready(health: Health, server: PageServer) -> None:
    health.drain()

    assert (_get(server, "live")[0], _get(server, "ready")) == (
        200,
        (503, {"status": "unavailable", "checks": {}, "reason": "shutting down"}),
    )


def test_detail_tells_about_the_process_and_its_parts(health: Health, server: PageServer) -> None:
    engine = create_engine("sqlite://")
    health.add_detail("database_pool", describe_sqlalchemy_pool(engine))
    health.add_detail("agents", lambda: {"running": 3})
    health.add_detail("queue_depth", lambda: 17)
    health.add_detail("broken", lambda: 1 / 0)

    status, content = _get(server, "detail")

    assert status == 200
    assert (content["version"], content["service"], content["agents"]) == ("1.2.3", "worker", {"running": 3})
    assert content["queue_depth"] == 17
    assert content["uptime_s"] > 0
    assert "kind" in content["database_pool"]
    assert content["broken"] == {"error": "ZeroDivisionError: division by zero"}
    engine.dispose()


def test_verbose_answers_in_the_form_of_kubernetes(health: Health, server: PageServer) -> None:
    health.add(Check("database", lambda: True))
    health.add(Check("queue", lambda: False))

    response = httpx.get(f"http://127.0.0.1:{server.port}/health/ready?verbose", timeout=30, trust_env=False)

    assert response.status_code == 503
    assert response.text == "[+]database ok\n[-]queue failed: answered False\nready check failed\n"


async def test_probes_are_mounted_into_an_app(health: Health) -> None:
    health.add(Check("database", lambda: True))

    @health.check("pool", loop=asyncio.get_running_loop())
    async def look() -> bool:
        return asyncio.get_running_loop() is here

    here = asyncio.get_running_loop()
    app = FastAPI()

    @app.get("/tasks")
    def tasks() -> dict[str, int]:
        return {"count": 2}

    app.mount("/health", health.asgi())
    for target in (app, health.asgi(app)):
        transport = httpx.ASGITransport(target)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            ready = await client.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (200, "ok")
            assert ready.headers["cache-control"] == "no-store"
            assert (await client.get("/health/unknown")).status_code == 404
            assert (await client.get("/tasks")).json() == {"count": 2}


def test_an_event_loop_that_runs_nothing_is_told_from_another_thread() -> None:
    health = Health(answer_within_s=_PATIENT_S)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    health.watch_loop(loop, silent_s=0.1)
    server = health.serve()
    released = threading.Event()
    try:
        assert _get(server, "live")[0] == 200
        loop.call_soon_threadsafe(released.wait)
        deadline = time.monotonic() + 20
        while (answer := _get(server, "live"))[0] == 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "has run nothing for" in json.dumps(answer[1])
    finally:
        released.set()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        server.stop()
