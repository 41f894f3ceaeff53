"""Snapshots name who holds memory, and what has grown since."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.sdk.profiling import Profiling, ProfilingSettings


@pytest.fixture
def profiling() -> Iterator[Profiling]:
    assert not tracemalloc.is_tracing()
    profiling = Profiling(ProfilingSettings(debug=True, snapshots=2))
    yield profiling
    profiling._memory.stop()


async def _get(profiling: Profiling, query: str = "") -> httpx.Response:
    transport = httpx.ASGITransport(profiling.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return await client.get(f"/debug/profile/memory{query}")


class Held:
    """What the test holds."""

    def __init__(self) -> None:
        self.data = bytearray(10_000)


def _sites(rows: list[dict[str, Any]]) -> list[str]:
    return [Path(row["where"][0].rpartition(":")[0]).name for row in rows]


async def test_growth_is_told_by_line_and_type(profiling: Profiling) -> None:
    first = (await _get(profiling)).json()
    assert "Tracing began with this snapshot" in first["note"]
    held = [Held() for _ in range(500)]

    second = (await _get(profiling, "?group=traceback")).json()

    assert len(held) == 500
    assert "note" not in second
    assert second["difference"]["to"] == first["id"]
    [grown, *_rest] = second["difference"]["top"]
    assert grown["bytes_change"] >= 5_000_000
    assert any(Path(__file__).name in frame for frame in grown["where"])
    assert second["top"][0]["bytes"] >= 5_000_000
    assert second["traced_bytes"] >= 5_000_000
    assert second["resident_bytes"] > 5_000_000

    del held
    third = (await _get(profiling, "?format=text&top=500")).text
    assert "Difference to snapshot 2" in third
    assert "-4." in third


async def test_snapshots_that_are_gone_are_named(profiling: Profiling) -> None:
    kept = [(await _get(profiling, "?compare=none")).json()["kept_snapshots"] for _ in range(3)]
    assert kept == [["1"], ["1", "2"], ["2", "3"]]

    answer = await _get(profiling, "?compare=1")

    assert (answer.status_code, "'1'" in answer.json()["error"]) == (400, True)


async def test_tracing_ends_when_told(profiling: Profiling) -> None:
    await _get(profiling)
    assert tracemalloc.is_tracing()

    assert (await _get(profiling, "?stop=1")).status_code == 200

    assert not tracemalloc.is_tracing()


async def test_tracing_of_others_goes_on(profiling: Profiling) -> None:
    tracemalloc.start()
    try:
        content = (await _get(profiling)).json()
        assert "note" not in content
        await _get(profiling, "?stop=1")
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
