"""The SDK in a FastAPI application: throughput, latency and CPU a request, with everything on, beside the bare one.

Two servers of the same application run at once and answer the same client in turns of a fraction of a second, so that
whatever else the machine does meets both alike: one bare with the standard library's logging, one after
`gnomon.setup()` with traces at 100 %, metrics pushed, JSON log lines written and sent, all to a real `gnomon serve`.

The handler takes 5 ms and writes a log line, in two ways. It waits, as for a database, with connections enough to keep
the process a quarter busy: what a user sees. Or it computes for 5 ms of CPU time with the process at its limit: what
throughput is left. CPU is that of all threads over the whole run, the sending one included. Shares are means of
neighbouring turns without the tenth at either end; latencies are pooled over blocks of turns.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure
from tests.gnomon_process import GnomonProcess, find_free_ports

TURNS = int(os.environ.get("SDK_BENCHMARK_TURNS", "120"))
TURN_S = float(os.environ.get("SDK_BENCHMARK_TURN_S", "0.4"))
HANDLER_S = 0.005
_BLOCK = 15
_TRIMMED = 0.1
_PAUSE_S = 0.005

_APPLICATION = """
import asyncio, logging, os, sys, time
{setup}
from fastapi import FastAPI
import uvicorn
app = FastAPI()
log = logging.getLogger("shop")

@app.get("/items/{{number}}")
async def item(number: int):
    {work}
    log.info("looked at an item")
    return {{"number": number}}

uvicorn.run(app, host="127.0.0.1", port={port}, access_log=False, log_level="warning", loop="uvloop", http="httptools")
"""
_BARE = "logging.basicConfig(level='INFO', stream=sys.stderr)"
_WITH_SDK = "import gnomon; gnomon.setup(service='shop', sample_ratio=1.0)"


@dataclass(frozen=True, slots=True)
class _Handler:
    """Say how the handler takes its 5 ms, and how many connections ask at once."""

    name: str
    work: str
    connections: int


_WAITING = _Handler("waiting", f"await asyncio.sleep({HANDLER_S})", 4)
_COMPUTING = _Handler(
    "computing", f"until = time.thread_time() + {HANDLER_S}\n    while time.thread_time() < until: pass", 2
)


def measure(folder: Path) -> list[Figure]:
    """Return what the application answers with and without the SDK, for both handlers."""
    server = GnomonProcess(folder / "gnomon").start()
    try:
        return [figure for handler in (_WAITING, _COMPUTING) for figure in _compare(folder, server, handler)]
    finally:
        server.stop()


def _compare(folder: Path, server: GnomonProcess, handler: _Handler) -> list[Figure]:
    bare = _Application(folder / f"bare-{handler.name}.log", _BARE, handler, {})
    full = _Application(
        folder / f"full-{handler.name}.log", _WITH_SDK, handler, {"GNOMON_ENDPOINT": server.otlp_http_url}
    )
    try:
        asyncio.run(_take_turns(bare, full, handler.connections))
    finally:
        bare.stop()
        full.stop()
    return _figures(handler.name, bare, full)


async def _take_turns(bare: "_Application", full: "_Application", connections: int) -> None:
    for application in (bare, full):
        await application.connect(connections)
        await _drive(application, 1.0)
        application.begin()
    for number in range(TURNS):
        for application in (bare, full) if number % 2 else (full, bare):
            application.turns.append(await _drive(application, TURN_S))
            await asyncio.sleep(_PAUSE_S)
    for application in (bare, full):
        application.finish()
        for _reader, writer in application.connections:
            writer.close()


def _figures(name: str, bare: "_Application", full: "_Application") -> list[Figure]:
    rates = [[len(turn.seconds) / turn.took_s for turn in one.turns] for one in (full, bare)]
    lost = [100 * (1 - a / b) for a, b in zip(*rates, strict=True)]
    p50 = _blocks(full, 0.5), _blocks(bare, 0.5)
    p99 = _blocks(full, 0.99), _blocks(bare, 0.99)
    later = [100 * (a / b - 1) for a, b in zip(*p99, strict=True)]
    added_s = full.cpu_a_request_s - bare.cpu_a_request_s
    return [
        Figure(f"{name}: requests a second", _mean(rates[0]), "/s", "bare", _mean(rates[1])),
        _share(f"{name}: throughput lost", _mean(lost), lost),
        Figure(f"{name}: median latency", 1000 * _mean(p50[0]), "ms", "bare", 1000 * _mean(p50[1])),
        Figure(
            f"{name}: p99 latency", 1000 * statistics.median(p99[0]), "ms", "bare", 1000 * statistics.median(p99[1])
        ),
        _share(f"{name}: p99 added", statistics.median(later), later),
        Figure(
            f"{name}: CPU a request, all threads", 1e6 * full.cpu_a_request_s, "µs", "bare", 1e6 * bare.cpu_a_request_s
        ),
        Figure(f"{name}: CPU added, as a share of 5 ms", 100 * added_s / HANDLER_S, "%"),
    ]


def _share(name: str, value: float, seen: Sequence[float]) -> Figure:
    low, _middle, high = statistics.quantiles(seen, n=4)
    return Figure(f"{name} (half of the turns: {low:.1f} to {high:.1f} %)", value, "%", target="< 2 %", met=value < 2)


def _mean(values: Sequence[float]) -> float:
    """Return the mean without the tenth at either end."""
    ordered = sorted(values)
    cut = int(_TRIMMED * len(ordered))
    return statistics.fmean(ordered[cut : len(ordered) - cut])


def _blocks(application: "_Application", share: float) -> list[float]:
    """Return a quantile of each block of turns."""
    turns = application.turns
    blocks = [turns[start : start + _BLOCK] for start in range(0, len(turns), _BLOCK)]
    return [_quantile([seconds for turn in block for seconds in turn.seconds], share) for block in blocks]


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(slots=True)
class _Turn:
    seconds: list[float] = field(default_factory=list)
    took_s: float = 0.0


class _Application:
    def __init__(self, log: Path, setup: str, handler: _Handler, environment: dict[str, str]) -> None:
        (self.port,) = find_free_ports(1)
        self.turns: list[_Turn] = []
        self.connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.cpu_a_request_s = 0.0
        self._cpu_before_s = 0.0
        self._log = log.open("wb")
        code = _APPLICATION.format(setup=setup, work=handler.work, port=self.port)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=self._log, stderr=self._log
        )

    async def connect(self, count: int) -> None:
        while len(self.connections) < count:
            try:
                self.connections.append(await asyncio.open_connection("127.0.0.1", self.port))
            except OSError:
                await asyncio.sleep(0.05)

    def begin(self) -> None:
        self._cpu_before_s = self._cpu_s()

    def finish(self) -> None:
        self.cpu_a_request_s = (self._cpu_s() - self._cpu_before_s) / sum(len(turn.seconds) for turn in self.turns)

    def _cpu_s(self) -> float:
        """Return the CPU time of the process, all threads, to a microsecond where the kernel tells it."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self._log.close()


async def _drive(application: _Application, seconds: float) -> _Turn:
    turn = _Turn()
    started = time.perf_counter()
    await asyncio.gather(*(_ask(*connection, started + seconds, turn) for connection in application.connections))
    turn.took_s = time.perf_counter() - started
    return turn


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: float, turn: _Turn) -> None:
    request = b"GET /items/7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\n\r\n"
    done = 0.0
    while done < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        done = time.perf_counter()
        turn.seconds.append(done - started)
