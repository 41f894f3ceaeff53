"""A real NATS server with JetStream on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.installation import NATS
from tests.peers.processes import accepts, free_ports, running


@contextmanager
def nats_running(folder: Path, port: int = 0) -> Iterator[str]:
    """Run NATS, its streams in `folder`, and give its address as `nats://host:port`; the port is free unless given."""
    port = port or free_ports(1)[0]
    command: list[str | Path] = [NATS.install(), "--addr", "127.0.0.1", "--port", str(port), "--jetstream"]
    command += ["--store_dir", folder / "streams"]
    with running(command, log=folder / "nats.log", ready=lambda: accepts(port, reply=b"INFO")):
        yield f"nats://127.0.0.1:{port}"
