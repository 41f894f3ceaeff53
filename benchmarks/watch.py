"""Watch a process while it is measured: CPU time, resident memory."""

import threading
import time
from dataclasses import dataclass, field

import psutil


@dataclass(slots=True)
class Watched:
    """What was seen: `resident` bytes, twice a second; `cpu_s` is CPU time from the start to the end of the watch."""

    resident: list[int] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0

    @property
    def peak_bytes(self) -> int:
        """Return the largest resident size."""
        return max(self.resident)

    @property
    def growth(self) -> float:
        """Return the mean of the last third over that of the middle third: 1 is flat."""
        third = len(self.resident) // 3
        middle, last = self.resident[third : 2 * third], self.resident[2 * third :]
        return (sum(last) / len(last)) / (sum(middle) / len(middle))


class Watch:
    """Watch a process and its children until the block ends."""

    def __init__(self, pid: int) -> None:
        """Watch `pid`."""
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen = Watched()

    def __enter__(self) -> Watched:
        """Begin."""
        self._cpu_s, self._began = self._cpu(), time.monotonic()
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()
        self.seen.cpu_s = self._cpu() - self._cpu_s
        self.seen.seconds = time.monotonic() - self._began

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            self.seen.resident.append(self._process.memory_info().rss)
