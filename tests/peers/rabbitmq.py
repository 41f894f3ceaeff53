"""A real RabbitMQ on a free port, with a name server of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.installation import RABBITMQ, InstallationError
from tests.peers.processes import accepts, free_ports, running

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


@contextmanager
def rabbitmq_running(folder: Path) -> Iterator[str]:
    """Run RabbitMQ with its files in `folder` and give its address as `amqp://user:password@host:port`."""
    program = RABBITMQ.install()
    epmd = shutil.which("epmd")
    if epmd is None:
        message = "RabbitMQ needs Erlang's epmd, which is missing. Install the package erlang-base."
        raise InstallationError(message)
    port, distribution_port, epmd_port = free_ports(3)
    config = folder / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console.level = warning\n", encoding="utf-8")
    (folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    env = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"gnomon{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    }
    with (
        running([epmd], log=folder / "epmd.log", env=env, ready=lambda: accepts(epmd_port)),
        running(
            [program],
            log=folder / "rabbitmq.log",
            env=env,
            ready=lambda: accepts(port, _PROTOCOL_HEADER, _METHOD_FRAME),
            timeout_s=120.0,
        ),
    ):
        yield f"amqp://guest:guest@127.0.0.1:{port}"
