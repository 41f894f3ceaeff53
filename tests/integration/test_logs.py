"""The logs API over HTTP, as the interface uses it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from tests.gnomon_process import GnomonProcess
from tests.otlp_requests import make_log_request

PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest_asyncio.fixture
async def client(gnomon_server: GnomonProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a running server."""
    async with httpx.AsyncClient(base_url=gnomon_server.url, timeout=60, trust_env=False) as opened:
        yield opened


async def send(client: httpx.AsyncClient, bodies: list[str], *, service: str = "gateway", severity: int = 9) -> None:
    content = make_log_request(bodies, service=service, severity=severity)
    (await client.post("/v1/logs", content=content, headers=PROTOBUF)).raise_for_status()


async def get(client: httpx.AsyncClient, path: str, **parameters: str | int) -> Any:
    response = await client.get(path, params=parameters)
    assert response.status_code == httpx.codes.OK, response.text
    return response.json()


async def wait_for_lines(client: httpx.AsyncClient, count: int) -> None:
    """Return once that many lines can be searched, which is half a second after the answer or later."""
    async with asyncio.timeout(60):
        while True:
            histogram = await get(client, "/api/logs/histogram", q="service != gnomon")
            if sum(sum(counts) for counts in histogram["counts"].values()) >= count:
                return
            await asyncio.sleep(0.1)


async def test_what_is_sent_is_found_counted_and_exported(client: httpx.AsyncClient) -> None:
    await send(client, [f"connection {i} reset by peer" for i in range(30)], severity=17)
    await send(client, [f"GET /orders/{i} took {i} ms" for i in range(50)], service="orders")
    await wait_for_lines(client, 80)

    page = await get(client, "/api/logs/search", q="level>=error reset", limit=20)
    assert [line["body"] for line in page["lines"]] == [f"connection {i} reset by peer" for i in range(29, 9, -1)]
    line = page["lines"][0]
    assert (line["level"], line["service"], line["trace_id"]) == ("error", "gateway", None)
    assert page["resources"][line["resource_id"]]["attributes"] == {"service.name": "gateway"}
    rest = await get(
        client, "/api/logs/search", q="level>=error reset", cursor=page["next_cursor"], to=page["to_ns"],
        **{"from": page["from_ns"]},
    )  # fmt: skip
    assert (len(rest["lines"]), rest["next_cursor"]) == (10, None)
    oldest = await get(client, "/api/logs/search", limit=1, order="oldest")
    assert oldest["lines"][0]["body"] == "connection 0 reset by peer"

    histogram = await get(client, "/api/logs/histogram", buckets=30)
    assert {level: sum(counts) for level, counts in histogram["counts"].items()} == {"error": 30, "info": 50}
    assert histogram["width_ms"] == 120_000
    facets = await get(client, "/api/logs/facets", q="service:orders")
    assert facets["facets"][0]["values"] == [
        {"value": "orders", "count": 50, "query": "service:orders", "exclude": "service!=orders"}
    ]
    patterns = await get(client, "/api/logs/patterns")
    assert [(found["template"], found["count"], found["share"]) for found in patterns["patterns"]] == [
        ("GET /orders/<num> took <num> ms", 50, 0.625),
        ("connection <num> reset by peer", 30, 0.375),
    ]
    around = await get(client, f"/api/logs/around/{line['id']}", before=2, after=2)
    assert (len(around["lines"]), around["position"], around["more_before"]) == (3, 2, True)
    detail = await get(client, f"/api/logs/line/{line['id']}")
    assert detail["line"] == line
    assert (await get(client, "/api/logs/fields/service/values", prefix="o"))["values"][0]["value"] == "orders"
    completion = await get(client, "/api/logs/complete", q="service:or")
    assert [suggestion["text"] for suggestion in completion["suggestions"]] == ["orders"]
    assert (await get(client, "/api/logs/refine", q="a or b", field="service", value="x y", keep="false"))["q"] == (
        '(a or b) service!="x y"'
    )

    response = await client.get("/api/logs/export", params={"q": "service:orders", "order": "oldest"})
    assert response.headers["content-disposition"].startswith('attachment; filename="logs-')
    exported = [json.loads(text) for text in response.text.splitlines()]
    assert [record["body"] for record in exported] == [f"GET /orders/{i} took {i} ms" for i in range(50)]
    assert exported[0]["resource"] == {"service.name": "orders"}


async def test_errors_point_at_the_character(client: httpx.AsyncClient) -> None:
    """Also where the answer would be a stream: it is refused before it begins."""
    for path in ("search", "histogram", "facets", "patterns", "export", "tail"):
        for query, position in (('service:a "b', 10), ("a level:loud", 2)):
            response = await client.get(f"/api/logs/{path}", params={"q": query})
            assert response.status_code == httpx.codes.BAD_REQUEST
            assert response.json()["error"]["position"] == position
    missing = await client.get("/api/logs/line/17a-00000000000000aa")
    assert missing.status_code == httpx.codes.NOT_FOUND


async def test_the_tail_keeps_up_with_five_thousand_lines_a_second(client: httpx.AsyncClient) -> None:
    """Every line arrives, once, soon, or is counted as skipped; the stream ends when the client goes."""
    seen: list[str] = []
    skipped = 0
    delays: list[float] = []
    sent_at: dict[str, float] = {}
    rounds, per_round = 30, 500

    async def follow() -> None:
        nonlocal skipped
        async with client.stream("GET", "/api/logs/tail", params={"q": "service:busy"}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            async for text in response.aiter_lines():
                if text.startswith("data: "):
                    batch = json.loads(text.removeprefix("data: "))
                    skipped += batch["skipped"]
                    bodies = [line["body"] for line in batch["lines"]]
                    seen.extend(bodies)
                    delays.append(time.monotonic() - sent_at[bodies[-1].split()[0]])
                    if len(seen) + skipped == rounds * per_round:
                        return

    following = asyncio.create_task(follow())
    await asyncio.sleep(1)
    for number in range(rounds):
        sent_at[str(number)] = time.monotonic()
        await send(client, [f"{number} {i}" for i in range(per_round)], service="busy")
        await send(client, ["quiet"], service="quiet")
        await asyncio.sleep(max(0.0, sent_at[str(number)] + 0.1 - time.monotonic()))
    await asyncio.wait_for(following, 120)
    assert len(set(seen)) == len(seen)
    assert set(seen) <= {f"{number} {i}" for number in range(rounds) for i in range(per_round)}
    assert sorted(delays)[len(delays) // 2] < 10


async def test_a_tail_does_not_keep_the_server_from_ending(gnomon_server: GnomonProcess) -> None:
    async with (
        httpx.AsyncClient(base_url=gnomon_server.url, timeout=60, trust_env=False) as client,
        client.stream("GET", "/api/logs/tail") as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)
        stopped = asyncio.create_task(asyncio.to_thread(gnomon_server.stop))
        async for text in lines:
            assert not text.startswith("event:")
        assert await stopped == 0
