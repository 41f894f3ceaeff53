"""Telemetry of one process, by Gnomon's SDK; where to send and how often comes from its environment variables."""

from collections.abc import Iterator
from contextlib import contextmanager

import gnomon
from examples.agent_platform import VERSION

# Statements are told by SQLAlchemy, whatever the database; its drivers would tell each a second time.
INSTRUMENTED = ("starlette", "sqlalchemy", "httpx", "redis")
LOGS = gnomon.LogSettings(
    format="json", loggers={"httpx": "warning", "uvicorn.error": "warning", "websockets.client": "warning"}
)


@contextmanager
def export_telemetry(service: str, instance: str) -> Iterator[None]:
    """Send the spans, metrics, logs and events of this process until the block ends, then flush what is left."""
    gnomon.setup(
        service=service,
        version=VERSION,
        instrument=INSTRUMENTED,
        logs=LOGS,
        record_content=True,
        resource={"service.namespace": "agent-platform", "service.instance.id": instance},
    )
    try:
        yield
    finally:
        gnomon.shutdown(timeout_s=2.0)
