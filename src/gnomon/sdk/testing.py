"""See in a test what an application told: spans, events, log records and metrics, with nothing sent.

`import gnomon.testing`, then `with gnomon.testing.capture() as told:`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from gnomon.sdk import export
from gnomon.sdk.export import LoggedRecord
from gnomon.sdk.metrics import families
from gnomon.sdk.setup import is_running, setup, shutdown


@dataclass(frozen=True, slots=True)
class Event:
    """Hold a captured event or log record; ids are in hexadecimal, "" where there is none."""

    name: str
    body: Any
    attributes: Mapping[str, Any]
    severity: str
    trace_id: str
    span_id: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Span:
    """Hold a captured span; ids are in hexadecimal, `parent_span_id` is "" for a root."""

    name: str
    kind: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str
    parent_span_id: str
    seconds: float
    sampled: bool
    failed: bool
    message: str
    events: tuple[Event, ...]


@dataclass(slots=True)
class Captured:
    """Hold what was told since the capture began, in the order in which it ended."""

    spans: list[Span] = field(default_factory=list)
    records: list[Event] = field(default_factory=list)
    _before: dict["Sample", float] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def on_span(self, span: ReadableSpan) -> None:
        """Keep a span."""
        with self._changed:
            self.spans.append(_span(span))
            self._changed.notify_all()

    def on_log(self, record: LoggedRecord) -> None:
        """Keep a log record."""
        with self._changed:
            self.records.append(
                Event(
                    record.event_name,
                    record.body,
                    dict(record.attributes),
                    record.severity_text,
                    f"{record.trace_id:032x}" if record.trace_id else "",
                    f"{record.span_id:016x}" if record.span_id else "",
                    record.time_ns,
                )
            )
            self._changed.notify_all()

    @property
    def events(self) -> list[Event]:
        """The records that are events, such as task.submitted."""
        return [record for record in self.records if record.name]

    @property
    def logs(self) -> list[Event]:
        """The records that are log lines."""
        return [record for record in self.records if not record.name]

    def span(self, name: str) -> Span:
        """Return the one span of this name; AssertionError tells what there is where there are none or several."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} spans are named {name!r}; there are {[s.name for s in self.spans]!r}.")
        return found[0]

    def event(self, name: str) -> Event:
        """Return the one event of this name; AssertionError tells what there is where there are none or several."""
        found = [event for event in self.events if event.name == name]
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} events are named {name!r}; there are {[event.name for event in self.events]!r}."
            )
        return found[0]

    def value(self, name: str, /, **labels: object) -> float:
        """Return by how much a sample, such as tasks_total, has grown since the capture began: of gauges, its value.

        `name` is the sample's name as `/metrics` shows it. 0 where there is no such sample.
        """
        wanted = tuple(sorted((key, str(value)) for key, value in labels.items()))
        now, is_gauge = _samples()
        grown = now.get((name, wanted), 0.0)
        return grown if (name, wanted) in is_gauge else grown - self._before.get((name, wanted), 0.0)

    def wait_until(self, condition: "Callable[[Captured], object]", timeout_s: float = 5.0) -> None:
        """Wait for what other threads or tasks of other loops tell; AssertionError after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition(self):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"What was waited for was not told within {timeout_s} s.")
                self._changed.wait(left)

    def clear(self) -> None:
        """Forget what was told so far."""
        with self._changed:
            self.spans.clear()
            self.records.clear()
        self._before = _samples()[0]


@contextmanager
def capture(**settings: Any) -> Iterator[Captured]:
    """Capture everything that is told in the block, by all threads; nothing leaves the process.

    Sets the SDK up with `settings` of `gnomon.setup` where it is not: by default with no endpoint, no instrumentors and
    log lines left alone. Where the application has set it up already, it goes on as it was.
    """
    ours = not is_running()
    if ours:
        setup(
            **cast(
                "Any",
                {"service": "test", "endpoint": "", "instrument": "none", "logs": False, "metrics": "scrape"}
                | settings
                | {"disabled": False},
            )
        )
    told = Captured()
    told._before = _samples()[0]  # noqa: SLF001 - its own module's
    export.watch(told)
    try:
        yield told
    finally:
        export.unwatch(told)
        if ours:
            shutdown()


Sample = tuple[str, tuple[tuple[str, str], ...]]


def _samples() -> tuple[dict[Sample, float], set[Sample]]:
    values: dict[Sample, float] = {}
    gauges: set[Sample] = set()
    for family in families.registry().collect():
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            values[key] = sample.value
            if family.type not in {"counter", "histogram", "summary"}:
                gauges.add(key)
    return values, gauges


def _span(ended: ReadableSpan) -> Span:
    ids = ended.get_span_context()
    trace_id = f"{ids.trace_id:032x}" if ids is not None else ""
    span_id = f"{ids.span_id:016x}" if ids is not None else ""
    return Span(
        ended.name,
        ended.kind.name.lower(),
        dict(ended.attributes or {}),
        trace_id,
        span_id,
        f"{ended.parent.span_id:016x}" if ended.parent is not None else "",
        ((ended.end_time or 0) - (ended.start_time or 0)) / 1e9,
        bool(ids is not None and ids.trace_flags.sampled),
        ended.status.status_code is StatusCode.ERROR,
        ended.status.description or "",
        tuple(
            Event(event.name, None, dict(event.attributes or {}), "", trace_id, span_id, event.timestamp)
            for event in ended.events
        ),
    )
