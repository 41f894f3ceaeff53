"""The standard library's loggers, in the form of all other lines."""

import logging
from typing import Any

from opentelemetry.context import get_value

from gnomon.sdk.logs.levels import NUMBERS
from gnomon.sdk.logs.pipeline import Pipeline

# What every record has; all else was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Who speaks of sending is not sent: each failure would be the next thing to send.
_KEPT_HERE = ("opentelemetry", "gnomon.sdk")
_NAMES = {number: name for name, number in NUMBERS.items()}


class PipelineHandler(logging.Handler):
    """Hand records of the standard library to the pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Take where lines go."""
        super().__init__()
        self._pipeline = pipeline

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and write a record; needs no lock, since outputs have theirs."""
        kept: object = self.filter(record)  # from Python 3.12 on a filter may return another record
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one line."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit their message
            message = f"{record.msg} {record.args!r}"
        values = vars(record)
        fields: dict[str, Any] = (
            {key: value for key, value in values.items() if key not in _STANDARD} if len(values) > _USUAL_LENGTH else {}
        )
        if record.stack_info:
            fields["stack"] = record.stack_info
        exc_info = record.exc_info
        self._pipeline.log(
            _NAMES.get(record.levelno) or _name_level(record.levelno),
            message,
            fields,
            logger=record.name,
            exc_info=exc_info if exc_info and exc_info[0] is not None else None,
            time_ns=int(record.created * 1e9),
            send=not record.name.startswith(_KEPT_HERE) and not get_value("suppress_instrumentation"),
        )


def _name_level(number: int) -> str:
    return max(((known, name) for known, name in _NAMES.items() if number >= known), default=(0, "debug"))[1]


_USUAL_LENGTH = len(vars(logging.makeLogRecord({})))
