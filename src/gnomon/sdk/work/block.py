"""What all kinds of work have in common: a span, a context and a measure around a block or a function."""

import contextvars
import copy
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, cast

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from gnomon.sdk import context, export
from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.faults import guarded, note
from gnomon.sdk.resources import Meter, measure

P = ParamSpec("P")
R = TypeVar("R")

_SAMPLED = 0x01
# What ends work without being its failure.
_CANCELLATIONS = ("CancelledError", "KeyboardInterrupt", "SystemExit")


class Block:
    """Do something observed: `with block:`, `async with block:`, or `@block` on a function, coroutine or generator.

    Nothing here raises into the host but what the host's own code raises. While the SDK is off, nothing happens.
    """

    span_kind: ClassVar[SpanKind] = SpanKind.INTERNAL
    measured: ClassVar[bool] = False

    def __init__(self, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Take attributes of the host's own for the span."""
        self._own_attributes = dict(attributes or {})
        self._span: Span | None = None
        self._started = 0.0
        self._token: contextvars.Token[Context] | None = None
        self._span_context: Context | None = None
        self._work = context.EMPTY
        self._outer = context.EMPTY
        self._meter: Meter | None = None
        self._meter_is_ours = False
        self.status = ""

    # What the kinds of work say about themselves.

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Return the span's name, its attributes, and the context to work in."""
        raise NotImplementedError

    def began(self) -> None:
        """Tell that it began."""

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """Tell how it ended; the span is still open."""

    # What the host's code may do meanwhile.

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute of the span."""
        if self._span is not None:
            with guarded("set an attribute"):
                self._span.set_attribute(name, value)

    @property
    def trace_id(self) -> str:
        """The trace's id in hexadecimal, or "" while the SDK is off."""
        return f"{self._span.get_span_context().trace_id:032x}" if self._span is not None else ""

    # Beginning and ending.

    def __enter__(self) -> Self:
        """Begin."""
        self._begin(meter=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; an exception is written down and goes on."""
        self._end(error)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; an exception is written down and goes on."""
        self._end(error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Do each call of `function` as a block of its own; of a generator, each iteration."""
        if inspect.iscoroutinefunction(function):
            wrapped: Any = self._around_coroutine(function)
        elif inspect.isasyncgenfunction(function):
            wrapped = self._around_async_generator(function)
        elif inspect.isgeneratorfunction(function):
            wrapped = self._around_generator(function)
        else:
            wrapped = self._around_function(function)
        return cast("Callable[P, R]", functools.wraps(function)(wrapped))

    def _fresh(self) -> Self:
        block = copy.copy(self)
        block._own_attributes = dict(self._own_attributes)  # noqa: SLF001 - its own kind
        return block

    def _around_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return call

    def _around_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            block = self._fresh()
            meter = measure() if block.measured and export.is_installed() else None
            block._begin(meter)  # noqa: SLF001 - its own kind
            try:
                work = function(*args, **kwargs)
                result = await (work if meter is None else meter.run(work))
            except BaseException as error:
                block._end(error)  # noqa: SLF001
                raise
            block._end(None)  # noqa: SLF001
            return result

        return call

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def iterate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            block = self._fresh()
            # Its steps run in a context of their own: what happens between them is not its work.
            inside = contextvars.copy_context()
            inside.run(block.__enter__)
            steps = inside.run(function, *args, **kwargs)
            sent: Any = None
            try:
                while True:
                    try:
                        item = inside.run(steps.send, sent)
                    except StopIteration as end:
                        inside.run(block._end, None)  # noqa: SLF001
                        return end.value
                    sent = yield item
            except GeneratorExit:
                inside.run(steps.close)
                inside.run(block._end, None)  # noqa: SLF001
                raise
            except BaseException as error:
                inside.run(block._end, error)  # noqa: SLF001
                raise

        return iterate

    def _around_async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def iterate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            block = self._fresh()
            block._begin(None)  # noqa: SLF001
            steps = function(*args, **kwargs)
            try:
                async for item in steps:
                    block._step_out()  # noqa: SLF001
                    try:
                        yield item
                    finally:
                        block._step_in()  # noqa: SLF001
            except GeneratorExit:
                block._end(None)  # noqa: SLF001
                raise
            except BaseException as error:
                block._end(error)  # noqa: SLF001
                raise
            else:
                block._end(None)  # noqa: SLF001
            finally:
                await steps.aclose()

        return iterate

    def _begin(self, meter: Meter | None) -> None:
        self._span = None
        self.status = ""
        if not export.is_installed():
            return
        try:
            self._outer = context.current()
            name, attributes, self._work = self.describe(self._outer)
            context.replace_current(self._work)
            tracer = _tracer()
            if tracer is not None:
                attributes.update(self._own_attributes)
                self._span = tracer.start_span(name, None, self.span_kind, attributes)
                self._span_context = set_span_in_context(self._span)
                self._token = attach(self._span_context)
            self._meter = meter
            self._meter_is_ours = False
            if meter is None and self.measured:
                self._meter = measure()
                self._meter.__enter__()
                self._meter_is_ours = True
            self.began()
        except Exception as error:  # noqa: BLE001 - the host's work goes on unobserved
            note(f"begin {type(self).__name__}", error)
        self._started = perf_counter()

    def _end(self, error: BaseException | None) -> None:
        if not self._started:
            return
        seconds = perf_counter() - self._started
        self._started = 0.0
        try:
            if self._meter is not None and self._meter_is_ours:
                self._meter.__exit__(None, None, None)
            self.ended(seconds, error)
            if self._span is not None:
                if error is not None and not is_cancellation(error):
                    self._fail(error)
                self._span.end()
        except Exception as fault:  # noqa: BLE001 - as above
            note(f"end {type(self).__name__}", fault)
        finally:
            self._restore()

    def _fail(self, error: BaseException) -> None:
        if self._span is not None:
            self._span.set_attribute("error.type", error_type(error))
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def _restore(self) -> None:
        if self._token is not None:
            detach(self._token)
            self._token = None
        if context.current() is self._work:
            context.replace_current(self._outer)

    def _step_out(self) -> None:
        if self._started:
            self._restore()

    def _step_in(self) -> None:
        if self._started:
            self._outer = context.replace_current(self._work)
            if self._span_context is not None:
                self._token = attach(self._span_context)

    def exemplar(self) -> dict[str, str] | None:
        """Return the trace's id for an exemplar, where the trace is kept."""
        if self._span is None:
            return None
        ids = self._span.get_span_context()
        if not ids.trace_flags & _SAMPLED:
            return None
        return {"trace_id": f"{ids.trace_id:032x}", "span_id": f"{ids.span_id:016x}"}


def error_type(error: BaseException) -> str:
    """Return the exception's class as conventions want it: with its module unless that is builtins."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def is_cancellation(error: BaseException) -> bool:
    """Tell whether an exception ends work from outside."""
    return type(error).__name__ in _CANCELLATIONS


def outcome(error: BaseException | None) -> str:
    """Return `completed`, `failed`, `timed_out` or `cancelled`."""
    if error is None or isinstance(error, GeneratorExit):
        return "completed"
    if isinstance(error, TimeoutError):
        return "timed_out"
    return "cancelled" if is_cancellation(error) else "failed"


_tracers: list[tuple[Any, Tracer]] = []


def _tracer() -> Tracer | None:
    provider = export.tracer_provider()
    if provider is None:
        return None
    if not _tracers or _tracers[0][0] is not provider:
        _tracers[:] = [(provider, provider.get_tracer("gnomon.sdk.work"))]
    return _tracers[0][1]
