"""The four probes: is it alive, is it ready, has it started, and how is it in detail."""

import asyncio
import contextlib
import os
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from gnomon.sdk.health.checks import Check, CheckResult, Probe, RunningCheck
from gnomon.sdk.http_answers import Answer, AsgiApp, Pages, PageServer, asgi_app, json_answer

F = TypeVar("F", bound=Callable[[], Any])

PROBES = ("live", "ready", "startup", "detail")
_LOOP_SILENT_S = 10.0


class Health:
    """Answer `/health/live`, `/health/ready`, `/health/startup` and `/health/detail`.

    A probe answers within `answer_within_s`, whatever its checks do: those that have not ended by then count with
    their last result while that is fresh, and as down otherwise. 200 means well, 503 not.
    """

    def __init__(self, version: str = "", service: str = "", *, answer_within_s: float = 0.06) -> None:
        """Know of no checks."""
        self._version = version
        self._service = service
        self._answer_within_s = answer_within_s
        self._checks: dict[str, RunningCheck] = {}
        self._details: dict[str, RunningCheck] = {}
        self._started_s = time.monotonic()
        self._started = False
        self._waits_for_start = False
        self._draining = ""

    def add(self, check: Check) -> None:
        """Look at another dependency; one of the same name is replaced."""
        self._checks[check.name] = RunningCheck(check)

    def check(
        self,
        name: str,
        *,
        timeout_s: float = 1.0,
        cache_s: float = 2.0,
        required: bool = True,
        live: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Callable[[F], F]:
        """Register a function or coroutine function as a check; see `Check`."""

        def register(probe: F) -> F:
            self.add(Check(name, probe, timeout_s, cache_s, required, live, loop))
            return probe

        return register

    def add_detail(self, name: str, describe: Probe, *, timeout_s: float = 1.0) -> None:
        """Show what `describe` returns under `name` in `/health/detail`: a pool, a cache, agents, a queue's depth."""
        self._details[name] = RunningCheck(Check(name, describe, timeout_s, 0.5, required=False))

    def watch_loop(self, loop: asyncio.AbstractEventLoop, silent_s: float = _LOOP_SILENT_S) -> None:
        """Call the process dead when this event loop has run nothing for `silent_s`.

        Ask through `serve`, whose thread does not depend on the loop.
        """
        beat = _Heartbeat(loop, silent_s)
        self.add(Check("event loop", beat.look, timeout_s=5.0, cache_s=0.0, live=True))

    def hold_startup(self) -> None:
        """Answer 503 to `/health/startup` until `mark_started`; otherwise the first readiness is the start."""
        self._waits_for_start = True

    def mark_started(self) -> None:
        """Say that start-up is over."""
        self._started = True

    def drain(self, reason: str = "shutting down") -> None:
        """Be alive but not ready from now on, so that no new work comes."""
        self._draining = reason

    def asgi(self, inner: AsgiApp | None = None) -> AsgiApp:
        """Return an ASGI app: mount it at `/health`, or give it an app to stand in front of."""
        return asgi_app(self, inner)

    def serve(self, host: str = "127.0.0.1", port: int = 0, also: Sequence[Pages] = ()) -> PageServer:
        """Serve the probes, and other pages, from a thread of their own."""
        return PageServer((self, *also), host, port).start()

    async def answer(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Answer a probe; `?verbose` answers as text in the form of Kubernetes' own `/readyz?verbose`."""
        head, _slash, probe = path.rstrip("/").rpartition("/")
        if probe not in PROBES or not head.endswith("/health"):
            return None
        if probe == "detail":
            return await self._answer_detail()
        results = await self.look(live_only=probe == "live")
        failing = [result for result in results if result.required and not result.healthy]
        reason = ""
        if probe == "ready":
            reason = self._draining
            self._started = self._started or (not self._waits_for_start and not failing)
        elif probe == "startup":
            self._started = self._started or (not self._waits_for_start and not failing)
            failing = [] if self._started else failing
            reason = "" if self._started or failing else "still starting"
        status = 503 if failing or reason else 200
        if "verbose" in query:
            return _as_text(probe, status, results, reason)
        content: dict[str, Any] = {
            "status": "ok" if status == 200 else "unavailable",  # noqa: PLR2004 - HTTP
            "checks": {result.name: _as_json(result) for result in results},
        }
        return json_answer(status, content | ({"reason": reason} if reason else {}))

    async def look(self, *, live_only: bool = False) -> list[CheckResult]:
        """Run what is due, all at once, and return a result for each check, within the time of an answer."""
        return await self._look([run for run in self._checks.values() if run.check.live or not live_only])

    async def _look(self, runs: list[RunningCheck]) -> list[CheckResult]:
        pending = [future for run in runs if (future := run.refresh()) is not None and not run.overdue]
        if pending:
            await _wait_for(pending, self._answer_within_s)
        return [run.result() for run in runs]

    async def _answer_detail(self) -> Answer:
        runs, details = list(self._checks.values()), list(self._details.values())
        results = await self._look([*runs, *details])
        checks, described = results[: len(runs)], results[len(runs) :]
        healthy = all(result.healthy or not result.required for result in checks) and not self._draining
        content: dict[str, Any] = {
            "status": "ok" if healthy else "unavailable",
            "service": self._service,
            "version": self._version,
            "uptime_s": round(time.monotonic() - self._started_s, 3),
            "started": self._started,
            "draining": bool(self._draining),
            "process": {
                "pid": os.getpid(),
                "python": platform.python_version(),
                "threads": threading.active_count(),
            },
            "checks": {result.name: _as_json(result) for result in checks},
        }
        content |= {one.name: one.detail if one.healthy else {"error": one.message} for one in described}
        return json_answer(200 if healthy else 503, content)


async def _wait_for(pending: "list[Future[CheckResult]]", timeout_s: float) -> None:
    """Wait until all have ended, at most so long; leave those that have not alone."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    open_count = len(pending)

    def count_one() -> None:
        nonlocal open_count
        open_count -= 1
        if not open_count:
            over.set()

    def end_one(_future: "Future[CheckResult]") -> None:
        with contextlib.suppress(RuntimeError):  # this loop has closed since
            loop.call_soon_threadsafe(count_one)

    for future in pending:
        future.add_done_callback(end_one)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), timeout_s)


class _Heartbeat:
    """Ask an event loop for a sign of life, and tell how long none has come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, silent_s: float) -> None:
        self._loop = loop
        self._silent_s = silent_s
        self._asked_s: float | None = None

    def look(self) -> str:
        """Return that it is well; raises TimeoutError when it has been silent for too long."""
        now = time.monotonic()
        asked_s = self._asked_s
        if asked_s is None:
            self._asked_s = asked_s = now
            self._loop.call_soon_threadsafe(self._beat)  # raises RuntimeError once the loop is closed
        silent_s = now - asked_s
        if silent_s >= self._silent_s:
            raise TimeoutError(f"the event loop has run nothing for {silent_s:.1f} s")
        return "running"

    def _beat(self) -> None:
        self._asked_s = None


def _as_json(result: CheckResult) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "status": "ok" if result.healthy else "down",
        "required": result.required,
        "duration_ms": round(result.duration_s * 1000, 3),
    }
    if result.message:
        shown["message"] = result.message
    if result.detail is not None:
        shown["detail"] = result.detail
    return shown


def _as_text(probe: str, status: int, results: list[CheckResult], reason: str) -> Answer:
    lines = [
        f"[+]{result.name} ok"
        if result.healthy
        else f"[{'-' if result.required else '!'}]{result.name} failed: {result.message}"
        for result in results
    ]
    if reason:
        lines.append(f"[-]{reason}")
    lines.append(f"{probe} check {'passed' if status == 200 else 'failed'}\n")  # noqa: PLR2004 - HTTP
    return Answer(status, "\n".join(lines).encode(), "text/plain; charset=utf-8", {"cache-control": "no-store"})
