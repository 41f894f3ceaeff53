"""The launcher: forks every service off a process that has imported everything, restarts what dies, and ends all."""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

from examples.agent_platform.control import Control
from examples.agent_platform.file_store import fill_file_store
from examples.agent_platform.incidents import INCIDENTS, Surroundings
from examples.agent_platform.service import ServiceArguments
from examples.agent_platform.tenants import write_tenants

HTTP_SERVICES = {
    "model": "model",
    "executor": "tool_executor",
    "router": "router",
    "canvas": "canvas",
    "delegation": "delegation",
    "gateway": "gateway",
    "scheduler": "scheduler",
}
"""The services that there is one of, by the word that their peers use for them, with their modules."""
STOP_ORDER = (
    {"load", "scheduler"},
    {"gateway"},
    {"worker"},
    {"delegation"},
    {"router", "model", "tool_executor", "canvas"},
)
WORKERS = 2
HEALTHY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 15.0
RESTART_AFTER_S = 1.0
_logger = logging.getLogger(__name__)
_fork = multiprocessing.get_context("forkserver")


class StartError(Exception):
    """Tell that the platform did not come up."""


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """How to run the platform; `rate` is in tasks per second, `duration_s` None means until stopped.

    Without URLs, broker and database are files in the state folder, and each process has a cache of its own.
    """

    endpoint: str
    state_dir: Path
    rate: float = 4.0
    duration_s: float | None = None
    incidents: Sequence[str] = ()
    incident_after_s: float = 30.0
    incident_for_s: float = 60.0
    seed: int | None = None
    broker: str = ""
    database: str = ""
    cache: str = ""
    topics: str = "tasks"
    workers: int = WORKERS


@dataclass(slots=True)
class ServiceProcess:
    """One process and how to start it again."""

    module: str
    arguments: ServiceArguments
    environment: Mapping[str, str]
    log_path: Path
    process: ForkServerProcess | None = None
    died_at_s: float | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.arguments.instance

    def start(self) -> None:
        """Start the process."""
        self.process = _fork.Process(
            target=run_service, args=(self.module, self.arguments, dict(self.environment), self.log_path)
        )
        self.process.start()
        self.died_at_s = None

    def stop(self) -> None:
        """Ask the process to stop."""
        if self.process is not None and self.process.is_alive():
            self.process.terminate()

    def wait(self, deadline_s: float) -> None:
        """Wait for the end, and kill the process after the deadline of the monotonic clock."""
        if self.process is None:
            return
        self.process.join(max(0.0, deadline_s - time.monotonic()))
        if self.process.is_alive():
            _logger.warning("%s did not stop by itself", self.name)
            self.process.kill()
            self.process.join()


def run_service(module: str, arguments: ServiceArguments, environment: dict[str, str], log_path: Path) -> None:
    """Be a service: in the process that was forked off for it."""
    os.environ.update(environment)
    os.setsid()  # Ctrl-C reaches the launcher alone, which then stops us.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    from examples.agent_platform.preload import SERVICES  # noqa: PLC0415 - the launcher itself needs none of it

    SERVICES[module](arguments)


@dataclass(slots=True)
class Platform:
    """All processes of the platform; use it as a context manager."""

    settings: PlatformSettings
    urls: dict[str, str] = field(default_factory=dict)
    _listeners: list[socket.socket] = field(default_factory=list)
    _services: list[ServiceProcess] = field(default_factory=list)
    _incidents: dict[str, threading.Event] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Start everything and wait until the services answer; raises StartError when they do not."""
        state_dir = self.settings.state_dir
        (state_dir / "logs").mkdir(parents=True, exist_ok=True)
        fill_file_store(state_dir / "files")
        write_tenants(state_dir)
        _fork.set_forkserver_preload(["examples.agent_platform.preload"])
        modules = {**HTTP_SERVICES, **{f"worker-{number + 1}": "worker" for number in range(self.settings.workers)}}
        listening = {word: self._listen() for word in modules}
        self.urls = {word: f"http://127.0.0.1:{listener.getsockname()[1]}" for word, listener in listening.items()}
        for word, module in modules.items():
            instance = word if module == "worker" else f"{module.replace('_', '-')}-1"
            self._services.append(self._make_process(module, instance, listening[word]))
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
        load = self._make_process("load", "load", None)
        self._services.append(load)
        load.start()

    def restart_dead(self) -> None:
        """Start again what died more than a second ago."""
        for service in self._services:
            if service.process is None or service.process.is_alive():
                continue
            if service.died_at_s is None:
                service.died_at_s = time.monotonic()
                _logger.warning("%s ended with %s; see %s", service.name, service.process.exitcode, service.log_path)
            elif time.monotonic() - service.died_at_s > RESTART_AFTER_S:
                service.start()

    def list_pids(self, module: str) -> list[int]:
        """Return the process ids of a service's processes that run."""
        return [
            service.process.pid
            for service in self._services
            if service.module == module
            and service.process is not None
            and service.process.is_alive()
            and service.process.pid is not None
        ]

    @property
    def surroundings(self) -> Surroundings:
        """What incidents can get at."""
        return Surroundings(self.settings.state_dir, self.list_pids, self.broker, self.settings.topics)

    @property
    def broker(self) -> str:
        """The URL of the broker that is used."""
        return self.settings.broker or f"sqlite:///{self.settings.state_dir.absolute() / 'queue.sqlite'}"

    def begin_incident(self, name: str, seconds: float) -> str:
        """Let something go wrong for a while; returns a complaint, or nothing when it began."""
        if name in self._incidents:
            return f"The incident {name!r} is under way already."
        over = self._incidents[name] = threading.Event()

        def last() -> None:
            _logger.warning("Incident begins: %s, for %.0f s", name, seconds)
            threading.Timer(seconds, over.set).start()
            try:
                INCIDENTS[name](self.surroundings, over)
            except Exception:
                _logger.exception("The incident %s broke off", name)
            del self._incidents[name]
            _logger.warning("Incident over: %s", name)

        threading.Thread(target=last, name=name, daemon=True).start()
        return ""

    def run(self, stop: threading.Event) -> None:
        """Keep the platform going, with its incidents, until told to stop or the duration is over."""
        started_s = time.monotonic()
        due = [
            (
                self.settings.incident_after_s
                + place * (self.settings.incident_after_s + self.settings.incident_for_s),
                name,
            )
            for place, name in enumerate(self.settings.incidents)
        ]
        with Control(self.settings.state_dir, sorted(INCIDENTS), self.begin_incident):
            while not stop.wait(0.5):
                self.restart_dead()
                elapsed_s = time.monotonic() - started_s
                while due and elapsed_s > due[0][0]:
                    self.begin_incident(due.pop(0)[1], self.settings.incident_for_s)
                if self.settings.duration_s is not None and elapsed_s > self.settings.duration_s:
                    break
        for over in list(self._incidents.values()):
            over.set()

    def _listen(self) -> socket.socket:
        """Open a listening socket on a free loopback port; a service inherits it, also after a restart."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listeners.append(listener)
        return listener

    def _make_process(self, module: str, name: str, listener: socket.socket | None) -> ServiceProcess:
        settings = self.settings
        arguments = ServiceArguments(
            instance=name,
            state_dir=settings.state_dir,
            listener=listener,
            urls=self.urls,
            broker=self.broker,
            database=settings.database or f"sqlite:///{settings.state_dir.absolute() / 'platform.sqlite'}",
            cache=settings.cache,
            topics=settings.topics,
            rate=settings.rate,
            seed=settings.seed,
        )
        return ServiceProcess(module, arguments, self._make_environment(), settings.state_dir / "logs" / f"{name}.log")

    def _make_environment(self) -> dict[str, str]:
        """Configure the SDK by its own variables; what the user has set wins."""
        defaults = {"GNOMON_ENVIRONMENT": "demo", "GNOMON_METRICS_INTERVAL_S": "5"}
        return {name: os.environ.get(name, value) for name, value in defaults.items()} | {
            "GNOMON_ENDPOINT": self.settings.endpoint
        }

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
        with urllib.request.urlopen(f"{url}/health/ready", timeout=1.0):  # noqa: S310 - our own loopback address
            return True
    except (urllib.error.URLError, OSError):
        return False
