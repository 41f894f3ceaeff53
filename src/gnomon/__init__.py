"""Gnomon: observability for systems of AI agents and task workers.

`gnomon.setup(service="checkout")` records metrics, traces, logs and events of an application and sends them to Gnomon;
what else is here names the work that it does. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnomon.sdk.context import WorkContext, bind, current
    from gnomon.sdk.events import emit
    from gnomon.sdk.metrics.exposition import metrics_asgi, metrics_wsgi, render_metrics, serve_metrics
    from gnomon.sdk.metrics.families import counter, gauge, histogram
    from gnomon.sdk.setup import flush, setup, shutdown
    from gnomon.sdk.tracing.asgi import TelemetryMiddleware

    __version__: str

__all__ = [
    "TelemetryMiddleware",
    "WorkContext",
    "__version__",
    "bind",
    "counter",
    "current",
    "emit",
    "flush",
    "gauge",
    "histogram",
    "metrics_asgi",
    "metrics_wsgi",
    "render_metrics",
    "serve_metrics",
    "setup",
    "shutdown",
]

_HOMES = {
    "TelemetryMiddleware": "gnomon.sdk.tracing.asgi",
    "WorkContext": "gnomon.sdk.context",
    "bind": "gnomon.sdk.context",
    "counter": "gnomon.sdk.metrics.families",
    "current": "gnomon.sdk.context",
    "emit": "gnomon.sdk.events",
    "flush": "gnomon.sdk.setup",
    "gauge": "gnomon.sdk.metrics.families",
    "histogram": "gnomon.sdk.metrics.families",
    "metrics_asgi": "gnomon.sdk.metrics.exposition",
    "metrics_wsgi": "gnomon.sdk.metrics.exposition",
    "render_metrics": "gnomon.sdk.metrics.exposition",
    "serve_metrics": "gnomon.sdk.metrics.exposition",
    "setup": "gnomon.sdk.setup",
    "shutdown": "gnomon.sdk.setup",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("gnomon")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'gnomon' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
