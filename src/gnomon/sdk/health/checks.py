"""Checks of what a process depends on. Each runs in a thread of its own, so that one that hangs holds up nobody."""

import asyncio
import inspect
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

Probe = Callable[[], Any | Awaitable[Any]]

# A thread that hangs for ever cannot be ended. After so many times its limit another one is tried, a few times.
_PATIENCE = 20
_ABANDONED_AT_MOST = 3
_IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Check:
    """Name a dependency and how to look at it.

    `probe` is a function or coroutine function; what it returns is shown, False and any exception mean *down*. With
    `loop` it runs on that event loop, which is what connections that belong to one want; otherwise in a thread of its
    own. `required` checks decide about readiness, `live` ones about liveness, too. A result is kept for `cache_s`.
    """

    name: str
    probe: Probe
    timeout_s: float = 1.0
    cache_s: float = 2.0
    required: bool = True
    live: bool = False
    loop: asyncio.AbstractEventLoop | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Tell how a check ended, how long it took, and when that was (on the monotonic clock)."""

    name: str
    healthy: bool
    required: bool
    message: str
    duration_s: float
    at_s: float
    detail: Any = None


class RunningCheck:
    """Run one check, at most once at a time, and remember the last result."""

    def __init__(self, check: Check, clock: Callable[[], float] = time.monotonic) -> None:
        """Run nothing yet."""
        self.check = check
        self._clock = clock
        self._lock = threading.Lock()
        self._last: CheckResult | None = None
        self._pending: Future[CheckResult] | None = None
        self._started_s = 0.0
        self._worker: _Worker | None = None
        self._abandoned = 0
        self._process = os.getpid()

    def refresh(self) -> "Future[CheckResult] | None":
        """Start the check unless its last result is fresh; return what is under way."""
        with self._lock:
            if self._process != os.getpid():  # a fork takes no threads along
                self._process, self._pending, self._worker = os.getpid(), None, None
            now = self._clock()
            if self._pending is None or self._give_up(now):
                if self._last is not None and now - self._last.at_s < self.check.cache_s:
                    return None
                self._started_s = now
                pending: Future[CheckResult] = Future()
                self._pending = pending
                self._start(pending)
            return self._pending

    @property
    def overdue(self) -> bool:
        """Return whether a run takes longer than its limit: nobody need wait for it."""
        with self._lock:
            return self._pending is not None and self._clock() - self._started_s >= self.check.timeout_s

    def result(self) -> CheckResult:
        """Return the last result, and *down* while a run takes longer than its limit or no run has ended yet."""
        with self._lock:
            running_s = self._clock() - self._started_s
            limit_s = self.check.timeout_s
            if self._pending is not None and running_s >= limit_s:
                return self._down(f"no answer within {limit_s:g} s (waiting for {running_s:.1f} s)", running_s)
            return self._last or self._down("no answer yet", running_s)

    def _give_up(self, now: float) -> bool:
        """Tell whether to leave a run that hangs to itself and try another thread."""
        hung = now - self._started_s > self.check.timeout_s * _PATIENCE and self.check.loop is None
        if not hung or self._abandoned >= _ABANDONED_AT_MOST:
            return False
        self._abandoned += 1
        self._worker = None
        return True

    def _start(self, pending: "Future[CheckResult]") -> None:
        started_s = self._started_s
        if self.check.loop is not None:
            try:
                work = asyncio.run_coroutine_threadsafe(_probe_within(self.check), self.check.loop)
            except RuntimeError as error:  # the loop is closed
                self._finish(pending, started_s, error, None)
                return
            work.add_done_callback(lambda done: self._end(pending, started_s, done))
            return
        if self._worker is None or self._worker.retired:
            self._worker = _Worker(self.check, self._lock)
        self._worker.jobs.put(lambda done: self._end(pending, started_s, done))

    def _end(self, pending: "Future[CheckResult]", started_s: float, done: "Future[Any]") -> None:
        error = done.exception() if not done.cancelled() else asyncio.CancelledError("the check was cancelled")
        with self._lock:
            self._finish(pending, started_s, error, None if error else done.result())

    def _finish(
        self, pending: "Future[CheckResult]", started_s: float, error: BaseException | None, value: Any
    ) -> None:
        now = self._clock()
        healthy = error is None and value is not False
        message = _describe(error, self.check.timeout_s) if error else "" if healthy else "answered False"
        detail = None if value is None or isinstance(value, bool) else value
        result = CheckResult(self.check.name, healthy, self.check.required, message, now - started_s, now, detail)
        if self._pending is pending:
            self._last = result
            self._pending = None
        pending.set_result(result)

    def _down(self, message: str, duration_s: float) -> CheckResult:
        return CheckResult(self.check.name, False, self.check.required, message, duration_s, self._clock())


class _Worker(threading.Thread):
    """Run the probes of one check, coroutines on an event loop that is this thread's own."""

    def __init__(self, check: Check, lock: threading.Lock) -> None:
        super().__init__(name=f"gnomon-check-{check.name}", daemon=True)
        self.retired = False  # under `lock`, as jobs are given
        self._lock = lock
        self.jobs: queue.SimpleQueue[Callable[[Future[Any]], None]] = queue.SimpleQueue()
        self._check = check
        self.start()

    def run(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                report = self._next_job()
                if report is None:
                    return
                done: Future[Any] = Future()
                try:
                    value = self._check.probe()
                    if inspect.isawaitable(value):
                        value = runner.run(_wait_within(value, self._check.timeout_s))
                    done.set_result(value)
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is the check's result
                    done.set_exception(error)
                report(done)
                del report, done

    def _next_job(self) -> Callable[[Future[Any]], None] | None:
        try:
            return self.jobs.get(timeout=_IDLE_S)
        except queue.Empty:
            with self._lock:
                self.retired = self.jobs.empty()
            return None if self.retired else self.jobs.get()


async def _probe_within(check: Check) -> Any:
    value = check.probe()
    if inspect.isawaitable(value):
        return await _wait_within(value, check.timeout_s)
    return value


async def _wait_within(work: Awaitable[Any], timeout_s: float) -> Any:
    return await asyncio.wait_for(work, timeout_s)


def _describe(error: BaseException, timeout_s: float) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer within {timeout_s:g} s"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if "different loop" in text or "different event loop" in text:
        return f"{text} (register the check with loop=asyncio.get_running_loop())"
    return text
