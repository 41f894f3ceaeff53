"""A real Redis on a free port, which keeps nothing on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.installation import REDIS
from tests.peers.processes import accepts, free_ports, running


@contextmanager
def redis_running(folder: Path, port: int = 0) -> Iterator[str]:
    """Run Redis and give its address as `redis://host:port`; the port is free unless given."""
    port = port or free_ports(1)[0]
    command: list[str | Path] = [REDIS.install(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    command += ["--save", "", "--appendonly", "no"]
    with running(command, log=folder / "redis.log", ready=lambda: accepts(port, b"PING\r\n", b"+PONG")):
        yield f"redis://127.0.0.1:{port}"
