"""The way of a line: ids from the context, secrets out, then to the stream, to the file, and to Gnomon."""

import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber

from gnomon.sdk import context, export
from gnomon.sdk.export import LoggedRecord
from gnomon.sdk.faults import note
from gnomon.sdk.logs.lines import ConsoleLines, FieldNames, JsonLines
from gnomon.sdk.logs.redaction import Redactor
from gnomon.sdk.tracing.loggers import WireLoggerProvider

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_INFO = SeverityNumber.INFO.value
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG.value,
    "info": _INFO,
    "warning": SeverityNumber.WARN.value,
    "error": SeverityNumber.ERROR.value,
    "critical": SeverityNumber.FATAL.value,
}
# Attributes that OpenTelemetry's conventions give another name than log lines do.
_ATTRIBUTES = context.ATTRIBUTES | {
    "error_type": "exception.type",
    "error": "exception.message",
    "stack": "exception.stacktrace",
}


class TakesLines(Protocol):
    """Somewhere to write lines to."""

    def write(self, line: bytes) -> None:
        """Write a line, which ends with its newline."""


class StandardStream:
    """Standard error or output as it is now: tests and hosts put others in its place."""

    def __init__(self, name: str) -> None:
        """Take `stderr` or `stdout`."""
        self._name = name

    def write(self, line: bytes) -> None:
        """Write a line and flush it."""
        stream = getattr(sys, self._name)
        if stream is None:
            return
        stream.write(line.decode("utf-8", "replace"))
        stream.flush()


class Pipeline:
    """Write lines; a fault of the SDK or a full disk never reaches who logs."""

    def __init__(
        self,
        outputs: tuple[tuple[JsonLines | ConsoleLines, TakesLines], ...],
        names: FieldNames,
        redactor: Redactor | None,
        *,
        send: bool,
    ) -> None:
        """Take where lines go and in which form, and what to mask."""
        self._outputs = outputs
        self._names = names
        self._redactor = redactor
        self._send = send
        self._json = JsonLines(names)

    def log(
        self,
        level: str,
        message: str,
        fields: Mapping[str, Any],
        *,
        logger: str = "",
        exc_info: ExcInfo | None = None,
        time_ns: int | None = None,
        send: bool = True,
    ) -> None:
        """Write one line. Fields given here win over those of the context."""
        try:
            self._log(level, message, fields, logger, exc_info, time_ns or time.time_ns(), send=send)
        except Exception as error:  # noqa: BLE001 - as the class promises
            note("log a line", error)

    def _log(
        self,
        level: str,
        message: str,
        fields: Mapping[str, Any],
        logger: str,
        exc_info: ExcInfo | None,
        time_ns: int,
        *,
        send: bool,
    ) -> None:
        names = self._names
        ids = trace.get_current_span().get_span_context()
        work = context.current()
        known: dict[str, Any] = {} if work is context.EMPTY else work.fields()
        if logger:
            known["logger"] = logger
        if fields:
            known |= fields
        if exc_info is not None:
            known["error_type"] = _name(exc_info[0])
            known["error"] = str(exc_info[1])
            known["stack"] = "".join(traceback.format_exception(*exc_info))
        redactor = self._redactor
        if redactor is not None and self._suspects(redactor, message, known):
            message, known = redactor.mask_text(message), redactor.mask_fields(known)
        shown = known
        if ids.is_valid:
            shown = {
                names.trace_id: f"{names.trace_prefix}{ids.trace_id:032x}",
                names.span_id: f"{ids.span_id:016x}",
                **known,
            }
        for form, output in self._outputs:
            output.write(form.render(time_ns, level, message, shown).encode("utf-8", "backslashreplace") + b"\n")
        if send and self._send:
            self._send_line(level, message, known, ids, logger, time_ns)

    def _suspects(self, redactor: Redactor, message: str, known: Mapping[str, Any]) -> bool:
        suspected = redactor.suspects_line(message, known)
        if suspected is None:
            return redactor.suspects(self._json.render(0, "", message, known))
        return suspected

    def _send_line(
        self,
        level: str,
        message: str,
        known: Mapping[str, Any],
        ids: trace.SpanContext,
        logger: str,
        time_ns: int,
    ) -> None:
        provider = export.logger_provider()
        if not isinstance(provider, WireLoggerProvider):
            return
        own = (self._names.trace_id, self._names.span_id, "logger")  # the record has places of its own for these
        provider.get_logger(logger or "gnomon.sdk.logs").tell(
            LoggedRecord(
                time_ns,
                time.time_ns(),
                _SEVERITIES.get(level, _INFO),
                level.upper(),
                message,
                {
                    _ATTRIBUTES.get(key, key): value
                    for key, value in known.items()
                    if value is not None and key not in own
                },
                "",
                ids.trace_id,
                ids.span_id,
                ids.trace_flags,
            )
        )


def _name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
