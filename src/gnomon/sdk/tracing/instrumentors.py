"""OpenTelemetry's instrumentors, switched on for the libraries that are there."""

from collections import deque
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from gnomon.sdk.faults import note, warn_once
from gnomon.sdk.settings import Instrument
from gnomon.sdk.tracing import asgi, sqlalchemy_engine
from gnomon.sdk.tracing.imports import when_imported

GROUP = "opentelemetry_instrumentor"
# Where the module to look for is not named like the instrumentor.
_MODULES = {
    "aio-pika": "aio_pika",
    "aiohttp-client": "aiohttp",
    "aiohttp-server": "aiohttp",
    "django": "django.core.handlers.base",  # by when its settings are known, which the instrumentor changes
    "grpc_aio_client": "grpc",
    "grpc_aio_server": "grpc",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "kafka-python": "kafka",
}
# Only on request: those that trace the standard library, those that replace what hosts configure by themselves, and
# logging, whose work Gnomon's log handler does.
_ON_REQUEST = frozenset(
    {"asyncio", "grpc_aio_server", "grpc_server", "logging", "sqlite3", "system_metrics", "threading", "urllib"}
)


# Gnomon's own instrumentation by the name that OpenTelemetry's goes by.
OWN: dict[str, Callable[[], Callable[[], None]]] = {
    "starlette": asgi.instrument_starlette,
    "fastapi": asgi.instrument_fastapi,
    "sqlalchemy": sqlalchemy_engine.instrument,
}


def switch_on(wanted: Instrument, tracers: Any) -> Callable[[], None]:
    """Instrument the libraries that are wanted, each when the application imports it; return the undo.

    `all` takes every installed instrumentor but those that trace the standard library; names take these, and tell when
    one is missing. Gnomon's own instrumentation wins over the entry point of the same name. An instrumentor that fails,
    or does not fit the library's version, is told and passed over. Nothing is imported on its account.
    """
    if wanted == "none":
        return _nothing
    undo: list[Callable[[], None]] = []
    available = {point.name: point for point in entry_points(group=GROUP)}
    names = list(dict.fromkeys([*OWN, *available])) if wanted == "all" else wanted
    for name in names:
        if name in OWN:
            undo.append(OWN[name]())
        elif tracers is None or (wanted == "all" and name in _ON_REQUEST):
            continue
        elif name not in available:
            warn_once("Gnomon's SDK has no instrumentor %r; install gnomon[instrumentors] or correct the name", name)
        else:
            undo.append(_when_present(available[name], tracers, undo))

    def undo_all() -> None:
        for step in reversed(undo):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the others are undone all the same
                note("take back an instrumentor", error)

    return undo_all


def _when_present(point: EntryPoint, tracers: Any, undo: list[Callable[[], None]]) -> Callable[[], None]:
    def instrument(_module: ModuleType) -> None:
        # An instrumentor imports what it instruments, and what others wait for: one after the other.
        _due.append(apply)
        if len(_due) > 1:
            return
        while _due:
            _due[0]()
            _due.popleft()

    def apply() -> None:
        try:
            undo.append(_instrument(point, tracers))
        except Exception as error:  # noqa: BLE001 - an instrumentor that does not fit must not stop the host
            if type(error).__name__ == "DependencyConflictError":
                warn_once("Gnomon's SDK does not instrument %s: %s", point.name, error)
            else:
                note(f"instrument {point.name}", error)

    return when_imported(_MODULES.get(point.name, point.name.replace("-", "_")), instrument)


def _instrument(point: EntryPoint, tracers: Any) -> Callable[[], None]:
    instrumentor = point.load()()
    if instrumentor.is_instrumented_by_opentelemetry:
        return _nothing
    instrumentor.instrument(tracer_provider=tracers, raise_exception_on_conflict=True)
    uninstrument: Callable[[], None] = instrumentor.uninstrument
    return uninstrument


_due: deque[Callable[[], None]] = deque()


def _nothing() -> None:
    return None
