"""OpenTelemetry's logger interface straight onto the wire: log records and events become bytes where they are emitted.

In place of the OpenTelemetry SDK's own loggers, whose copies and checks of each record cost several times as much.
"""

import traceback
from collections.abc import Mapping
from time import time_ns
from typing import Any

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import get_current_span

from gnomon.sdk import export, wire
from gnomon.sdk.export import LoggedRecord
from gnomon.sdk.faults import note
from gnomon.sdk.outbox import Outbox

_MANY = 2000


class WireLoggerProvider(LoggerProvider):
    """Hand out loggers, one a name."""

    def __init__(self) -> None:
        """Queue nothing yet."""
        self.outbox: Outbox | None = None
        self._loggers: dict[tuple[str, str | None, str | None], WireLogger] = {}

    def aim(self, outbox: Outbox | None) -> None:
        """Queue here from now on, or nowhere."""
        self.outbox = outbox

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> "WireLogger":
        """Return the logger of a scope."""
        key = (name, version, schema_url)
        found = self._loggers.get(key)
        if found is None or attributes:
            found = WireLogger(self, InstrumentationScope(name, version, schema_url, attributes))
            if not attributes and len(self._loggers) < _MANY:
                self._loggers[key] = found
        return found


class WireLogger(Logger):
    """Emit records of one scope."""

    def __init__(self, provider: WireLoggerProvider, scope: InstrumentationScope) -> None:
        """Take where to find the outbox, and whose records they are."""
        super().__init__(scope.name, scope.version, scope.schema_url, scope.attributes)
        self._provider = provider
        self._scope = scope

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: Any = None,
        attributes: Mapping[str, Any] | None = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Encode and queue a record, given whole or in parts, with the ids of the context's span."""
        if self._provider.outbox is None and not export.watchers():
            return
        try:
            if record is not None:
                timestamp, observed_timestamp = record.timestamp, record.observed_timestamp
                severity_number, severity_text = record.severity_number, record.severity_text
                body, attributes, event_name = record.body, record.attributes, record.event_name
                exception = record.exception
                trace_id, span_id, flags = record.trace_id or 0, record.span_id or 0, int(record.trace_flags or 0)
            else:
                ids = get_current_span(context).get_span_context()
                trace_id, span_id, flags = ids.trace_id, ids.span_id, int(ids.trace_flags)
            if exception is not None:
                attributes = _describe(exception) | dict(attributes or {})
            observed = observed_timestamp or time_ns()
            told = LoggedRecord(
                timestamp or observed,
                observed,
                severity_number.value if severity_number is not None else 0,
                severity_text or "",
                body,
                attributes or {},
                event_name or "",
                trace_id,
                span_id,
                flags,
            )
            self.tell(told)
        except Exception as error:  # noqa: BLE001 - a record that cannot be sent is the SDK's fault alone
            note("queue a log record", error)

    def tell(self, record: LoggedRecord) -> None:
        """Show a record to who watches, encode and queue it."""
        for watcher in export.watchers():
            watcher.on_log(record)
        outbox = self._provider.outbox
        if outbox is not None:
            outbox.put("logs", self._scope, wire.log_record(record))

    def enabled(
        self,
        *,
        context: Context | None = None,  # noqa: ARG002 - the interface's
        severity_number: SeverityNumber | None = None,  # noqa: ARG002 - as above
        event_name: str | None = None,  # noqa: ARG002 - as above
    ) -> bool:
        """Tell whether emitting does anything."""
        return self._provider.outbox is not None or bool(export.watchers())


def _describe(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {
        "exception.type": name,
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
    }
