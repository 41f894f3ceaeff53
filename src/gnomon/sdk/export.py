"""Where spans, events and log records go: the providers of this process, once `setup` made them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.trace import TracerProvider


@dataclass(slots=True)
class _Providers:
    tracers: "TracerProvider | None" = None
    loggers: "LoggerProvider | None" = None


_providers = _Providers()


def tracer_provider() -> "TracerProvider | None":
    """Return what makes spans, or None before `setup`, after `shutdown` and where the SDK is disabled."""
    return _providers.tracers


def logger_provider() -> "LoggerProvider | None":
    """Return what takes log records and events, or None before `setup`, after `shutdown` and where disabled."""
    return _providers.loggers


def install(tracers: "TracerProvider | None", loggers: "LoggerProvider | None") -> None:
    """Make these the providers of this process; None takes them away."""
    _providers.tracers = tracers
    _providers.loggers = loggers
