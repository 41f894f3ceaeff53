"""One service process: what the launcher tells it, its HTTP server, and its end together with the launcher."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

import gnomon
from examples.agent_platform import VERSION
from examples.agent_platform.telemetry import export_telemetry
from examples.agent_platform.work_headers import WorkHeaders


@dataclass(frozen=True, slots=True)
class ServiceArguments:
    """What the launcher tells a service: who it is, where it listens, where its peers, servers and files are."""

    instance: str
    state_dir: Path
    listener: socket.socket | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    broker: str = ""
    database: str = ""
    cache: str = ""
    topics: str = "tasks"
    rate: float = 4.0
    seed: int | None = None


def make_app(routes: list[BaseRoute], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """Return an application that binds the caller's work and has `/metrics` besides its routes."""
    return Starlette(
        routes=[*routes, Route("/metrics", show_metrics)], lifespan=lifespan, middleware=[Middleware(WorkHeaders)]
    )


async def show_metrics(request: Request) -> Response:
    """Answer the metrics of this process."""
    body, content_type = gnomon.render_metrics(request.headers.get("accept"))
    return Response(body, headers={"content-type": content_type})


AppFactory = Callable[[ServiceArguments, gnomon.Health], Starlette]


def serve(service: str, create_app: AppFactory, arguments: ServiceArguments) -> None:
    """Serve an application with its probes until SIGTERM, SIGINT or the end of the launcher."""
    if arguments.listener is None:
        message = f"The service {service!r} has nowhere to listen: give it a listener."
        raise ValueError(message)
    stop_with_launcher()
    with export_telemetry(service, arguments.instance):
        health = gnomon.Health(version=VERSION, service=service)
        app = create_app(arguments, health)
        config = uvicorn.Config(
            health.asgi(app),
            loop="asyncio",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
            lifespan="on",
            ws="websockets-sansio",
        )
        uvicorn.Server(config).run(sockets=[arguments.listener])


def stop_with_launcher() -> None:
    """Send this process SIGTERM once the launcher has ended, however it did."""
    launcher = multiprocessing.parent_process()
    if launcher is None:
        return

    def wait_for_end() -> None:
        multiprocessing.connection.wait([launcher.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="stop-with-launcher", daemon=True).start()
