"""Meters: what runs within one is charged to it, in its thread, coroutines, executor jobs and child processes."""

import asyncio
import inspect
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self, TypeVar

from gnomon.sdk.resources.children import ChildTimes
from gnomon.sdk.resources.figures import Precision, ResourceUsage, TokenKind, worst
from gnomon.sdk.resources.heap_steps import HeapSteps
from gnomon.sdk.resources.resident import read_resident_bytes

T = TypeVar("T")

_CURRENT: ContextVar["Meter | None"] = ContextVar("gnomon_meter", default=None)

# Meters between start and stop, and how many were ever started: together they tell whether one was alone.
_live = 0
_started = 0
_count_lock = threading.Lock()

# What else is to be done when a measurement begins.
on_begin: list[Callable[[], None]] = []


class Meter:
    """Measure one piece of work; `usage` is known once it has ended.

    `with measure() as meter` is exact in a thread. Within a coroutine others run in between, so that its CPU time is
    *shared*: run the coroutine with `await measure().run(coroutine)` instead, which times each step of it and of the
    asyncio tasks that it starts.
    """

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._lock = threading.Lock()
        self.own_ns = 0  # its own steps and blocks, one at a time: needs no lock
        self._job_ns = 0
        self._sent = 0
        self._received = 0
        self._tokens: dict[tuple[str, TokenKind], int] = {}
        self._children = ChildTimes()
        self._started_wall = 0.0
        self._resident = 0
        self._alone = True
        self._starts_before = 0
        self._cpu_precision: Precision = "exact"
        self._heap_net = 0
        self._heap_peak = 0
        self._heap_steps = 0
        self._overlapped = False
        self._ended: ResourceUsage | None = None
        self._block: tuple[Token[Meter | None], int, int] | None = None
        self._parent: Meter | None = None

    @property
    def usage(self) -> ResourceUsage:
        """Return the figures: final once the work has ended, those so far before."""
        return self._ended or self._figures()

    @property
    def ended(self) -> bool:
        """Return whether the work has ended; what runs on afterwards is not charged any more."""
        return self._ended is not None

    def add_network(self, *, sent: int = 0, received: int = 0) -> None:
        """Charge bytes that a client has sent and received, here and in the meters around this one."""
        with self._lock:
            self._sent += sent
            self._received += received
        if self._parent is not None:
            self._parent.add_network(sent=sent, received=received)

    def add_tokens(
        self,
        model: str,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cached_input_tokens: int = 0,
        cache_write_tokens: int = 0,
        input_includes_cached: bool = True,
    ) -> None:
        """Charge the tokens of one LLM call.

        `input_includes_cached` says how the provider counts: OpenAI's and the semantic conventions' `input_tokens`
        include the cached ones, Anthropic's do not. Either way each token is counted once.
        """
        if input_includes_cached:
            input_tokens = max(0, input_tokens - cached_input_tokens - cache_write_tokens)
        counts: tuple[tuple[TokenKind, int], ...] = (
            ("input", input_tokens),
            ("cached_input", cached_input_tokens),
            ("cache_write", cache_write_tokens),
            ("output", output_tokens),
        )
        self.charge_tokens(model, counts)

    def run(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Return `work` measured: await the result once."""
        return self._run(work)

    def call(self, work: Callable[..., T], /, *args: object, **kwargs: object) -> T:
        """Call `work` in this thread, measured."""
        with self:
            return work(*args, **kwargs)

    def __enter__(self) -> Self:
        """Start in this thread."""
        self._begin()
        if _in_coroutine():
            self._cpu_precision = "shared"
        self._block = (_CURRENT.set(self), time.thread_time_ns(), threading.get_ident())
        self.begin_heap_step()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, and charge what this thread has used since the start."""
        if self._block is None:
            return
        token, before, thread = self._block
        self._block = None
        if thread == threading.get_ident():
            self.own_ns += time.thread_time_ns() - before
        else:
            self._cpu_precision = "estimated"
        self.end_heap_step()
        _reset(token, self._parent)
        self._finish()

    def charge_job(self, nanoseconds: int) -> None:
        """Charge CPU time of another thread or asyncio task that works for this one and those around."""
        with self._lock:
            self._job_ns += nanoseconds
        if self._parent is not None and not self._parent.ended:
            self._parent.charge_job(nanoseconds)

    def charge_child(self, cpu_s: float) -> None:
        """Charge CPU seconds of a child process that has ended."""
        if not self.ended:
            self._children.add(cpu_s)
        if self._parent is not None:
            self._parent.charge_child(cpu_s)

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        self._begin()
        follow_tasks(asyncio.get_running_loop())
        token = _CURRENT.set(self)
        try:
            return await _Steps(work, self, job=False)
        finally:
            _reset(token, self._parent)
            self._finish()

    def _begin(self) -> None:
        global _live, _started  # noqa: PLW0603 - one count for the process
        for prepare in on_begin:
            prepare()
        self._parent = current_meter()
        with _count_lock:
            self._alone = _live == 0
            _live += 1
            _started += 1
            self._starts_before = _started
        self._children.begin()
        self._resident = read_resident_bytes()
        self._started_wall = time.perf_counter()

    def _finish(self) -> None:
        global _live  # noqa: PLW0603 - one count for the process
        with _count_lock:
            _live -= 1
            self._alone = self._alone and _started == self._starts_before
        self._ended = self._figures()

    def _figures(self) -> ResourceUsage:
        child_s, child_precision = self._children.figure(alone=self._alone)
        traced = self._heap_steps > 0
        memory = self._heap_peak if traced else max(0, read_resident_bytes() - self._resident)
        memory_precision: Precision = "exact" if traced and not self._overlapped else "shared"
        with self._lock:
            return ResourceUsage(
                wall_s=time.perf_counter() - self._started_wall if self._started_wall else 0.0,
                cpu_s=(self.own_ns + self._job_ns) / 1e9 + child_s,
                cpu_precision=worst(self._cpu_precision, child_precision),
                child_cpu_s=child_s,
                memory_bytes=memory,
                memory_precision=memory_precision,
                sent_bytes=self._sent,
                received_bytes=self._received,
                tokens=dict(self._tokens),
            )

    def charge_tokens(self, model: str, counts: tuple[tuple[TokenKind, int], ...]) -> None:
        """Charge tokens of disjoint kinds."""
        with self._lock:
            for kind, count in counts:
                if count:
                    self._tokens[model, kind] = self._tokens.get((model, kind), 0) + count
        if self._parent is not None:
            self._parent.charge_tokens(model, counts)

    def begin_heap_step(self) -> None:
        """Begin a step whose allocations are charged, if allocations are traced."""
        if not tracemalloc.is_tracing():
            return
        self._heap_steps += 1
        _heap.begin(self)

    def end_heap_step(self) -> None:
        """End it."""
        if self._heap_steps and tracemalloc.is_tracing():
            _heap.end(self)

    def add_heap(self, net: int, peak: int, *, overlapped: bool) -> None:
        """Charge what a step left allocated and the most that it held, in bytes by tracemalloc."""
        with self._lock:
            self._heap_peak = max(self._heap_peak, self._heap_net + peak)
            self._heap_net += net
            self._overlapped = self._overlapped or overlapped


_heap = HeapSteps()


class _Steps(Awaitable[T]):
    """Await a coroutine and charge each of its steps to a meter: as its own work, or as a job done for it."""

    def __init__(self, work: Coroutine[Any, Any, T], meter: Meter, *, job: bool) -> None:
        self._work = work
        self._meter = meter
        self._job = job

    def __await__(self) -> Generator[Any, Any, T]:
        # Runs once a step of everything that is measured: no calls that can be spared.
        work, meter, job = self._work, self._meter, self._job
        send, clock, is_tracing = work.send, time.thread_time_ns, tracemalloc.is_tracing
        thrown: BaseException | None = None
        while True:
            heap = not job and is_tracing()
            if heap:
                meter.begin_heap_step()
            before = clock()
            try:
                waiting_for = send(None) if thrown is None else work.throw(thrown)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            finally:
                used = clock() - before
                if job:
                    if not meter.ended:
                        meter.charge_job(used)
                else:
                    meter.own_ns += used
                if heap:
                    meter.end_heap_step()
            thrown = None
            try:
                yield waiting_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown into the work, which decides
                thrown = error


def measure() -> Meter:
    """Return a new meter.

    Use it as `with measure() as meter: …` in a thread, as `await meter.run(coroutine)` in asyncio.
    """
    return Meter()


def current_meter() -> Meter | None:
    """Return the innermost meter that this work is charged to."""
    meter = _CURRENT.get()
    return None if meter is None or meter.ended else meter


def add_network(*, sent: int = 0, received: int = 0) -> None:
    """Charge bytes to the work under way, if it is measured."""
    meter = current_meter()
    if meter is not None:
        meter.add_network(sent=sent, received=received)


def add_tokens(
    model: str,
    *,
    input_tokens: int = 0,
    output_tokens: int = 0,
    cached_input_tokens: int = 0,
    cache_write_tokens: int = 0,
    input_includes_cached: bool = True,
) -> None:
    """Charge the tokens of one LLM call to the work under way; see `Meter.add_tokens`."""
    meter = current_meter()
    if meter is not None:
        meter.add_tokens(
            model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached_input_tokens,
            cache_write_tokens=cache_write_tokens,
            input_includes_cached=input_includes_cached,
        )


def without_meter() -> Token[Meter | None]:
    """Charge nobody until `leave` gets the token: for threads that outlive the work that happens to start them."""
    return _CURRENT.set(None)


def leave(token: Token[Meter | None]) -> None:
    """Go back to the meter before `without_meter`."""
    _CURRENT.reset(token)


def timed_job(meter: Meter, work: Callable[..., T]) -> Callable[..., T]:
    """Return `work` for another thread, charged to `meter` while that is open."""

    def run(*args: object, **kwargs: object) -> T:
        if meter.ended:
            return work(*args, **kwargs)
        token = _CURRENT.set(meter)
        before = time.thread_time_ns()
        try:
            return work(*args, **kwargs)
        finally:
            if not meter.ended:
                meter.charge_job(time.thread_time_ns() - before)
            _reset(token, None)

    return run


def follow_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let this loop measure the asyncio tasks that measured work starts, beside what its task factory does already."""
    factory = loop.get_task_factory()
    if getattr(factory, "gnomon_follows", False):
        return

    def create(loop: asyncio.AbstractEventLoop, work: Any, **kwargs: Any) -> Any:
        context = kwargs.get("context")
        meter = _CURRENT.get() if context is None else context.get(_CURRENT)
        if meter is not None and not meter.ended and inspect.iscoroutine(work):
            work = _follow(work, meter)
        if factory is not None:
            return factory(loop, work, **kwargs)
        return asyncio.Task(work, loop=loop, **kwargs)

    create.gnomon_follows = True  # type: ignore[attr-defined]
    loop.set_task_factory(create)


def _follow(work: Coroutine[Any, Any, T], meter: Meter) -> Coroutine[Any, Any, T]:
    async def follow() -> T:
        return await _Steps(work, meter, job=True)

    followed = follow()
    for name in ("__name__", "__qualname__"):
        setattr(followed, name, getattr(work, name, "follow"))
    return followed


def _reset(token: Token[Meter | None], before: Meter | None) -> None:
    try:
        _CURRENT.reset(token)
    except ValueError:  # ended in another context than it began in
        _CURRENT.set(before)


def _in_coroutine() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
