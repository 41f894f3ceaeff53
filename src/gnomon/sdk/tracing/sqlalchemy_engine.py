"""Statements and connection pools of SQLAlchemy, any version that has its events: spans, and the catalogue's metrics.

OpenTelemetry's own instrumentor wants SQLAlchemy before 2.1.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.trace import SpanKind, Status, StatusCode

from gnomon.sdk import export
from gnomon.sdk.faults import guarded
from gnomon.sdk.metrics import families
from gnomon.sdk.tracing.imports import when_imported

_SUPPRESSED = "suppress_instrumentation"
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}

_in_use = families.gauge("db_connections_active")
_most = families.gauge("db_connections_max")


def instrument() -> Callable[[], None]:
    """Listen to all engines, made before or after, once the application imports SQLAlchemy; return the undo."""
    undo: list[Callable[[], None]] = []

    def listen(module: ModuleType) -> None:
        listeners = (
            (module.engine.Engine, "before_cursor_execute", _before),
            (module.engine.Engine, "after_cursor_execute", _after),
            (module.engine.Engine, "handle_error", _failed),
            (module.pool.Pool, "checkout", _taken),
            (module.pool.Pool, "checkin", _given_back),
        )
        for target, name, function in listeners:
            module.event.listen(target, name, function)
        undo.extend(lambda it=it: module.event.remove(*it) for it in listeners)  # type: ignore[misc]

    undo.append(when_imported("sqlalchemy", listen))

    def undo_all() -> None:
        for step in undo:
            step()

    return undo_all


def _before(connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, executemany: bool) -> None:  # noqa: FBT001 - SQLAlchemy's
    with guarded("begin a statement's span"):
        provider = export.tracer_provider()
        if provider is None or context is None or otel_context.get_value(_SUPPRESSED):
            return
        url, dialect = connection.engine.url, connection.dialect.name
        words = statement.split(None, 1)
        operation = words[0].upper() if words else "QUERY"
        attributes: dict[str, Any] = {
            "db.system.name": _SYSTEMS.get(dialect, dialect),
            "db.operation.name": operation,
            "db.query.text": statement,
        }
        if url.database:
            attributes["db.namespace"] = url.database
        if url.host:
            attributes["server.address"] = url.host
        if url.port:
            attributes["server.port"] = url.port
        if executemany:
            attributes["db.operation.batch.size"] = len(_parameters)
        name = f"{operation} {url.database}" if url.database else operation
        tracer = provider.get_tracer("gnomon.sdk.sqlalchemy")
        setattr(context, "_gnomon_span", tracer.start_span(name, None, SpanKind.CLIENT, attributes))  # noqa: B010


def _after(
    _connection: Any,
    _cursor: Any,
    _statement: str,
    _parameters: Any,
    context: Any,
    _executemany: bool,  # noqa: FBT001
) -> None:
    with guarded("end a statement's span"):
        span = getattr(context, "_gnomon_span", None)
        if span is not None:
            span.end()


def _failed(told: Any) -> None:
    with guarded("end a statement's span"):
        span = getattr(told.execution_context, "_gnomon_span", None)
        if span is not None and span.is_recording():
            error = told.original_exception
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            span.end()


def _taken(_connection: Any, record: Any, proxy: Any) -> None:
    with guarded("count a pool's connections"):
        pool = proxy._pool  # noqa: SLF001 - no public way from a connection to its pool
        name = pool.logging_name or type(pool).__name__
        record.info["gnomon.pool"] = name
        _in_use.labels(name).inc()
        size = getattr(pool, "size", None)
        if size is not None:
            overflow = getattr(pool, "_max_overflow", 0)
            _most.labels(name).set(size() + overflow if overflow >= 0 else float("inf"))


def _given_back(_connection: Any, record: Any) -> None:
    with guarded("count a pool's connections"):
        name = record.info.pop("gnomon.pool", None)
        if name is not None:
            _in_use.labels(name).dec()
