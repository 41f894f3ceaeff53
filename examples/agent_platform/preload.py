"""Everything that services import, imported once: the launcher's fork server forks them off with it in place."""

import aiosqlite
import httptools
import uvicorn.lifespan.on
import uvicorn.protocols.http.httptools_impl
import uvicorn.protocols.websockets.websockets_sansio_impl
from prometheus_client import openmetrics

from examples.agent_platform import (
    canvas,
    delegation,
    gateway,
    load,
    model,
    router,
    scheduler,
    tool_executor,
    worker,
)
from gnomon.sdk import setup

SERVICES = {
    "canvas": canvas.main,
    "delegation": delegation.main,
    "gateway": gateway.main,
    "load": load.main,
    "model": model.main,
    "router": router.main,
    "scheduler": scheduler.main,
    "tool_executor": tool_executor.main,
    "worker": worker.main,
}
"""What runs each service, by the name of its module."""

__all__ = ["SERVICES", "aiosqlite", "httptools", "openmetrics", "setup", "uvicorn"]
