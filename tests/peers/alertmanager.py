"""A real Alertmanager on a free port, and amtool."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.installation import ALERTMANAGER, AMTOOL
from tests.peers.processes import free_ports, running


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Tell where a running Alertmanager listens."""

    pid: int
    url: str


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What amtool printed, and its exit status."""

    status: int
    output: str
    errors: str


@contextmanager
def alertmanager_running(folder: Path, config: str, flags: Sequence[str] = ()) -> Iterator[Alertmanager]:
    """Run Alertmanager alone (no cluster) with its files in `folder`; `config` is alertmanager.yml as text."""
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "alertmanager.yml"
    config_file.write_text(config, encoding="utf-8")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [
        ALERTMANAGER.install(),
        f"--config.file={config_file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
        *flags,
    ]
    with running(command, log=folder / "alertmanager.log", ready_url=f"{url}/-/ready") as pid:
        yield Alertmanager(pid, url)


def amtool(*arguments: str | Path, url: str = "", cwd: Path | None = None) -> ToolAnswer:
    """Return what amtool answers, asked about the Alertmanager at `url`."""
    chosen = [f"--alertmanager.url={url}"] if url else []
    command = [str(AMTOOL.install()), *chosen, *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    return ToolAnswer(done.returncode, done.stdout, done.stderr)
