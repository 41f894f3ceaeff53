"""Switch the SDK on and off: one call at the start of an application, and nothing to remember at its end."""

import atexit
import multiprocessing.util
import os
import platform
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from types import FrameType
from typing import Literal

from gnomon.sdk import export, journals, resources
from gnomon.sdk import settings as settings_module
from gnomon.sdk.faults import guarded, log, note
from gnomon.sdk.logs import LogSettings
from gnomon.sdk.logs import configure as configure_logs
from gnomon.sdk.logs import load_settings as load_log_settings
from gnomon.sdk.metrics import exposition, families, own, push
from gnomon.sdk.outbox import Outbox
from gnomon.sdk.settings import MetricsMode, Settings
from gnomon.sdk.tracing import instrumentors, provider

_FLUSH_TIMEOUT_S = 5.0
_SIGNAL_TIMEOUT_S = 3.0


@dataclass(slots=True)
class _Running:
    settings: Settings
    outbox: Outbox | None
    resource: Mapping[str, object]
    next_push: float
    undo: list[Callable[[], None]] = field(default_factory=list)
    old_sigterm: object = None


_lock = threading.RLock()
_running: list[_Running] = []
_hooked: list[bool] = []


def setup(
    service: str | None = None,
    *,
    namespace: str | None = None,
    version: str | None = None,
    environment: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    disabled: bool | None = None,
    traces: bool | None = None,
    logs: bool | LogSettings | None = None,
    metrics: MetricsMode | None = None,
    metrics_interval_s: float | None = None,
    sample_ratio: float | None = None,
    slow_s: float | None = None,
    instrument: Literal["all", "none"] | Sequence[str] | None = None,
    label_values: int | None = None,
    record_content: bool | None = None,
    resource: Mapping[str, str] | None = None,
) -> None:
    """Record metrics, traces, logs and events of this process and send them to Gnomon.

    `logs` takes LogSettings besides yes and no; by default all loggers write as GNOMON_LOG_* variables say, and send.
    `metrics` pushes them, or leaves them to be scraped. `instrument` switches the instrumentors of libraries on.
    Everything has a default; what is not given is read from GNOMON_* and OTEL_* variables. A second call changes
    nothing until `shutdown`. Wrong arguments are refused with ValueError; nothing else of the SDK ever raises into the
    application. Call it before forking servers fork, or in each worker: both work.
    """
    wanted = settings_module.load(
        service=service,
        namespace=namespace,
        version=version,
        environment=environment,
        endpoint=endpoint,
        api_key=api_key,
        headers=headers,
        disabled=disabled,
        traces=traces,
        logs=None if logs is None else bool(logs),
        metrics=metrics,
        metrics_interval_s=metrics_interval_s,
        sample_ratio=sample_ratio,
        slow_s=slow_s,
        instrument=instrument,
        label_values=label_values,
        record_content=record_content,
        resource=resource,
    )
    with _lock, guarded("set up"):
        if _running:
            if _running[0].settings != wanted:
                log.warning("gnomon.setup() was called again with other settings: call gnomon.shutdown() before")
            return
        if not wanted.disabled:
            _start(wanted, logs if isinstance(logs, LogSettings) else load_log_settings())


def shutdown(timeout_s: float = _FLUSH_TIMEOUT_S) -> None:
    """Send what waits, at most for `timeout_s`, and switch everything off; `setup` may be called again."""
    with _lock, guarded("shut down"):
        if not _running:
            return
        running = _running[0]
        while running.undo:
            with guarded("switch a part off"):
                running.undo.pop()()
        if running.outbox is not None:
            deadline = time.monotonic() + timeout_s
            if running.settings.metrics == "push":
                push.push(running.outbox, running.resource, timeout_s)
            running.outbox.close(max(0.1, deadline - time.monotonic()))
        exposition.forget_process()
        families.configure(running.settings.namespace, running.settings.label_values, enabled=False)
        export.install(None, None)
        provider.recorder(running.settings).rest()
        _running.clear()


def flush(timeout_s: float = _FLUSH_TIMEOUT_S) -> bool:
    """Send what waits now; return whether all of it was taken in time. True where there is nothing to send."""
    running = _running[0] if _running else None
    if running is None or running.outbox is None:
        return True
    done = False
    with guarded("flush"):
        deadline = time.monotonic() + timeout_s
        done = running.outbox.flush(timeout_s)
        if running.settings.metrics == "push":
            done = push.push(running.outbox, running.resource, max(0.1, deadline - time.monotonic())) and done
    return done


def is_running() -> bool:
    """Tell whether the SDK records."""
    return bool(_running)


def active_settings() -> Settings | None:
    """Return what `setup` settled on, or None while the SDK is off."""
    return _running[0].settings if _running else None


def _start(wanted: Settings, log_settings: LogSettings) -> None:
    running = _Running(wanted, None, describe(wanted), time.monotonic() + wanted.metrics_interval_s)
    families.configure(wanted.namespace, wanted.label_values, enabled=wanted.metrics != "none")
    if wanted.endpoint:
        running.outbox = Outbox(wanted, lambda: running.resource, lambda outbox: _tick(running, outbox))
    recorder = provider.recorder(wanted)
    recorder.aim(wanted, running.outbox)
    export.install(recorder.tracers if wanted.traces else None, recorder.loggers, record_content=wanted.record_content)
    _running.append(running)
    running.undo.append(journals.start(journals.load_settings()))
    running.undo.append(instrumentors.switch_on(wanted.instrument, recorder.tracers if wanted.traces else None))
    running.undo.append(resources.install())
    if wanted.logs:
        running.undo.append(configure_logs(log_settings))
    if running.outbox is not None and wanted.metrics == "push":
        running.outbox.start()
    if not _hooked:
        _hooked.append(True)
        atexit.register(shutdown)
        os.register_at_fork(after_in_child=_renew_after_fork)
        # Children of multiprocessing end without atexit; their own finalizers are registered after each fork.
        multiprocessing.util.register_after_fork(shutdown, _finalize_child)
        families.registry().register(own.OwnMetrics(lambda: _running[0].outbox if _running else None))
    _chain_sigterm(running)


def describe(wanted: Settings, *, forked: bool = False) -> Mapping[str, object]:
    """Return the resource attributes of this process; a forked one is another instance than its parent."""
    known: dict[str, object] = dict(wanted.resource)
    known["service.name"] = wanted.service
    if forked and "service.instance.id" in known:
        known["service.instance.id"] = f"{known['service.instance.id']}-{os.getpid()}"
    known.setdefault("service.instance.id", f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    if wanted.version:
        known["service.version"] = wanted.version
    if wanted.environment:
        known["deployment.environment.name"] = wanted.environment
    known |= {
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": platform.python_version(),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": installed_version("opentelemetry-sdk"),
        "telemetry.distro.name": "gnomon",
        "telemetry.distro.version": installed_version("gnomon"),
    }
    return known


def _tick(running: _Running, outbox: Outbox) -> None:
    if running.settings.metrics != "push" or time.monotonic() < running.next_push:
        return
    running.next_push = time.monotonic() + running.settings.metrics_interval_s
    push.push(outbox, running.resource, running.settings.timeout_s)


def _renew_after_fork() -> None:
    global _lock  # noqa: PLW0603 - a lock that another thread held at the fork would never open again
    _lock = threading.RLock()
    for running in _running:
        running.resource = describe(running.settings, forked=True)
        if running.outbox is not None:
            running.outbox.renew_after_fork()
            if running.settings.metrics == "push":
                running.next_push = time.monotonic() + running.settings.metrics_interval_s
                running.outbox.start()


def _finalize_child(_shutdown: object) -> None:
    multiprocessing.util.Finalize(None, shutdown, exitpriority=100)


def _chain_sigterm(running: _Running) -> None:
    """Flush on SIGTERM, then do what would have been done without us."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)
    if before is None:
        return  # set by something that is not Python: not ours to chain

    def end(number: int, frame: FrameType | None) -> None:
        try:
            flush(_SIGNAL_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - the process must end all the same
            note("flush on SIGTERM", error)
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)

    def undo() -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is end:
            signal.signal(signal.SIGTERM, before)

    running.undo.append(undo)
