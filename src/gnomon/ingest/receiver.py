"""Where every protocol's requests end up: checked, written to the journal, counted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import xxhash
from prometheus_client import Counter, Histogram

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.loki_streams import check_loki
from gnomon.ingest.otlp_validation import check_logs, check_traces
from gnomon.model.errors import GnomonError, UnavailableError

REQUESTS = Counter(
    "gnomon_ingest_requests_total",
    "Requests that brought telemetry, by how they ended: accepted, partial, malformed, unavailable or failed.",
    ["protocol", "signal", "outcome"],
)
ITEMS = Counter(
    "gnomon_ingest_items_total",
    "Spans, log records and metric samples that were accepted.",
    ["protocol", "signal"],
)
METRIC_PARTS = Counter(
    "gnomon_ingest_metric_parts_total",
    "What requests with metrics held, by kind: series, samples, histograms, exemplars, metadata; exemplars_dropped and "
    "metadata_dropped are those that no store keeps.",
    ["protocol", "kind"],
)
BYTES = Counter("gnomon_ingest_bytes_total", "Bytes that were accepted, after decompression.", ["protocol", "signal"])
REFUSED = Counter(
    "gnomon_ingest_refused_total",
    "What was refused, by reason: single spans, log records and samples, or a whole request as one.",
    ["protocol", "signal", "reason"],
)
SECONDS = Histogram(
    "gnomon_ingest_request_duration_seconds",
    "Time from a request's last byte to its acknowledgement.",
    ["protocol", "signal"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_CHECKS: Mapping[str, tuple[str, Callable[[bytes], Checked]]] = {
    "otlp_traces": ("traces", check_traces),
    "otlp_logs": ("logs", check_logs),
    "loki_push": ("logs", check_loki),
}


class RequestLog(Protocol):
    """Keep requests durably; the journal does."""

    async def append(self, stream: str, body: bytes, fingerprint: bytes) -> None:
        """Return when `body` is on the disk; at once when the same fingerprint was kept before."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an accepted request: items stored, items left out, and a message about those for the sender."""

    items: int
    rejected: int = 0
    message: str = ""


@dataclass(slots=True)
class _Meters:
    """The counters of one protocol and signal, looked up once."""

    protocol: str
    signal: str
    accepted: Counter = field(init=False)
    items: Counter = field(init=False)
    size: Counter = field(init=False)
    seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        labels = (self.protocol, self.signal)
        self.accepted = REQUESTS.labels(*labels, "accepted")
        self.items = ITEMS.labels(*labels)
        self.size = BYTES.labels(*labels)
        self.seconds = SECONDS.labels(*labels)

    def count_end(self, outcome: str) -> None:
        REQUESTS.labels(self.protocol, self.signal, outcome).inc()

    def count_refused(self, reason: str, number: int = 1) -> None:
        REFUSED.labels(self.protocol, self.signal, reason).inc(number)


class Receiver:
    """Accept requests of every protocol, each in the form of its stream's protobuf schema."""

    def __init__(self, journal: RequestLog) -> None:
        """Accept into `journal`."""
        self._journal = journal
        self._meters: dict[tuple[str, str], _Meters] = {}

    async def accept(self, stream: str, body: bytes, *, protocol: str = "internal") -> Accepted:
        """Return once what is valid in `body` is synced to disk; `protocol` is for the metrics alone.

        Raises MalformedRequestError when nothing can be read, UnavailableError when the sender should try again later.
        """
        began = time.perf_counter()
        signal, check = _CHECKS[stream]
        try:
            checked = check(body)
        except MalformedRequestError:
            self.count_refusal(protocol, signal, "malformed")
            raise
        return await self.accept_checked(stream, checked, signal=signal, protocol=protocol, began=began)

    async def accept_checked(
        self, stream: str, checked: Checked, *, signal: str, protocol: str, began: float | None = None
    ) -> Accepted:
        """Return once a request that has been checked already is synced; `began` is when, by perf_counter.

        Raises UnavailableError when the sender should try again later.
        """
        began = time.perf_counter() if began is None else began
        meters = self._meters_of(protocol, signal)
        try:
            if checked.items or checked.counts.get("metadata"):
                await self._journal.append(stream, checked.body, xxhash.xxh3_128_digest(checked.body))
        except UnavailableError as error:
            meters.count_end("unavailable")
            meters.count_refused(error.reason)
            raise
        except GnomonError:
            meters.count_end("failed")
            meters.count_refused("failed")
            raise
        meters.items.inc(checked.items)
        meters.size.inc(len(checked.body))
        for kind, number in checked.counts.items():
            METRIC_PARTS.labels(protocol, kind).inc(number)
        for reason, number in checked.rejected.items():
            meters.count_refused(reason, number)
        if checked.rejected:
            meters.count_end("partial")
        else:
            meters.accepted.inc()
        meters.seconds.observe(time.perf_counter() - began)
        return Accepted(checked.items, sum(checked.rejected.values()), checked.message)

    def count_refusal(self, protocol: str, signal: str, reason: str) -> None:
        """Count a request that was refused before it could be read: too large, of an unknown encoding, and so on."""
        meters = self._meters_of(protocol, signal)
        meters.count_end("malformed")
        meters.count_refused(reason)

    def _meters_of(self, protocol: str, signal: str) -> _Meters:
        meters = self._meters.get((protocol, signal))
        if meters is None:
            meters = self._meters[protocol, signal] = _Meters(protocol, signal)
        return meters
