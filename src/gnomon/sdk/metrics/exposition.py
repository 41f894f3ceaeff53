"""The application's `/metrics`: OpenMetrics with exemplars, from one process or from all workers of a server."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, make_asgi_app, make_wsgi_app, multiprocess, start_http_server
from prometheus_client.exposition import choose_encoder

from gnomon.sdk.faults import guarded, warn_once
from gnomon.sdk.metrics import families

MULTIPROCESS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def metrics_registry() -> CollectorRegistry:
    """Return what to expose: this process, or all that share PROMETHEUS_MULTIPROC_DIR where that is set.

    Of several processes, prometheus_client adds up counters and histograms, merges gauges as each one declares, and
    leaves out exemplars and the process's own figures (`process_…`, `gnomon_sdk_…`): push these, or scrape each worker.
    """
    directory = os.environ.get(MULTIPROCESS_DIRECTORY)
    if not directory:
        return families.registry()
    if not Path(directory).is_dir():
        warn_once(
            "Gnomon's SDK shows this process's metrics alone: %s=%r is no directory", MULTIPROCESS_DIRECTORY, directory
        )
        return families.registry()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def render_metrics(accept: str | None = None) -> tuple[bytes, str]:
    """Return the metrics' text and its content type: OpenMetrics where `accept` allows it, else Prometheus' format."""
    encode, content_type = choose_encoder(accept or "")
    return encode(metrics_registry()), content_type


def metrics_asgi() -> Callable[..., Any]:
    """Return an ASGI application to mount at `/metrics`."""
    app: Callable[..., Any] = make_asgi_app(metrics_registry())
    return app


def metrics_wsgi() -> Callable[..., Any]:
    """Return a WSGI application to mount at `/metrics`."""
    app: Callable[..., Any] = make_wsgi_app(metrics_registry())
    return app


def serve_metrics(port: int = 0, host: str = "127.0.0.1") -> tuple[int, Callable[[], None]]:
    """Serve `/metrics` from a thread; return the port and what stops it."""
    server: WSGIServer
    thread: threading.Thread
    server, thread = start_http_server(port, host, metrics_registry())

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, stop


def forget_process() -> None:
    """Take this process's live gauges out of the shared directory; called when the SDK shuts down."""
    if os.environ.get(MULTIPROCESS_DIRECTORY):
        with guarded("leave the metrics of several processes"):
            multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
