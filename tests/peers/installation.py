"""Which peers there are, at which versions, and how they get onto this machine.

Go peers are built from the modules in `go/` (`go.mod` pins, `go.sum` verifies) into a cache folder that every checkout
shares: GNOMON_PEERS_CACHE, or `gnomon/peers` in the user's cache folder. npm packages go there, too, as the lock files
in `node/` say. Java peers go there, too, as the `pom.xml` files in `java/` say. Debian peers come from apt-get. Python
peers have an environment each, there, too, with what the `requirements.txt` files in `frameworks/` say.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).parent


class InstallationError(Exception):
    """Tell that a peer cannot be installed here, and what would help."""


class Peer(Protocol):
    """Stand for a program that others wrote and that Gnomon is compared with."""

    @property
    def name(self) -> str:
        """Return the name in `python -m tests.peers install NAME`."""

    @property
    def version(self) -> str:
        """Return what is pinned; a distribution's package is pinned by the distribution."""

    def find(self) -> Path | None:
        """Return the program, or None while it is not installed."""

    def install(self) -> Path:
        """Install the program unless it is there and return it; raises InstallationError."""


@dataclass(frozen=True, slots=True)
class GoPeer:
    """Build a program from the Go module in the folder of `go/` that bears its name, or is given as `folder`."""

    name: str
    module: str
    package: str
    folder: str = ""

    @property
    def version(self) -> str:
        """Return the version that `go.mod` requires."""
        required = re.search(rf"^(?:require)?\s+{re.escape(self.module)} (\S+)", self._read("go.mod"), re.MULTILINE)
        if required is None:
            message = f"{self._folder / 'go.mod'} does not require {self.module}. Run `go mod tidy` there."
            raise InstallationError(message)
        return required[1]

    def find(self) -> Path | None:
        """Return the program if it was built from just these pins."""
        return self._program if os.access(self._program, os.X_OK) else None

    def install(self) -> Path:
        """Build the program unless another checkout has; takes minutes the first time, on two cores at most."""
        program = self._program
        with _lock(program.parent):
            if self.find() is not None:
                return program
            go = shutil.which("go")
            if go is None:
                message = f"Building {self.name} {self.version} needs Go. Install Go 1.21 or newer and run make peers."
                raise InstallationError(message)
            unfinished = program.with_suffix(".unfinished")
            command = [go, "build", "-mod=readonly", "-p", "2", "-ldflags=-s -w", "-o", str(unfinished), self.package]
            if nice := shutil.which("nice"):
                command.insert(0, nice)
            built = subprocess.run(command, cwd=self._folder, check=False)
            if built.returncode:
                message = f"Building {self.name} {self.version} failed with status {built.returncode}: {command}."
                raise InstallationError(message)
            unfinished.rename(program)
        return program

    @property
    def _folder(self) -> Path:
        return HERE / "go" / (self.folder or self.name)

    @property
    def _program(self) -> Path:
        pins = hashlib.sha256((self._read("go.mod") + self._read("go.sum")).encode()).hexdigest()[:12]
        return cache_folder() / f"{self.name}-{self.version}-{pins}" / self.name

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class NodePeer:
    """Install the npm packages that the folder of `node/` with its name locks, its scripts beside them."""

    name: str
    script: str
    version: str = "from its package-lock.json"

    def find(self) -> Path | None:
        """Return the script if just these packages are installed for it."""
        return self._folder / self.script if (self._folder / ".installed").exists() else None

    def install(self) -> Path:
        """Install the packages unless another checkout has."""
        folder = self._folder
        with _lock(folder):
            if self.find() is None:
                npm = shutil.which("npm")
                if npm is None:
                    message = f"Installing {self.name} needs npm. Install Node.js 20 or newer and run make peers."
                    raise InstallationError(message)
                shutil.copytree(self._source, folder, dirs_exist_ok=True)
                arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
                done = subprocess.run([npm, *arguments], cwd=folder, check=False)
                if done.returncode:
                    message = f"npm ci for {self.name} failed with status {done.returncode}. See its output above."
                    raise InstallationError(message)
                (folder / ".installed").touch()
        return folder / self.script

    @property
    def _source(self) -> Path:
        return HERE / "node" / self.name

    @property
    def _folder(self) -> Path:
        texts = [(self._source / file).read_bytes() for file in ("package.json", "package-lock.json", self.script)]
        return cache_folder() / f"node-{self.name}-{hashlib.sha256(b''.join(texts)).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class JavaPeer:
    """Fetch the jars that the `pom.xml` in the folder of `java/` with its name asks for."""

    name: str
    artifact: str

    @property
    def version(self) -> str:
        """Return the version of the artifact in `pom.xml`."""
        pinned = re.search(rf"<artifactId>{re.escape(self.artifact)}</artifactId>\s*<version>([^<]+)<", self._pom)
        if pinned is None:
            message = f"{self._source / 'pom.xml'} does not depend on {self.artifact}. Add it with its version."
            raise InstallationError(message)
        return pinned[1]

    def find(self) -> Path | None:
        """Return the folder of jars if just these are there, and a Java that runs them."""
        return self._jars if (self._jars / ".installed").exists() and shutil.which("java") else None

    def install(self) -> Path:
        """Fetch the jars unless another checkout has."""
        with _lock(self._jars):
            if (jars := self.find()) is not None:
                return jars
            maven = shutil.which("mvn")
            if maven is None or shutil.which("java") is None:
                message = f"Installing {self.name} needs Java 17 and Maven. Install them and run make peers."
                raise InstallationError(message)
            # Maven writes beside its pom.xml, and the checkout is no place for that.
            shutil.copy(self._source / "pom.xml", self._jars)
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={self._jars}", "-DincludeScope=runtime"]
            done = subprocess.run([maven, "--quiet", "--batch-mode", *goal], cwd=self._jars, check=False)
            if done.returncode:
                message = f"Maven failed with status {done.returncode} for {self.name}. See its output above."
                raise InstallationError(message)
            (self._jars / ".installed").touch()
        return self._jars

    @property
    def _source(self) -> Path:
        return HERE / "java" / self.name

    @property
    def _pom(self) -> str:
        return (self._source / "pom.xml").read_text(encoding="utf-8")

    @property
    def _jars(self) -> Path:
        return cache_folder() / f"{self.name}-{self.version}-{hashlib.sha256(self._pom.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class PythonPeer:
    """Install the packages that the folder of `frameworks/` with its name locks, in an environment of their own."""

    name: str
    package: str

    @property
    def version(self) -> str:
        """Return the version of the package in `requirements.txt`."""
        pinned = re.search(rf"^{re.escape(self.package)}==(\S+)", self._requirements, re.MULTILINE)
        if pinned is None:
            message = f"{self._source / 'requirements.txt'} does not pin {self.package}. Compile requirements.in again."
            raise InstallationError(message)
        return pinned[1]

    @property
    def script(self) -> Path:
        """Return the script that runs the package."""
        return self._source / "run.py"

    def find(self) -> Path | None:
        """Return the interpreter of the environment if just these packages are in it."""
        return self._folder / "bin" / "python" if (self._folder / ".installed").exists() else None

    def install(self) -> Path:
        """Install the packages unless another checkout has."""
        folder = self._folder
        with _lock(folder):
            if self.find() is None:
                uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
                if uv is None:
                    message = f"Installing {self.name} needs uv. Install it (pip install uv) and run make peers."
                    raise InstallationError(message)
                interpreter = folder / "bin" / "python"
                requirements = self._source / "requirements.txt"
                for arguments in (
                    ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)],
                    ["pip", "install", "--quiet", "--python", str(interpreter), "-r", str(requirements)],
                ):
                    done = subprocess.run([uv, *arguments], check=False)
                    if done.returncode:
                        message = f"uv {arguments[0]} for {self.name} failed with status {done.returncode}. See above."
                        raise InstallationError(message)
                (folder / ".installed").touch()
        return folder / "bin" / "python"

    @property
    def _source(self) -> Path:
        return HERE / "frameworks" / self.name

    @property
    def _requirements(self) -> str:
        return (self._source / "requirements.txt").read_text(encoding="utf-8")

    @property
    def _folder(self) -> Path:
        pins = hashlib.sha256((self._requirements + sys.version).encode()).hexdigest()[:12]
        return cache_folder() / f"{self.name}-{self.version}-{pins}"


@dataclass(frozen=True, slots=True)
class DebianPeer:
    """Take a program from a Debian package."""

    name: str
    package: str
    commands: tuple[str, ...]
    version: str = "from the distribution"
    folders: str = ""
    """A pattern of folders off the PATH, for programs that Debian keeps there; the last in order wins."""

    def find(self) -> Path | None:
        """Return the first of the commands that is on the PATH or in the folders."""
        for command in self.commands:
            if self.folders and (kept := sorted(Path("/").glob(f"{self.folders.lstrip('/')}/{command}"))):
                return kept[-1]
            if path := shutil.which(command):
                return Path(path)
        return None

    def install(self) -> Path:
        """Install the package as root; anybody else is told the command."""
        if (program := self.find()) is not None:
            return program
        apt_get = shutil.which("apt-get")
        if apt_get is None or os.geteuid() != 0:
            message = f"{self.name} is missing. Install it (Debian: sudo apt-get install {self.package})."
            raise InstallationError(message)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", self.package]):
            done = subprocess.run([apt_get, *arguments], env=environment, check=False)
            if done.returncode:
                message = f"apt-get {' '.join(arguments)} failed with status {done.returncode}. See its output above."
                raise InstallationError(message)
        program = self.find()
        if program is None:
            message = f"The package {self.package} is installed and brought none of {', '.join(self.commands)}."
            raise InstallationError(message)
        return program


def cache_folder() -> Path:
    """Return where built peers live, shared by every checkout on the machine."""
    if chosen := os.environ.get("GNOMON_PEERS_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "gnomon", "peers")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


JAEGER = GoPeer(
    "jaeger", module="github.com/jaegertracing/jaeger", package="github.com/jaegertracing/jaeger/cmd/jaeger"
)
PROMETHEUS = GoPeer(
    "prometheus",
    module="github.com/prometheus/prometheus",
    package="github.com/prometheus/prometheus/cmd/prometheus",
)
PROMTOOL = GoPeer(
    "promtool",
    module="github.com/prometheus/prometheus",
    package="github.com/prometheus/prometheus/cmd/promtool",
    folder="prometheus",
)
NODE_EXPORTER = GoPeer(
    "node_exporter", module="github.com/prometheus/node_exporter", package="github.com/prometheus/node_exporter"
)
ALERTMANAGER = GoPeer(
    "alertmanager",
    module="github.com/prometheus/alertmanager",
    package="github.com/prometheus/alertmanager/cmd/alertmanager",
)
AMTOOL = GoPeer(
    "amtool",
    module="github.com/prometheus/alertmanager",
    package="github.com/prometheus/alertmanager/cmd/amtool",
    folder="alertmanager",
)
CHROMIUM = DebianPeer("chromium", package="chromium", commands=("chromium", "chromium-browser", "google-chrome"))
NODE_SENDERS = NodePeer("senders", script="send.mjs")
SYSLOG_NG = DebianPeer("syslog-ng", package="syslog-ng-mod-http", commands=("syslog-ng",))
KAFKA = JavaPeer("kafka", artifact="kafka_2.13")
REDIS = DebianPeer("redis", package="redis-server", commands=("redis-server",))
RABBITMQ = DebianPeer(
    "rabbitmq", package="rabbitmq-server", commands=("rabbitmq-server",), folders="/usr/lib/rabbitmq/bin"
)
NATS = DebianPeer("nats", package="nats-server", commands=("nats-server",))
POSTGRESQL = DebianPeer("postgresql", package="postgresql", commands=("initdb",), folders="/usr/lib/postgresql/*/bin")
PYDANTIC_AI = PythonPeer("pydantic-ai", package="pydantic-ai-slim")
PYDANTIC_AI_1 = PythonPeer("pydantic-ai-1", package="pydantic-ai-slim")
LANGGRAPH = PythonPeer("langgraph", package="langgraph")
OPENAI_AGENTS = PythonPeer("openai-agents", package="openai-agents")

_BROKERS: tuple[Peer, ...] = (KAFKA, REDIS, RABBITMQ, NATS, POSTGRESQL)

PEERS: tuple[Peer, ...] = (
    JAEGER,
    PROMETHEUS,
    PROMTOOL,
    NODE_EXPORTER,
    ALERTMANAGER,
    AMTOOL,
    CHROMIUM,
    NODE_SENDERS,
    SYSLOG_NG,
    *_BROKERS,
    PYDANTIC_AI,
    PYDANTIC_AI_1,
    LANGGRAPH,
    OPENAI_AGENTS,
)
