"""The SDK in a FastAPI application: throughput, latency and CPU a request, with everything on, beside the bare one.

Two servers of the same application, whose handler waits for 5 ms and writes one log line, answer in turn, slice by
slice, to the same client: one bare with the standard library's logging, one after `gnomon.setup()` with traces at
100 %, metrics pushed, JSON log lines written and sent, all to a real `gnomon serve`. On a machine that others use, the
CPU time a request is what can be judged; the shares of throughput and of p99 need a quiet one.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure
from tests.gnomon_process import GnomonProcess, find_free_ports

SLICES = int(os.environ.get("SDK_BENCHMARK_SLICES", "8"))
SLICE_S = float(os.environ.get("SDK_BENCHMARK_SLICE_S", "3"))
CONNECTIONS = 8
HANDLER_S = 0.005

_APPLICATION = """
import asyncio, logging, os, sys
{setup}
from fastapi import FastAPI
import uvicorn
app = FastAPI()
log = logging.getLogger("shop")

@app.get("/items/{{number}}")
async def item(number: int):
    await asyncio.sleep({handler_s})
    log.info("looked at an item")
    return {{"number": number}}

uvicorn.run(app, host="127.0.0.1", port={port}, access_log=False, log_level="warning", loop="uvloop", http="httptools")
"""
_BARE = "logging.basicConfig(level='INFO', stream=sys.stderr)"
_WITH_SDK = "import gnomon; gnomon.setup(service='shop', sample_ratio=1.0)"


def measure(folder: Path) -> list[Figure]:
    """Return what the application answers with and without the SDK."""
    server = GnomonProcess(folder / "gnomon").start()
    bare = _Application(folder / "bare.log", _BARE, {})
    full = _Application(folder / "full.log", _WITH_SDK, {"GNOMON_ENDPOINT": server.otlp_http_url})
    try:
        return asyncio.run(_compare(bare, full))
    finally:
        bare.stop()
        full.stop()
        server.stop()


async def _compare(bare: "_Application", full: "_Application") -> list[Figure]:
    slices: dict[_Application, list[_Slice]] = {bare: [], full: []}
    for application in (bare, full):
        await application.wait()
        await _drive(application, 1.0)
    for number in range(SLICES):
        for application in (bare, full) if number % 2 else (full, bare):
            slices[application].append(await _drive(application, SLICE_S))
    return _figures(slices[bare], slices[full])


def _figures(bare: "list[_Slice]", full: "list[_Slice]") -> list[Figure]:
    throughput = [len(one.seconds) / one.took_s for one in full], [len(one.seconds) / one.took_s for one in bare]
    p99 = [_quantile(one.seconds, 0.99) for one in full], [_quantile(one.seconds, 0.99) for one in bare]
    p50 = [_quantile(one.seconds, 0.5) for one in full], [_quantile(one.seconds, 0.5) for one in bare]
    cpu = [one.cpu_s / len(one.seconds) for one in full], [one.cpu_s / len(one.seconds) for one in bare]
    lost = 1 - statistics.median(a / b for a, b in zip(*throughput, strict=True))
    later = statistics.median(a / b for a, b in zip(*p99, strict=True)) - 1
    added = statistics.median(a - b for a, b in zip(*cpu, strict=True))
    return [
        Figure("requests a second", statistics.median(throughput[0]), "/s", "bare", statistics.median(throughput[1])),
        Figure("throughput lost, median of slices", 100 * lost, "%", target="< 2 %", met=lost < 0.02),
        Figure("median latency", 1000 * statistics.median(p50[0]), "ms", "bare", 1000 * statistics.median(p50[1])),
        Figure("p99 latency", 1000 * statistics.median(p99[0]), "ms", "bare", 1000 * statistics.median(p99[1])),
        Figure("p99 added, median of slices", 100 * later, "%", target="< 2 %", met=later < 0.02),
        Figure("CPU a request", 1e6 * statistics.median(cpu[0]), "µs", "bare", 1e6 * statistics.median(cpu[1])),
        Figure(
            "CPU added, as a share of 5 ms", 100 * added / HANDLER_S, "%", target="< 2 %", met=added < 0.02 * HANDLER_S
        ),
    ]


class _Slice:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.took_s = 0.0
        self.cpu_s = 0.0


class _Application:
    def __init__(self, log: Path, setup: str, environment: dict[str, str]) -> None:
        (self.port,) = find_free_ports(1)
        code = _APPLICATION.format(setup=setup, handler_s=HANDLER_S, port=self.port)
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=self._log, stderr=self._log
        )

    async def wait(self) -> None:
        for _ in range(600):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    def cpu_s(self) -> float:
        """Return the CPU time of the process, all threads, to a microsecond where the kernel tells it."""
        schedstat = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in schedstat.iterdir()) / 1e9

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self._log.close()


async def _drive(application: _Application, seconds: float) -> _Slice:
    told = _Slice()
    started, cpu = time.perf_counter(), application.cpu_s()
    await asyncio.gather(*(_connection(application.port, started + seconds, told) for _ in range(CONNECTIONS)))
    told.took_s = time.perf_counter() - started
    told.cpu_s = application.cpu_s() - cpu
    return told


async def _connection(port: int, until: float, told: _Slice) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /items/7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\n\r\n"
    while (started := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        told.seconds.append(time.perf_counter() - started)
    writer.close()


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
