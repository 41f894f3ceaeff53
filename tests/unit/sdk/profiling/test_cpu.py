"""A busy process shows what it is busy with, to py-spy and without it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from gnomon.sdk.profiling import Profiling, ProfilingSettings, load_settings, py_spy
from gnomon.sdk.profiling.flame_graph import render
from gnomon.sdk.profiling.stacks import Stacks


@contextmanager
def _started(*arguments: str) -> Iterator[str]:
    app = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("busy_app.py")), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert app.stdout is not None
        yield f"http://127.0.0.1:{int(app.stdout.readline())}/debug/profile/cpu"
    finally:
        app.kill()
        app.communicate()


@pytest.fixture(scope="module")
def busy() -> Iterator[str]:
    with _started() as url:
        yield url


def _get(url: str, **query: str) -> httpx.Response:
    return httpx.get(url, params=query, timeout=90, trust_env=False)


def _seen(folded: str) -> set[str]:
    """Return the names that were on a stack, without their places."""
    return {frame.split(" (")[0].rpartition(".")[2] for line in folded.splitlines() for frame in line.split(";")}


@pytest.mark.skipif(py_spy.find() is None, reason="py-spy is not installed")
def test_py_spy_sees_a_thread_pool_and_a_coroutine(busy: str) -> None:
    answer = _get(busy, duration="2", format="raw", profiler="py-spy")
    if answer.status_code == 501:
        pytest.skip(f"py-spy is refused: {answer.json()['error']}")

    assert answer.headers["x-gnomon-profiler"] == "py-spy"
    assert {"burn_in_pool", "burn_in_coroutine"} <= _seen(answer.text)
    graph = _get(busy, duration="1")
    assert (graph.headers["content-type"], "burn_in_pool" in graph.text) == ("image/svg+xml", True)


def test_the_sampler_sees_the_same(busy: str) -> None:
    answer = _get(busy, duration="2", format="raw", profiler="sampler")

    assert answer.headers["x-gnomon-profiler"] == "in-process sampler"
    assert {"burn_in_pool", "burn_in_coroutine"} <= _seen(answer.text)
    assert "wait_in_pool" not in _seen(answer.text)
    assert "wait_in_pool" in _seen(_get(busy, duration="0.2", format="raw", profiler="sampler", idle="1").text)


def test_formats_of_the_sampler_can_be_read(busy: str) -> None:
    speedscope = _get(busy, duration="0.5", format="speedscope", profiler="sampler", threads="1").json()
    [profile] = speedscope["profiles"]
    assert len(profile["samples"]) == len(profile["weights"]) > 0
    names = [frame["name"] for frame in speedscope["shared"]["frames"]]
    assert any(name.startswith("thread ") for name in names)

    graph = _get(busy, duration="0.5", profiler="sampler")
    root = ET.fromstring(graph.text)  # noqa: S314 - our own
    assert "in-process sampler" in graph.text
    assert any("burn_in_pool" in (title.text or "") for title in root.iter("{http://www.w3.org/2000/svg}title"))


@pytest.mark.skipif(py_spy.find() is None or sys.platform != "linux", reason="needs py-spy and Linux")
def test_where_the_platform_refuses_it_says_so_and_samples_itself() -> None:
    with _started("--hidden") as url:
        refused = _get(url, duration="1", profiler="py-spy")
        assert refused.status_code == 501
        assert "does not let py-spy look into this process" in refused.json()["error"]
        assert "SYS_PTRACE" in refused.json()["error"]

        answer = _get(url, duration="1", format="raw")
        assert answer.headers["x-gnomon-profiler"] == "in-process sampler"
        assert "does not let py-spy" in answer.headers["x-gnomon-profiler-note"]
        assert "burn_in_pool" in _seen(answer.text)


def test_without_debug_mode_everything_is_forbidden() -> None:
    server = Profiling(load_settings({})).serve()
    try:
        for page in ("cpu?duration=1", "memory"):
            answer = _get(f"http://127.0.0.1:{server.port}/debug/profile/{page}")
            assert (answer.status_code, "GNOMON_DEBUG" in answer.json()["error"]) == (403, True)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "value"), [("duration", "21"), ("duration", "soon"), ("rate", "0"), ("format", "gif"), ("profiler", "x")]
)
def test_wrong_parameters_are_named(busy: str, name: str, value: str) -> None:
    answer = _get(busy, **{name: value})

    assert answer.status_code == 400
    assert f"Invalid {name}: {value!r}" in answer.json()["error"]


async def test_one_profile_is_taken_at_a_time() -> None:
    profiling = Profiling(ProfilingSettings(debug=True))
    transport = httpx.ASGITransport(profiling.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        profiling._busy.acquire()
        second = await client.get("/debug/profile/memory")
        assert (second.status_code, second.headers["retry-after"]) == (429, "1")
        profiling._busy.release()
        assert (await client.get("/debug/profile/cpu?duration=0.1&profiler=sampler")).status_code == 200
        assert (await client.get("/debug/profile/cpu?duration=0.1&profiler=sampler")).status_code == 200


def test_boxes_are_as_wide_as_their_share() -> None:
    stacks = Stacks(taken_by="test")
    stacks.counts[("main (a.py:1)", "<quick> (a.py:2)")] = 1
    stacks.counts[("main (a.py:1)", "slow (a.py:3)")] = 3

    root = ET.fromstring(render(stacks, "title", "note"))  # noqa: S314 - our own
    widths = {group.get("data-n"): float(group.get("data-w", "0")) for group in root.iter() if group.get("data-n")}

    assert widths == {"all": 1200, "main (a.py:1)": 1200, "<quick> (a.py:2)": 300, "slow (a.py:3)": 900}
    assert stacks.as_raw() == "main (a.py:1);<quick> (a.py:2) 1\nmain (a.py:1);slow (a.py:3) 3\n"
