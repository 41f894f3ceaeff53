"""What waits to be sent, bounded in bytes, and the one thread that sends it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gnomon.sdk import wire
from gnomon.sdk.faults import guarded, warn_once
from gnomon.sdk.settings import Settings
from gnomon.sdk.transport import Answer, Connection

if TYPE_CHECKING:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

Signal = Literal["traces", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs")

_REQUEST_BYTES = 2 * 1024 * 1024
_RETRIES = 6
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


@dataclass(slots=True)
class _Batch:
    """Hold what fits one request: the items of each scope in a row, in the order in which they came."""

    items: int = 0
    size: int = 0
    # By identity, since hashing a scope costs more than adding to its bytes.
    scopes: "dict[int, tuple[InstrumentationScope | None, bytearray]]" = field(default_factory=dict)


class _Lane:
    """Hold one signal's encoded items; full means that the newest is refused and counted.

    Bytes behind bytes: an object an item would cost more, and would keep Python's garbage collector busy.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._full: deque[_Batch] = deque()
        self._open = _Batch()
        self.waiting_bytes = 0
        self.dropped = 0
        self.sent = 0
        self.refused = 0

    def put(self, scope: "InstrumentationScope | None", payload: bytes) -> int:
        """Append an item and return how many bytes wait."""
        size = len(payload)
        with self._lock:
            total = self.waiting_bytes + size
            if total > self._limit:
                self.dropped += 1
                return self.waiting_bytes
            batch = self._open
            if batch.items and batch.size + size > _REQUEST_BYTES:
                self._full.append(batch)
                batch = self._open = _Batch()
            batch.items += 1
            batch.size += size
            found = batch.scopes.get(id(scope))
            if found is None:
                batch.scopes[id(scope)] = (scope, bytearray(payload))
            else:
                found[1].extend(payload)
            self.waiting_bytes = total
            return total

    def take(self) -> _Batch | None:
        """Remove and return what comes in the next request, or None where nothing waits."""
        with self._lock:
            if self._full:
                batch = self._full.popleft()
            elif self._open.items:
                batch, self._open = self._open, _Batch()
            else:
                return None
            self.waiting_bytes -= batch.size
        return batch

    def clear(self) -> None:
        """Forget everything with a new lock: what a child finds after a fork is its parent's."""
        self._lock = threading.Lock()
        self._full.clear()
        self._open = _Batch()
        self.waiting_bytes = 0


class Outbox:
    """Take encoded spans and log records from any thread, and post them from one; `tick` is called between posts.

    Nothing here blocks the host: `put` takes a microsecond, and what finds no room is dropped and counted. A receiver
    that is away is tried again with growing pauses while the queue fills.
    """

    def __init__(
        self, settings: Settings, resource: Callable[[], Mapping[str, object]], tick: Callable[["Outbox"], None]
    ) -> None:
        """Take where to send, what to say about this process, and what to do besides, at most each half second."""
        self._settings = settings
        self._resource = resource
        self._tick = tick
        self._lanes: dict[Signal, _Lane] = {signal: _Lane(settings.queue_bytes // 2) for signal in SIGNALS}
        self._connection = Connection(settings)
        self._wake_bytes = max(1, settings.queue_bytes // 8)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._sending = threading.Lock()
        self._posting = threading.Lock()
        self._closing = False

    def put(self, signal: Signal, scope: "InstrumentationScope | None", payload: bytes) -> None:
        """Queue one encoded item."""
        waiting = self._lanes[signal].put(scope, payload)
        if self._thread is None:
            self.start()
        elif waiting > self._wake_bytes and not self._wake.is_set():
            self._wake.set()

    def start(self) -> None:
        """Start the sending thread unless it runs; in a forked child it starts with the first item."""
        with self._starting:
            if self._thread is None and not self._closing:
                thread = threading.Thread(target=self._run, name="gnomon-sdk", daemon=True)
                # Python 3.12 refuses new threads while the interpreter ends: what waits is sent by the last flush.
                try:
                    thread.start()
                except RuntimeError:
                    return
                self._thread = thread

    def counts(self) -> dict[Signal, dict[str, int]]:
        """Return how many items were sent, dropped for want of room, and refused by the receiver, by signal."""
        return {
            signal: {"sent": lane.sent, "dropped": lane.dropped, "refused": lane.refused}
            for signal, lane in self._lanes.items()
        }

    def waiting_bytes(self) -> int:
        """Return how many bytes wait to be sent."""
        return sum(lane.waiting_bytes for lane in self._lanes.values())

    def post(self, path: str, body: bytes, timeout_s: float | None = None) -> Answer:
        """Send a body over the one connection, after those that other threads are sending."""
        wanted = self._settings.timeout_s if timeout_s is None else timeout_s
        if not self._posting.acquire(timeout=wanted):
            return Answer(0, "another request is under way")
        try:
            answer = self._connection.post(path, body, wanted)
        finally:
            self._posting.release()
        if not answer.accepted:
            warn_once(
                "Gnomon's SDK cannot send to %s (told once): %s",
                self._settings.url(path),
                answer.detail if answer.status == 0 else f"HTTP {answer.status}: {answer.detail}",
            )
        return answer

    def flush(self, timeout_s: float) -> bool:
        """Send what waits now, from this thread; return whether all was taken in time."""
        deadline = time.monotonic() + timeout_s
        if not self._sending.acquire(timeout=timeout_s):
            return False
        try:
            return self._send_all(deadline, retries=1)
        finally:
            self._sending.release()

    def close(self, timeout_s: float) -> bool:
        """Send what waits, then stop the thread; return whether all of it was taken in time."""
        refused = self._refused()
        self._closing = True
        self._wake.set()
        done = self.flush(timeout_s) and self._refused() == refused
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
        self._connection.close()
        return done

    def renew_after_fork(self) -> None:
        """Begin afresh in a child: nothing queued, no thread, no connection, no lock that the parent held."""
        for lane in self._lanes.values():
            lane.clear()
        self._connection.forget()
        self._thread = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._sending = threading.Lock()
        self._posting = threading.Lock()

    def _refused(self) -> int:
        return sum(lane.refused for lane in self._lanes.values())

    def _run(self) -> None:
        while True:
            self._wake.wait(self._settings.send_interval_s)
            self._wake.clear()
            if self._closing:
                return
            with self._sending, guarded("send telemetry"):
                self._send_all(None, retries=_RETRIES)
            with guarded("push metrics"):
                self._tick(self)

    def _send_all(self, deadline: float | None, retries: int) -> bool:
        done = True
        for signal, lane in self._lanes.items():
            while batch := lane.take():
                body = wire.request(self._resource(), tuple(batch.scopes.values()))
                if self._deliver(f"/v1/{signal}", body, deadline, retries):
                    lane.sent += batch.items
                else:
                    lane.refused += batch.items
                    done = False
                if deadline is not None and time.monotonic() >= deadline:
                    return done and not self.waiting_bytes()
        return done

    def _deliver(self, path: str, body: bytes, deadline: float | None, retries: int) -> bool:
        wait_s = _FIRST_WAIT_S
        for attempt in range(retries):
            left = None if deadline is None else max(0.05, deadline - time.monotonic())
            answer = self.post(path, body, left)
            if answer.accepted:
                return True
            if not answer.worth_retrying or attempt + 1 == retries or self._closing:
                return False
            pause = wait_s if answer.retry_after_s is None else min(answer.retry_after_s, _LONGEST_WAIT_S)
            if deadline is not None and time.monotonic() + pause >= deadline:
                return False
            # A pause that ends early when the process ends, after which it is tried a last time.
            self._pause(pause)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        return False

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._closing and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
