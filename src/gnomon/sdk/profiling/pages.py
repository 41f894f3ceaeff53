"""`/debug/profile/cpu` and `/debug/profile/memory`."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast, get_args

from gnomon.sdk.http_answers import Answer, AsgiApp, Pages, PageServer, asgi_app, json_answer
from gnomon.sdk.profiling import py_spy, sampler
from gnomon.sdk.profiling.flame_graph import render
from gnomon.sdk.profiling.memory import Group, MemoryProfiler, as_text
from gnomon.sdk.profiling.settings import ProfilingSettings, load_settings
from gnomon.sdk.profiling.stacks import Form, Stacks

T = TypeVar("T")

_CONTENT_TYPES: dict[Form, str] = {
    "flamegraph": "image/svg+xml",
    "speedscope": "application/json",
    "raw": "text/plain; charset=utf-8",
}
_PROFILERS = ("auto", "py-spy", "sampler")
_OFF = "Profiling is off: it shows code and slows the process. Set GNOMON_DEBUG=true, or ProfilingSettings(debug=True)."
_MOST_ROWS = 500


class _RefusedError(Exception):
    """A parameter is wrong: the message says which."""


class Profiling:
    """Answer the profiling pages, one profile at a time; everything is 403 unless debug mode is on."""

    def __init__(self, settings: ProfilingSettings | None = None) -> None:
        """Take the limits, or GNOMON_DEBUG and defaults; nothing is traced or sampled before somebody asks."""
        self._settings = settings or load_settings()
        self._memory = MemoryProfiler(self._settings.frames, self._settings.snapshots)
        self._busy = threading.Lock()
        self._busy_until_s = 0.0

    def asgi(self, inner: AsgiApp | None = None) -> AsgiApp:
        """Return an ASGI app: mount it at `/debug`, or give it an app to stand in front of."""
        return asgi_app(self, inner)

    def serve(self, host: str = "127.0.0.1", port: int = 0, also: Sequence[Pages] = ()) -> PageServer:
        """Serve the pages, and others, from a thread of their own."""
        return PageServer((self, *also), host, port).start()

    async def answer(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Answer a page of `/debug/profile`."""
        head, _slash, page = path.rstrip("/").rpartition("/")
        if not head.endswith("/debug/profile") or page not in {"cpu", "memory"}:
            return None
        if not self._settings.debug:
            return json_answer(403, {"error": _OFF})
        if not self._busy.acquire(blocking=False):
            wait_s = max(1, round(self._busy_until_s - time.monotonic()))
            message = f"Another profile is being taken. Try again in {wait_s} s."
            return json_answer(429, {"error": message}, {"retry-after": str(wait_s)})
        return await _in_thread(lambda: self._answer(page, query))

    def _answer(self, page: str, query: Mapping[str, str]) -> Answer:
        """Take a profile and let the next one begin, in a thread that outlives whoever asked."""
        try:
            return self._answer_cpu(query) if page == "cpu" else self._answer_memory(query)
        except _RefusedError as error:
            return json_answer(400, {"error": str(error)})
        except py_spy.PySpyError as error:
            return json_answer(501, {"error": str(error)})
        finally:
            self._busy.release()

    def _answer_cpu(self, query: Mapping[str, str]) -> Answer:
        duration_s = _number(query, "duration", 30.0, 0.1, self._settings.max_duration_s)
        rate_hz = int(_number(query, "rate", 100, 1, self._settings.max_rate_hz))
        form = cast("Form", _choice(query, "format", "flamegraph", get_args(Form)))
        profiler = _choice(query, "profiler", "auto", _PROFILERS)
        idle, threads = (_choice(query, name, "0", ("0", "1")) == "1" for name in ("idle", "threads"))
        self._busy_until_s = time.monotonic() + duration_s
        note = ""
        if profiler != "sampler":
            try:
                stacks = py_spy.record(duration_s, rate_hz, idle=idle, threads=threads)
                return _profile(stacks, form, duration_s, "")
            except py_spy.PySpyError as error:
                if profiler == "py-spy":
                    raise
                note = str(error)
        self._busy_until_s = time.monotonic() + duration_s
        stacks = sampler.sample(duration_s, rate_hz, idle=idle, threads=threads)
        return _profile(stacks, form, duration_s, note)

    def _answer_memory(self, query: Mapping[str, str]) -> Answer:
        if _choice(query, "stop", "0", ("0", "1")) == "1":
            self._memory.stop()
            return json_answer(200, {"note": "Snapshots are forgotten, and tracing that began here has ended."})
        top = int(_number(query, "top", 25, 1, _MOST_ROWS))
        group = cast("Group", _choice(query, "group", "line", get_args(Group)))
        form = _choice(query, "format", "json", ("json", "text"))
        compare = query.get("compare", "last")
        try:
            content = self._memory.snapshot(top=top, group=group, compare=compare if compare != "none" else "")
        except KeyError:
            raise _RefusedError(f"There is no snapshot {compare!r} any more. Compare with 'last' or 'none'.") from None
        if form == "text":
            return Answer(200, as_text(content).encode(), "text/plain; charset=utf-8", {"cache-control": "no-store"})
        return json_answer(200, content)


def _render(stacks: Stacks, form: Form, duration_s: float) -> str:
    if form == "raw":
        return stacks.as_raw()
    if form == "speedscope":
        return stacks.as_speedscope()
    note = f"{stacks.taken_by}: {stacks.total} samples, {1 / stacks.interval_s:g} a second"
    if stacks.taken_by == sampler.NAME:
        note += "; code that keeps the interpreter's lock shows less"
    return render(stacks, f"CPU, {duration_s:g} s", note)


def _profile(stacks: Stacks, form: Form, duration_s: float, note: str) -> Answer:
    headers = {"cache-control": "no-store", "x-gnomon-profiler": stacks.taken_by}
    if note:
        headers["x-gnomon-profiler-note"] = " ".join(note.split()).encode("ascii", "replace").decode()
    return Answer(200, _render(stacks, form, duration_s).encode(), _CONTENT_TYPES[form], headers)


def _number(query: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = query.get(name)
    if text is None:
        return min(default, high)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise _RefusedError(f"Invalid {name}: {text!r}. Use a number from {low:g} to {high:g}.")
    return value


def _choice(query: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = query.get(name, default)
    if value not in choices:
        raise _RefusedError(f"Invalid {name}: {value!r}. Use one of {', '.join(choices)}.")
    return value


async def _in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread of its own: the event loop's pool may be full of what is looked into."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if done.done():  # whoever asked has gone
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", value))

    def run() -> None:
        value, failed = None, None
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has closed since
            loop.call_soon_threadsafe(settle, value, failed)

    threading.Thread(target=run, name="gnomon-profile", daemon=True).start()
    return await done
