"""A real Prometheus on a free port, and promtool."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.peers.installation import PROMETHEUS, PROMTOOL
from tests.peers.processes import free_ports, running


class ToolError(Exception):
    """Tell that promtool ended with another status than 0; carries what it printed."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Tell where a running Prometheus listens."""

    pid: int
    url: str

    def get(self, path: str, params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None) -> httpx.Response:
        """Ask for a path such as `/api/v1/labels`; the answer's status is not looked at."""
        pairs = list(params.items()) if isinstance(params, Mapping) else list(params or ())
        return httpx.get(self.url + path, params=httpx.QueryParams(pairs), timeout=120.0, trust_env=False)

    def data(self, path: str, params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None) -> Any:
        """Return the `data` of a successful answer of `/api/v1`."""
        answer = self.get(f"/api/v1/{path}", params).json()
        if answer["status"] != "success":
            raise AssertionError(answer)
        return answer["data"]

    def remote_write(self, body: bytes, *, version: str = "0.1.0", proto: str = "") -> httpx.Response:
        """Send a snappy-compressed remote write request."""
        content_type = "application/x-protobuf" + (f";proto={proto}" if proto else "")
        headers = {
            "Content-Type": content_type,
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": version,
        }
        return httpx.post(f"{self.url}/api/v1/write", content=body, headers=headers, timeout=120.0, trust_env=False)


@contextmanager
def prometheus_running(
    folder: Path,
    *,
    config: Mapping[str, Any] | str | None = None,
    features: Sequence[str] = (),
    flags: Sequence[str] = (),
    out_of_order: str = "0s",
) -> Iterator[Prometheus]:
    """Run Prometheus with its files in `folder`, receivers for remote write and OTLP switched on.

    `config` is prometheus.yml as text or values, empty by default; `features` are names for --enable-feature;
    `flags` are further arguments; `out_of_order` is how old samples may be that arrive late.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "prometheus.yml"
    if isinstance(config, str):
        config_file.write_text(config, encoding="utf-8")
    else:
        values = {"storage": {"tsdb": {"out_of_order_time_window": out_of_order}}} | dict(config or {})
        config_file.write_text(yaml.safe_dump(values), encoding="utf-8")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [
        PROMETHEUS.install(),
        f"--config.file={config_file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=20y",
        "--web.enable-remote-write-receiver",
        "--web.enable-otlp-receiver",
        "--web.enable-lifecycle",
        "--log.level=warn",
        *([f"--enable-feature={','.join(features)}"] if features else []),
        *flags,
    ]
    with running(command, log=folder / "prometheus.log", ready_url=f"{url}/-/ready") as pid:
        yield Prometheus(pid, url)


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Return what promtool prints; raises ToolError when it does not end with 0."""
    command = [str(PROMTOOL.install()), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        message = f"{command} ended with status {done.returncode}:\n{done.stdout}{done.stderr}"
        raise ToolError(message)
    return done.stdout


def wait_for_samples(server: Prometheus, query: str, timeout_s: float = 30.0) -> Any:
    """Return the first result of an instant query that is not empty; raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := server.data("query", {"query": query})["result"]:
            return result
        time.sleep(0.1)
    message = f"{query!r} found nothing within {timeout_s} s at {server.url}."
    raise TimeoutError(message)
