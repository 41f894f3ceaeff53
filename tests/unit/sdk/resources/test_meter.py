"""Work is charged what it used, and nothing that ran beside it."""

import asyncio
import http.server
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import pytest
import requests

from gnomon.sdk.resources import AccountingSettings, Meter, add_tokens, current_meter, install, measure


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    undo = install(AccountingSettings())
    yield
    undo()


def burn(cpu_s: float) -> None:
    """Use CPU time of this thread, however busy the machine is."""
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        sum(range(100))


async def burn_in_slices(cpu_s: float, slices: int = 10) -> None:
    for _ in range(slices):
        burn(cpu_s / slices)
        await asyncio.sleep(0)


async def wait_in_slices(slices: int = 10) -> None:
    for _ in range(slices):
        await asyncio.sleep(0.001)


async def test_two_concurrent_coroutines_are_told_apart() -> None:
    busy, idle = measure(), measure()

    await asyncio.gather(busy.run(burn_in_slices(0.2)), idle.run(wait_in_slices(50)))

    assert 0.2 <= busy.usage.cpu_s < 0.25
    assert idle.usage.cpu_s < 0.05
    assert busy.usage.cpu_precision == idle.usage.cpu_precision == "exact"


async def test_a_result_an_error_and_a_cancellation_pass_through() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        message = "broken"
        raise ValueError(message)

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert await measure().run(answer()) == 42
    meter = measure()
    with pytest.raises(ValueError, match="broken"):
        await meter.run(fail())
    assert meter.ended

    waiting = measure()
    task = asyncio.create_task(_run(waiting, asyncio.sleep(60)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting.ended
    assert current_meter() is None


async def _run(meter: Meter, work: "asyncio._CoroutineLike[None]") -> None:
    await meter.run(work)  # type: ignore[arg-type]


async def test_a_coroutine_can_catch_what_is_thrown_into_it() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            burn(0.02)
            return "saved"
        return "slept"

    meter = measure()
    task = asyncio.ensure_future(meter.run(stubborn()))
    await asyncio.sleep(0.01)
    task.cancel()

    assert await task == "saved"
    assert meter.usage.cpu_s >= 0.02


async def test_asyncio_tasks_that_work_starts_are_charged_to_it() -> None:
    async def fan_out() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(burn_in_slices(0.03))

    meter = measure()
    await meter.run(fan_out())

    assert 0.09 <= meter.usage.cpu_s < 0.13


async def test_what_outlives_the_work_is_not_charged_to_it() -> None:
    kept: list[asyncio.Task[None]] = []

    async def leave_behind() -> None:
        kept.append(asyncio.create_task(burn_in_slices(0.05)))

    meter = measure()
    await meter.run(leave_behind())
    await kept[0]

    assert meter.usage.cpu_s < 0.03


async def test_a_nested_measurement_is_part_of_the_outer_one() -> None:
    inner = measure()

    async def outer_work() -> None:
        burn(0.02)
        await inner.run(burn_in_slices(0.03))

    outer = measure()
    await outer.run(outer_work())

    assert 0.03 <= inner.usage.cpu_s < 0.045
    assert 0.05 <= outer.usage.cpu_s < 0.075


async def test_jobs_in_threads_are_charged_to_the_coroutine_that_waits_for_them() -> None:
    async def delegate() -> None:
        await asyncio.to_thread(burn, 0.06)

    meter = measure()
    await meter.run(delegate())

    assert 0.06 <= meter.usage.cpu_s < 0.09
    assert meter.usage.cpu_precision == "exact"


def test_a_pool_charges_each_job_to_its_submitter() -> None:
    first, second = measure(), measure()
    with ThreadPoolExecutor(1) as pool:
        with first:
            pool.submit(burn, 0.05).result()
        with second:
            pool.submit(burn, 0.01).result()

    assert 0.05 <= first.usage.cpu_s < 0.07
    assert 0.01 <= second.usage.cpu_s < 0.03


def test_threads_are_charged_to_whoever_starts_them() -> None:
    with measure() as meter:
        thread = threading.Thread(target=burn, args=(0.05,))
        thread.start()
        thread.join()

    assert 0.05 <= meter.usage.cpu_s < 0.07


_CHILD = "import time\nwhile time.process_time() < 0.3: pass"


def test_a_child_process_is_charged_exactly() -> None:
    with measure() as other, ThreadPoolExecutor(1):
        with measure() as meter:
            subprocess.run([sys.executable, "-c", _CHILD], check=True)
        with measure() as idle:
            time.sleep(0.001)

    assert 0.29 <= meter.usage.child_cpu_s < 0.6
    assert meter.usage.cpu_s >= meter.usage.child_cpu_s
    assert meter.usage.cpu_precision == "exact"
    assert other.usage.child_cpu_s == meter.usage.child_cpu_s
    assert idle.usage.child_cpu_s == 0


async def test_children_of_concurrent_coroutines_are_told_apart() -> None:
    async def spawn(code: str) -> None:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        await child.wait()

    busy, idle = measure(), measure()
    await asyncio.gather(busy.run(spawn(_CHILD)), idle.run(spawn("pass")))

    assert busy.usage.child_cpu_s >= 0.29
    assert idle.usage.child_cpu_s < busy.usage.child_cpu_s / 2
    assert busy.usage.cpu_precision == idle.usage.cpu_precision == "exact"


def test_processes_of_multiprocessing_are_charged() -> None:
    with measure() as around, measure() as meter:
        process = multiprocessing.get_context("spawn").Process(target=burn, args=(0.2,))
        process.start()
        process.join()

    assert meter.usage.child_cpu_s >= 0.2
    assert (meter.usage.cpu_precision, around.usage.child_cpu_s) == ("exact", meter.usage.child_cpu_s)


def test_children_that_nobody_saw_starting_are_told_apart() -> None:
    with measure() as alone:
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", _CHILD], dict(os.environ))
        os.waitpid(pid, 0)
    with measure() as around, measure() as inner:
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", _CHILD], dict(os.environ))
        os.waitpid(pid, 0)

    assert (alone.usage.child_cpu_s >= 0.29, alone.usage.cpu_precision) == (True, "shared")
    assert (inner.usage.child_cpu_s, inner.usage.cpu_precision, around.usage.cpu_precision) == (
        0, "estimated", "estimated",
    )  # fmt: skip


async def test_a_block_within_a_coroutine_says_that_others_ran_meanwhile() -> None:
    with measure() as meter:
        await asyncio.sleep(0)

    assert meter.usage.cpu_precision == "shared"


def test_memory_is_shared_unless_allocations_are_traced() -> None:
    with measure() as meter:
        kept = bytearray(40_000_000)
        kept[::4096] = b"x" * len(range(0, len(kept), 4096))

    assert meter.usage.memory_precision == "shared"
    assert meter.usage.memory_bytes >= 30_000_000


async def test_traced_memory_is_exact_for_each_coroutine() -> None:
    async def hold(count: int) -> None:
        kept = bytearray(count)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del kept

    large, small = measure(), measure()
    tracemalloc.start()
    try:
        await asyncio.gather(large.run(hold(8_000_000)), small.run(hold(100_000)))
    finally:
        tracemalloc.stop()

    assert 8_000_000 <= large.usage.memory_bytes < 8_200_000
    assert 100_000 <= small.usage.memory_bytes < 300_000
    assert large.usage.memory_precision == "exact"


def test_cached_input_is_counted_once() -> None:
    with measure() as outer, measure() as inner:
        add_tokens("m", input_tokens=1000, cached_input_tokens=800, output_tokens=50)
        add_tokens("m", input_tokens=10, cached_input_tokens=90, input_includes_cached=False)

    assert inner.usage.tokens == {("m", "input"): 210, ("m", "cached_input"): 890, ("m", "output"): 50}
    assert outer.usage.tokens == inner.usage.tokens


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b"y" * 50_000
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def echo_url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_bytes_of_blocking_clients_are_charged(echo_url: str) -> None:
    with requests.Session() as session, measure() as through_requests:
        session.trust_env = False
        assert len(session.post(echo_url, data=b"x" * 20_000, timeout=10).content) == 50_000
    with httpx.Client(trust_env=False) as client, measure() as through_httpx:
        assert len(client.post(echo_url, content=b"x" * 20_000).content) == 50_000

    for usage in (through_requests.usage, through_httpx.usage):
        assert 20_000 < usage.sent_bytes < 20_500
        assert 50_000 < usage.received_bytes < 50_500
        assert usage.network_precision == "estimated"


async def test_bytes_of_concurrent_requests_are_told_apart(echo_url: str) -> None:
    async def post(client: httpx.AsyncClient, size: int) -> None:
        await client.post(echo_url, content=b"x" * size)

    large, small = measure(), measure()
    async with httpx.AsyncClient(trust_env=False) as client:
        await asyncio.gather(large.run(post(client, 90_000)), small.run(post(client, 10)))

    assert 90_000 < large.usage.sent_bytes < 90_500
    assert 10 < small.usage.sent_bytes < 500


async def test_bytes_of_aiohttp_are_charged(echo_url: str) -> None:
    async def post() -> int:
        async with aiohttp.ClientSession() as session, session.post(echo_url, data=b"x" * 20_000) as response:
            return len(await response.read())

    meter = measure()

    assert await meter.run(post()) == 50_000
    assert 20_000 < meter.usage.sent_bytes < 20_500
    assert 50_000 < meter.usage.received_bytes < 50_500


def test_everything_is_given_back() -> None:
    undo = install()
    undo()

    assert ThreadPoolExecutor.submit.__module__ == "concurrent.futures.thread"
    assert threading.Thread.start.__module__ == "threading"
    assert subprocess.Popen.__init__.__module__ == "subprocess"
