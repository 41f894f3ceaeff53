"""A real Kafka on a free port: one node that is broker and controller."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.installation import KAFKA
from tests.peers.processes import StartError, accepts, free_ports, running

# A small heap and the quick compiler only: a test's broker lives for seconds.
_JAVA = ("java", "-Xms96m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_CLUSTER_ID = "R25vbW9uIHRlc3RzIHJ1bg"


@contextmanager
def kafka_running(folder: Path) -> Iterator[str]:
    """Run Kafka with its files in `folder` and give its address as `kafka://host:port`."""
    jars = KAFKA.install()
    port, controller = free_ports(2)
    config = folder / "server.properties"
    config.write_text(_configure(folder, port, controller), encoding="utf-8")
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    java: list[str | Path] = [*_JAVA, f"-Dlog4j2.configurationFile={logging}", "-cp", f"{jars}{os.sep}*"]
    format_command: list[str | Path] = [
        *java,
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "-t",
        _CLUSTER_ID,
        "-c",
        str(config),
    ]
    formatted = subprocess.run(format_command, capture_output=True, text=True, timeout=120, check=False)
    if formatted.returncode:
        message = f"{format_command} ended with {formatted.returncode}:\n{formatted.stdout}{formatted.stderr}"
        raise StartError(message)
    command: list[str | Path] = [*java, "kafka.Kafka", config]
    with running(command, log=folder / "kafka.log", ready=lambda: accepts(port), timeout_s=120.0):
        yield f"kafka://127.0.0.1:{port}"


def _configure(folder: Path, port: int, controller: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "data"),
        "num.partitions": "2",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A consumer that died is to be noticed while a test waits.
        "group.min.session.timeout.ms": "1000",
        "auto.create.topics.enable": "true",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
