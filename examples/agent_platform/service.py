"""One service process: its arguments, its HTTP server, and its end together with the launcher."""

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import uvicorn
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Route
from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class ServiceArguments:
    """What the launcher tells a service: who it is, where it listens, where its peers and its files are."""

    instance: str
    listen_fd: int | None
    port: int
    state_dir: Path
    router_url: str
    model_url: str
    executor_url: str

    @classmethod
    def parse(cls, arguments: Sequence[str] | None = None) -> Self:
        """Read the command line; prints usage and exits when it is wrong."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--instance", default=f"alone-{os.getpid()}", help="service.instance.id of this process")
        parser.add_argument("--listen-fd", type=int, help="a listening socket that was opened by the launcher")
        parser.add_argument("--port", type=int, default=0, help="without --listen-fd: where to listen (default: any)")
        parser.add_argument(
            "--state-dir", type=Path, required=True, help="folder of the queue, the ledger and the files"
        )
        parser.add_argument("--router-url", default="")
        parser.add_argument("--model-url", default="")
        parser.add_argument("--executor-url", default="")
        return cls(**vars(parser.parse_args(arguments)))


def serve(app: Starlette, arguments: ServiceArguments) -> None:
    """Serve an instrumented application until SIGTERM, SIGINT or the end of the launcher."""
    if arguments.listen_fd is not None:
        stop_with_launcher()
        listener = socket.socket(fileno=arguments.listen_fd)
    else:
        listener = socket.create_server(("127.0.0.1", arguments.port), backlog=128)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    app.routes.append(Route("/health", report_health))
    server = uvicorn.Server(
        uvicorn.Config(instrument(app), log_config=None, access_log=False, timeout_graceful_shutdown=3, lifespan="on")
    )
    server.run(sockets=[listener])


def instrument(app: Starlette) -> OpenTelemetryMiddleware:
    """Wrap an application so that each request but the health checks becomes a SERVER span named after its route."""

    def describe(scope: Scope) -> tuple[str, dict[str, str]]:
        method = scope.get("method", "")
        for route in app.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                return f"{method} {route.path}", {"http.route": route.path}
        return method, {}

    return OpenTelemetryMiddleware(
        app, default_span_details=describe, excluded_urls="/health", exclude_spans=["receive", "send"]
    )


async def report_health(_request: Request) -> JSONResponse:
    """Answer that the process serves requests."""
    return JSONResponse({"status": "ok"})


def stop_with_launcher() -> None:
    """Send this process SIGTERM once the launcher's end of our standard input closes, however the launcher ended."""

    def wait_for_end_of_input() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end_of_input, name="stop-with-launcher", daemon=True).start()
