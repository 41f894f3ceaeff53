"""The launcher: starts every service as a process, restarts what dies, and ends all of them with itself."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from examples.agent_platform.file_store import fill_file_store
from examples.agent_platform.incidents import INCIDENTS, Surroundings

REPOSITORY = Path(__file__).resolve().parents[2]
HTTP_SERVICES = {"gateway": "gateway", "router": "router", "model": "model", "executor": "tool_executor"}
"""The services that listen, by the word that their peers use for them, with their modules."""
STOP_ORDER = ({"load"}, {"gateway"}, {"worker"}, {"router", "model", "tool_executor"})
WORKERS = 2
HEALTHY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 10.0
RESTART_AFTER_S = 1.0
_logger = logging.getLogger(__name__)


class StartError(Exception):
    """Tell that the platform did not come up."""


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """How to run the platform; `rate` is in tasks per second, `duration_s` None means until stopped."""

    endpoint: str
    state_dir: Path
    rate: float = 4.0
    duration_s: float | None = None
    incidents: Sequence[str] = ()
    incident_after_s: float = 30.0
    incident_for_s: float = 60.0
    seed: int | None = None


@dataclass(slots=True)
class ServiceProcess:
    """One process and how to start it again."""

    module: str
    name: str
    command: list[str]
    environment: dict[str, str]
    log_path: Path
    listen_fd: int | None = None
    process: subprocess.Popen[bytes] | None = None
    died_at_s: float | None = None

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C reaches the launcher alone, which then stops it."""
        self.stop()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=() if self.listen_fd is None else (self.listen_fd,),
                start_new_session=True,
            )
        self.died_at_s = None

    def stop(self) -> None:
        """Ask the process to stop: closing its standard input does that, as our own death would."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def wait(self, deadline_s: float) -> None:
        """Wait for the end, and kill the process after the deadline of the monotonic clock."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _logger.warning("%s did not stop by itself", self.name)
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Platform:
    """All processes of the platform; use it as a context manager."""

    settings: PlatformSettings
    urls: dict[str, str] = field(default_factory=dict)
    _listeners: list[socket.socket] = field(default_factory=list)
    _services: list[ServiceProcess] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start everything and wait until the services answer; raises StartError when they do not."""
        state_dir = self.settings.state_dir
        (state_dir / "logs").mkdir(parents=True, exist_ok=True)
        fill_file_store(state_dir / "files")
        listening = {word: self._listen() for word in HTTP_SERVICES}
        self.urls = {word: f"http://127.0.0.1:{socket_.getsockname()[1]}" for word, socket_ in listening.items()}
        for word, module in HTTP_SERVICES.items():
            self._add(module, f"{module.replace('_', '-')}-1", listening[word].fileno())
        for number in range(1, WORKERS + 1):
            self._add("worker", f"worker-{number}")
        try:
            for service in self._services:
                service.start()
            self._wait_until_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop everything, callers before those who serve them, so that nothing at hand fails for that."""
        deadline_s = time.monotonic() + STOPPED_WITHIN_S
        for stage in STOP_ORDER:
            services = [service for service in self._services if service.module in stage]
            for service in services:
                service.stop()
            for service in services:
                service.wait(deadline_s)
        for listener in self._listeners:
            listener.close()

    def start_load(self) -> None:
        """Start the personas."""
        settings = self.settings
        options = ["--gateway-url", self.urls["gateway"], "--rate", str(settings.rate)]
        if settings.seed is not None:
            options += ["--seed", str(settings.seed)]
        load = self._make_process("load", "load", options)
        self._services.append(load)
        load.start()

    def restart_dead(self) -> None:
        """Start again what died more than a second ago."""
        for service in self._services:
            if service.process is None or service.process.poll() is None:
                continue
            if service.died_at_s is None:
                service.died_at_s = time.monotonic()
                _logger.warning("%s ended with %d; see %s", service.name, service.process.returncode, service.log_path)
            elif time.monotonic() - service.died_at_s > RESTART_AFTER_S:
                service.start()

    def list_worker_pids(self) -> list[int]:
        """Return the process ids of the workers that run."""
        return [
            service.process.pid
            for service in self._services
            if service.module == "worker" and service.process is not None and service.process.poll() is None
        ]

    def run(self, stop: threading.Event) -> None:
        """Keep the platform going, with its incidents, until told to stop or the duration is over."""
        started_s = time.monotonic()
        with_incidents = threading.Thread(target=self._run_incidents, args=(stop,), name="incidents")
        with_incidents.start()
        try:
            while not stop.wait(0.5):
                self.restart_dead()
                if self.settings.duration_s is not None and time.monotonic() - started_s > self.settings.duration_s:
                    break
        finally:
            stop.set()
            with_incidents.join()

    def _run_incidents(self, stop: threading.Event) -> None:
        settings = self.settings
        surroundings = Surroundings(settings.state_dir, self.list_worker_pids)
        for name in settings.incidents:
            if stop.wait(settings.incident_after_s):
                return
            _logger.warning("Incident begins: %s", name)
            over = threading.Event()
            incident = threading.Thread(target=INCIDENTS[name], args=(surroundings, over), name=name)
            incident.start()
            stop.wait(settings.incident_for_s)
            over.set()
            incident.join()
            _logger.warning("Incident over: %s", name)

    def _listen(self) -> socket.socket:
        """Open a listening socket on a free loopback port; a service inherits it, also after a restart."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listeners.append(listener)
        return listener

    def _add(self, module: str, instance: str, listen_fd: int | None = None) -> None:
        options = ["--instance", instance, "--state-dir", str(self.settings.state_dir)]
        for peer in ("router", "model", "executor"):
            options += [f"--{peer}-url", self.urls[peer]]
        if listen_fd is not None:
            options += ["--listen-fd", str(listen_fd)]
        self._services.append(self._make_process(module, instance, options, listen_fd))

    def _make_process(self, module: str, name: str, options: list[str], listen_fd: int | None = None) -> ServiceProcess:
        return ServiceProcess(
            module=module,
            name=name,
            command=[sys.executable, "-c", f"from examples.agent_platform.{module} import main; main()", *options],
            environment=self._make_environment(),
            log_path=self.settings.state_dir / "logs" / f"{name}.log",
            listen_fd=listen_fd,
        )

    def _make_environment(self) -> dict[str, str]:
        """Configure OpenTelemetry by its own variables; what the user has set wins."""
        defaults = {
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=demo",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
            "OTEL_BSP_SCHEDULE_DELAY": "1000",
            "OTEL_BLRP_SCHEDULE_DELAY": "1000",
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.settings.endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        }
        return defaults | dict(os.environ) | {"OTEL_EXPORTER_OTLP_ENDPOINT": self.settings.endpoint}

    def _wait_until_healthy(self) -> None:
        deadline_s = time.monotonic() + HEALTHY_WITHIN_S
        for word, url in self.urls.items():
            while not _is_healthy(url):
                if time.monotonic() > deadline_s:
                    logs = self.settings.state_dir / "logs"
                    message = f"The {word} did not answer within {HEALTHY_WITHIN_S:.0f} s; see {logs}."
                    raise StartError(message)
                self.restart_dead()
                time.sleep(0.05)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1.0):  # noqa: S310 - our own loopback address
            return True
    except (urllib.error.URLError, OSError):
        return False
