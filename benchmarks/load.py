"""Send requests over loopback HTTP from a few connections, as fast as answers come or at a fixed rate.

The sender shares the machine with what it measures, so it is as light as can be: requests are encoded beforehand, and
written to plain sockets.
"""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol
from urllib.parse import urlsplit

from benchmarks.samples import make_new_series, make_samples
from benchmarks.telemetry import make_logs, make_traces

_HEAD = re.compile(
    rb"HTTP/1.1 (?P<status>\d+) (?s:.)*?\r\ncontent-length: (?P<length>\d+)(?s:.)*?\r\n\r\n", re.IGNORECASE
)

_NO_CONTENT = b"HTTP/1.1 204"


class RequestMaker(Protocol):
    """Make one request after the other."""

    def next(self) -> memoryview:
        """Return a request that nobody has seen."""


_REMOTE_WRITE = "Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"
_HEADERS = {"samples": _REMOTE_WRITE, "new_series": _REMOTE_WRITE}


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: `signal` is one of MAKERS, `rate` requests a second over all connections (0: no limit).

    Samples begin at `first_ms` and run ahead of the clock by far.
    """

    url: str
    signal: str
    seconds: float
    connections: int = 4
    items: int = 500
    rate: float = 0.0
    first_ms: int = 0


MAKERS: dict[str, Callable[[Load, int], RequestMaker]] = {
    "traces": lambda load, _connection: make_traces(load.items),
    "logs": lambda load, _connection: make_logs(load.items),
    "samples": lambda load, connection: make_samples(load.items, connection, load.first_ms),
    "new_series": lambda load, connection: make_new_series(load.items, connection, load.first_ms),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was acknowledged; latencies in seconds, from the intended start where there is a rate."""

    items: int
    requests: int
    refused: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Return acknowledged items a second."""
        return self.items / self.seconds

    def quantile(self, q: float) -> float:
        """Return a quantile of the latencies in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def start_load(load: Load) -> "subprocess.Popen[str]":
    """Begin to send, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(load))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish_load(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for the end and return what came of it."""
    out, _ = process.communicate()
    return Outcome(**json.loads(out))


def run_load(load: Load) -> Outcome:
    """Send, and return what came of it."""
    return finish_load(start_load(load))


class _Connection:
    """One connection; it is opened anew where the server has closed it."""

    def __init__(self, url: str, headers: str = "") -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/x-protobuf\r\n"
            f"{headers}Content-Length: %d\r\n\r\n"
        )
        self._socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self._address)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def post(self, body: memoryview) -> int:
        """Return the status of the answer to `body`; 0 where there was none."""
        try:
            self._socket.sendall((self._head % len(body)).encode(), socket.MSG_MORE)
            self._socket.sendall(body)
            return self._read_status()
        except ConnectionError:
            self._socket.close()
            self._socket = self._open()
            return 0

    def _read_status(self) -> int:
        answer = b""
        while (found := _HEAD.match(answer)) is None or len(answer) < found.end() + int(found["length"]):
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionResetError
            answer += piece
            if answer.startswith(_NO_CONTENT) and answer.endswith(b"\r\n\r\n"):
                return 204
        return int(found["status"])


class _Sender(threading.Thread):
    """Send over one connection until the time is up."""

    def __init__(self, load: Load, number: int) -> None:
        super().__init__()
        self.load, self.number, self.began = load, number, 0.0
        self.maker = MAKERS[load.signal](load, number)
        self.latencies: list[float] = []
        self.refused = 0

    def run(self) -> None:
        load, connection = self.load, _Connection(self.load.url, _HEADERS.get(self.load.signal, ""))
        interval = load.connections / load.rate if load.rate else 0.0
        intended = self.began + interval * self.number / load.connections
        while (now := time.monotonic()) < self.began + load.seconds:
            if interval and intended > now:
                time.sleep(intended - now)
            begin = intended if interval else time.monotonic()
            intended += interval
            if 200 <= connection.post(self.maker.next()) < 300:
                self.latencies.append(time.monotonic() - begin)
            else:
                self.refused += 1
                time.sleep(0.05)


def _main() -> None:
    load = Load(**json.loads(sys.argv[1]))
    senders = [_Sender(load, number) for number in range(load.connections)]
    began = time.monotonic()
    for sender in senders:
        sender.began = began
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.monotonic() - began
    latencies = [latency for sender in senders for latency in sender.latencies]
    refused = sum(sender.refused for sender in senders)
    outcome = Outcome(len(latencies) * load.items, len(latencies), refused, seconds, latencies)
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    _main()
