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
from gnomon.sdk.faults import note
from gnomon.sdk.logs.lines import ConsoleLines, FieldNames, JsonLines
from gnomon.sdk.logs.redaction import Redactor

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
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
        # Lines for people may have colours between a name and its value.
        self._whole = bool(outputs) and isinstance(outputs[0][0], JsonLines)

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
        known: dict[str, Any] = {}
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            known[self._names.trace_id] = f"{self._names.trace_prefix}{span.trace_id:032x}"
            known[self._names.span_id] = f"{span.span_id:016x}"
        work = context.current()
        if work is not context.EMPTY:
            known |= work.fields()
        if logger:
            known["logger"] = logger
        known |= fields
        if exc_info is not None:
            known["error_type"] = _name(exc_info[0])
            known["error"] = str(exc_info[1])
            known["stack"] = "".join(traceback.format_exception(*exc_info))
        lines = [output[0].render(time_ns, level, message, known) for output in self._outputs]
        redactor = self._redactor
        # One look at the whole line spares one at each field.
        whole = lines[0] if self._whole else f"{message} {known}"
        if redactor is not None and redactor.suspects(whole):
            message, known = redactor.mask_text(message), redactor.mask_fields(known)
            lines = [output[0].render(time_ns, level, message, known) for output in self._outputs]
        for line, (_form, output) in zip(lines, self._outputs, strict=True):
            output.write(line.encode("utf-8", "backslashreplace") + b"\n")
        if send and self._send:
            self._send_line(level, message, known, logger, time_ns)

    def _send_line(self, level: str, message: str, known: dict[str, Any], logger: str, time_ns: int) -> None:
        provider = export.logger_provider()
        if provider is None:
            return
        ids = (self._names.trace_id, self._names.span_id, "logger")  # the record has places of its own for these
        provider.get_logger(logger or "gnomon.sdk.logs").emit(
            timestamp=time_ns,
            severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
            severity_text=level.upper(),
            body=message,
            attributes={
                _ATTRIBUTES.get(key, key): value for key, value in known.items() if key not in ids and value is not None
            },
        )


def _name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
