"""Send requests over loopback HTTP from a few connections, as fast as answers come or at a fixed rate."""

import http.client
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from benchmarks.telemetry import RequestMaker, make_logs, make_traces


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: `signal` is traces or logs, `rate` requests a second over all connections (0: no limit)."""

    url: str
    signal: str
    seconds: float
    connections: int = 4
    items: int = 500
    rate: float = 0.0


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


class _Sender(threading.Thread):
    """One connection."""

    def __init__(self, load: Load, number: int, began: float) -> None:
        super().__init__()
        self.load, self.number, self.began = load, number, began
        self.maker: RequestMaker = (make_traces if load.signal == "traces" else make_logs)(load.items)
        self.latencies: list[float] = []
        self.refused = 0

    def run(self) -> None:
        load, address = self.load, urlsplit(self.load.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        interval = load.connections / load.rate if load.rate else 0.0
        intended = self.began + interval * self.number / load.connections
        while (now := time.monotonic()) < self.began + load.seconds:
            if interval and intended > now:
                time.sleep(intended - now)
            begin = intended if interval else time.monotonic()
            intended += interval
            connection.request("POST", address.path, self.maker.next(), {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            if answer.status < 300:
                self.latencies.append(time.monotonic() - begin)
            else:
                self.refused += 1
                time.sleep(0.05)


def _main() -> None:
    load = Load(**json.loads(sys.argv[1]))
    senders = [_Sender(load, number, 0.0) for number in range(load.connections)]
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
