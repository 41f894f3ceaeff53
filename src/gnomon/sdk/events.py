"""Events of the work at hand, as OTLP log records with a name."""

from collections.abc import Mapping, Sequence
from time import time_ns as now_ns

from opentelemetry._logs import SeverityNumber

from gnomon.sdk import context, export
from gnomon.sdk.faults import guarded

AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

_SCOPE = "gnomon.sdk"
_FAILED = frozenset({"task.failed", "task.timed_out", "task.dead_lettered", "message.dead_lettered"})


def emit(
    name: str,
    attributes: Mapping[str, AttributeValue | None],
    *,
    body: str | None = None,
    time_ns: int | None = None,
) -> None:
    """Send an event with the current span's trace context and the current work's attributes.

    Attributes given here win over the work's; None leaves one out. Does nothing before `setup`, and never raises.
    """
    provider = export.logger_provider()
    if provider is None:
        return
    with guarded("emit an event"):
        merged: dict[str, AttributeValue] = dict(context.current().attributes())
        for key, value in attributes.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        failed = name in _FAILED
        provider.get_logger(_SCOPE).emit(
            timestamp=now_ns() if time_ns is None else time_ns,
            event_name=name,
            body=body,
            attributes=merged,
            severity_number=SeverityNumber.ERROR if failed else SeverityNumber.INFO,
            severity_text="ERROR" if failed else "INFO",
        )
