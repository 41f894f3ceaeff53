"""Where spans, events and log records go: the providers of this process, once `setup` made them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider


class LoggedRecord(NamedTuple):
    """Hold a log record or event; times in nanoseconds, ids 0 and texts "" where there is none."""

    time_ns: int
    observed_ns: int
    severity: int
    severity_text: str
    body: Any
    attributes: "Mapping[str, Any]"
    event_name: str
    trace_id: int
    span_id: int
    flags: int


class Watcher(Protocol):
    """See everything that ends in this process, sampled or not, in the thread where it happens."""

    def on_span(self, span: "ReadableSpan") -> None:
        """Take an ended span."""

    def on_log(self, record: LoggedRecord) -> None:
        """Take a log record or event."""


@dataclass(slots=True)
class _Providers:
    tracers: "TracerProvider | None" = None
    loggers: "LoggerProvider | None" = None
    record_content: bool = False
    watchers: tuple[Watcher, ...] = field(default=())


_providers = _Providers()


def tracer_provider() -> "TracerProvider | None":
    """Return what makes spans, or None before `setup`, after `shutdown` and where the SDK is disabled."""
    return _providers.tracers


def logger_provider() -> "LoggerProvider | None":
    """Return what takes log records and events, or None before `setup`, after `shutdown` and where disabled."""
    return _providers.loggers


def is_installed() -> bool:
    """Tell whether the SDK records anything."""
    return _providers.loggers is not None


def records_content() -> bool:
    """Tell whether messages to and from models are recorded, which is the sender's choice."""
    return _providers.record_content


def install(
    tracers: "TracerProvider | None", loggers: "LoggerProvider | None", *, record_content: bool = False
) -> None:
    """Make these the providers of this process; None takes them away."""
    _providers.tracers = tracers
    _providers.loggers = loggers
    _providers.record_content = record_content


def watchers() -> tuple[Watcher, ...]:
    """Return who watches."""
    return _providers.watchers


def watch(watcher: Watcher) -> None:
    """Show everything to `watcher` from now on."""
    _providers.watchers = (*_providers.watchers, watcher)


def unwatch(watcher: Watcher) -> None:
    """Show nothing more to `watcher`."""
    _providers.watchers = tuple(other for other in _providers.watchers if other is not watcher)
