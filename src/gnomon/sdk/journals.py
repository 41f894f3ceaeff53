"""Two files that tell on their own what happened to each task and what it used, one JSON object a line.

`distributed-traces.jsonl` has every stage and step of every task, `resource-attribution.jsonl` what each attempt used.
"""

import atexit
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.sdk import export
from gnomon.sdk.faults import guarded, warn_once
from gnomon.sdk.logs.lines import format_time, make_plain
from gnomon.sdk.logs.redaction import Redactor
from gnomon.sdk.logs.rotation import RotatingFile
from gnomon.sdk.logs.settings import RotationSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

TRACES_FILE = "distributed-traces.jsonl"
RESOURCES_FILE = "resource-attribution.jsonl"

_WRITE_INTERVAL_S = 0.5
_STEPS = ("task.", "agent.", "message.")
_RESOURCES = "task.resources"
_TOKENS = "gen_ai.usage."
_OF_TOKENS = (
    *("task.", "agent.", "tenant.", "chain.", "gen_ai.request.model", "gen_ai.response.model", _TOKENS),
    *("gen_ai.provider.name", "gen_ai.operation.name"),
)


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Say where journals go (None: nowhere), when their files make room, and how many entries may wait for the disk."""

    directory: Path | None = None
    rotation: RotationSettings = field(default_factory=RotationSettings)
    queue_entries: int = 20_000


def load_settings(environ: Mapping[str, str] | None = None) -> JournalSettings:
    """Read GNOMON_JOURNALS, a directory, and GNOMON_JOURNALS_MAX_BYTES, the size at which a file makes room."""
    environ = os.environ if environ is None else environ
    directory, size = environ.get("GNOMON_JOURNALS", "").strip(), environ.get("GNOMON_JOURNALS_MAX_BYTES", "").strip()
    defaults = RotationSettings()
    if size and not size.isdecimal():
        warn_once("Gnomon's SDK passes over GNOMON_JOURNALS_MAX_BYTES=%r: use a whole number", size)
        size = ""
    rotation = RotationSettings(max_bytes=int(size)) if size else defaults
    return JournalSettings(Path(directory) if directory else None, rotation)


def start(settings: JournalSettings) -> Callable[[], None]:
    """Write journals from now on, if `settings` name a directory; returns what writes the rest and ends it."""
    if settings.directory is None:
        return lambda: None
    journals = Journals(settings.directory, settings)
    export.watch(journals)
    atexit.register(journals.close)

    def stop() -> None:
        export.unwatch(journals)
        atexit.unregister(journals.close)
        journals.close()

    return stop


class Journals:
    """Take events and spans as they happen, and write them from a thread of their own.

    Who is watched pays for one append to a queue. When the disk cannot follow, entries beyond the limit are dropped
    and counted; a fork's child starts with an empty queue and a thread of its own.
    """

    def __init__(self, directory: Path, settings: JournalSettings) -> None:
        """Write nothing and start nothing before the first entry."""
        self._traces = RotatingFile(directory / TRACES_FILE, settings.rotation)
        self._resources = RotatingFile(directory / RESOURCES_FILE, settings.rotation)
        self._limit = settings.queue_entries
        self._redactor = Redactor()
        self._waiting: deque[Callable[[], tuple[RotatingFile, dict[str, Any]]]] = deque()
        self.dropped = 0
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._renew_after_fork)

    def on_log(self, record: export.LoggedRecord) -> None:
        """Take an event of a task; other records pass."""
        if record.event_name.startswith(_STEPS):
            file = self._resources if record.event_name == _RESOURCES else self._traces
            self._put(lambda: (file, _event_entry(record)))

    def on_span(self, span: "ReadableSpan") -> None:
        """Take a step of a task; spans that belong to none pass."""
        attributes = span.attributes
        if not attributes or "task.id" not in attributes:
            return
        self._put(lambda: (self._traces, _span_entry(span)))
        if any(key.startswith(_TOKENS) for key in attributes):
            self._put(lambda: (self._resources, _tokens_entry(span)))

    def flush(self) -> None:
        """Write what waits now."""
        with self._writing, guarded("write journals"):
            while self._waiting:
                file, entry = self._waiting.popleft()()
                line = json.dumps(make_plain(entry), ensure_ascii=False, separators=(",", ":"))
                if self._redactor.suspects(line):
                    line = json.dumps(make_plain(self._redactor.mask_fields(entry)), ensure_ascii=False)
                file.write(line.encode("utf-8", "backslashreplace") + b"\n")

    def close(self) -> None:
        """Write the rest and close the files."""
        self._ending.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)
        self._thread = None
        self.flush()
        self._traces.close()
        self._resources.close()
        self._ending.clear()

    def _put(self, entry: Callable[[], tuple[RotatingFile, dict[str, Any]]]) -> None:
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            warn_once("Gnomon's SDK drops entries of its journals: the disk under %s is too slow", self._traces.path)
            return
        self._waiting.append(entry)
        if self._thread is None:
            self._start_thread()

    def _start_thread(self) -> None:
        with self._starting:
            if self._thread is None and not self._ending.is_set():
                self._thread = threading.Thread(target=self._run, name="gnomon-journals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(_WRITE_INTERVAL_S):
            self.flush()

    def _renew_after_fork(self) -> None:
        self._waiting.clear()  # the parent writes these
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._ending = threading.Event()
        self._thread = None


def _event_entry(record: export.LoggedRecord) -> dict[str, Any]:
    entry = {"timestamp": format_time(record.time_ns), "event": record.event_name}
    entry |= _ids(record.trace_id, record.span_id)
    return entry | _fields(record.attributes)


def _span_entry(span: "ReadableSpan") -> dict[str, Any]:
    started, ended = span.start_time or 0, span.end_time or 0
    entry: dict[str, Any] = {"timestamp": format_time(started), "event": "span", "name": span.name}
    if span.context is not None:
        entry |= _ids(span.context.trace_id, span.context.span_id)
    if span.parent is not None:
        entry["parent_span_id"] = f"{span.parent.span_id:016x}"
    entry |= {"duration_ms": (ended - started) / 1e6, "status": span.status.status_code.name.lower()}
    return entry | _fields({key: value for key, value in (span.attributes or {}).items() if not _is_content(key)})


def _tokens_entry(span: "ReadableSpan") -> dict[str, Any]:
    attributes = span.attributes or {}
    entry: dict[str, Any] = {"timestamp": format_time(span.end_time or 0), "event": "llm.tokens"}
    if span.context is not None:
        entry |= _ids(span.context.trace_id, span.context.span_id)
    return entry | _fields({key: value for key, value in attributes.items() if key.startswith(_OF_TOKENS)})


def _is_content(key: str) -> bool:
    """Tell whether an attribute holds what was said to or by a model: that stays in traces, where access is ruled."""
    return key.startswith(
        ("gen_ai.input.", "gen_ai.output.", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_ins")
    )


def _ids(trace_id: int, span_id: int) -> dict[str, str]:
    return {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}"} if trace_id and span_id else {}


def _fields(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key.replace(".", "_"): value for key, value in (attributes or {}).items()}
