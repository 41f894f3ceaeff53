"""Bring samples with their times from OpenMetrics text into a running Gnomon, in as little memory for any length.

What `promtool tsdb dump-openmetrics` prints is such a text, and so is what it makes blocks from. The lines are sent
as remote write requests, so that whatever is told to be imported is on the server's disk.
"""

import asyncio
import gzip
import math
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

import cramjam
import httpx

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import parse_float
from gnomon.ingest.exposition.samples import NORMAL_NAN, Exemplar, Metadata
from gnomon.ingest.exposition.text_lines import parse_comment, parse_sample_line
from gnomon.ingest.exposition.text_series import parse_series
from gnomon.ingest.write_request import encode_exemplar, encode_labels, encode_metadata, encode_series
from gnomon.model.errors import GnomonError, InvalidInputError

_END = b"# EOF"
_EXEMPLAR = b" # {"
_REQUEST_SAMPLES = 10_000
_MAX_KNOWN = 100_000
_SENDERS = 3
_TRIES = 8
_FIRST_DELAY_S, _LAST_DELAY_S = 0.2, 10.0
_PROGRESS_EVERY_S = 1.0
_SHOWN_CHARACTERS = 200
_HEADERS = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "0.1.0",
    "user-agent": "gnomon-import",
}


class OpenMetricsImportError(InvalidInputError):
    """Tell in which line a text cannot be imported, and why."""


class ServerRefusedError(GnomonError):
    """Tell what the server did not take."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's worth of samples, and the lines that they stood in."""

    body: bytes
    samples: int
    first_line: int
    last_line: int
    read_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is; `total_bytes` is 0 where nobody knows."""

    samples: int
    read_bytes: int
    total_bytes: int
    seconds: float


class OpenMetricsReader:
    """Read OpenMetrics text line by line into requests."""

    def __init__(self) -> None:
        """Start with no series known."""
        # By the type of the family under way, which says how the bounds of buckets are spelled.
        self._known: dict[str, dict[bytes, bytes]] = {}
        self._known_count = 0
        self._type = "unknown"
        self._metadata: dict[str, Metadata] = {}
        self._parts: list[bytes] = []
        self._series = b""
        self._samples: list[tuple[int, float]] = []
        self._exemplars: list[bytes] = []
        self._count = 0

    def read(self, lines: Iterator[bytes]) -> Iterator[Batch]:
        """Yield requests; at the first line that is wrong raises OpenMetricsImportError, all before it yielded."""
        number = first = read_bytes = 0
        ended = False
        fault: OpenMetricsImportError | None = None
        for raw in lines:
            number += 1
            read_bytes += len(raw)
            line = raw.rstrip(b"\r\n")
            try:
                ended = self._read_line(line, ended=ended)
            except ExpositionError as error:
                shown = line[:_SHOWN_CHARACTERS].decode(errors="replace")
                fault = OpenMetricsImportError(f"Line {number}: {error} ({shown!r}).")
                break
            if self._count >= _REQUEST_SAMPLES:
                yield self._take(first + 1, number, read_bytes)
                first = number
        if self._count or self._metadata:
            yield self._take(first + 1, number, read_bytes)
        if fault is not None:
            raise fault
        if not ended:
            message = f"Line {number}: the text does not end with # EOF: it may have been cut off."
            raise OpenMetricsImportError(message)

    def _read_line(self, line: bytes, *, ended: bool) -> bool:
        """Read one line; returns whether the text has come to its end."""
        if ended:
            if line:
                raise ExpositionError("there is more after # EOF")
            return True
        if line.startswith(b"#"):
            if line == _END:
                return True
            comment = parse_comment(line, open_metrics=True)
            if comment is not None:
                if comment.field == "type":
                    self._type = comment.text
                earlier = self._metadata.get(comment.name, Metadata())
                self._metadata[comment.name] = replace(earlier, **{comment.field: comment.text})
            return False
        head, _, time_text = line.rpartition(b" ")
        head, _, value = head.rpartition(b" ")
        known = self._known.get(self._type, {}).get(head)
        if known is None:
            self._read_new(line)
        else:
            self._add(known, _parse_time_ms(time_text), value)
        return False

    def _read_new(self, line: bytes) -> None:
        if not line:
            raise ExpositionError("the line is empty")
        read = parse_sample_line(line, open_metrics=True)
        if read.time_ms is None:
            raise ExpositionError("the sample has no time, so nobody knows where it belongs")
        # The time is read again, for a millisecond must not be lost to rounding.
        plain = line.rpartition(_EXEMPLAR)[0] if read.exemplar is not None else line
        time_ms = _parse_time_ms(plain.rpartition(b" ")[2])
        known = self._known.setdefault(self._type, {})
        series = known.get(read.series)
        if series is None:
            if self._known_count >= _MAX_KNOWN:
                known.clear()
                self._known_count = 0
            series = known[read.series] = encode_labels(parse_series(read.series, self._type, open_metrics=True))
            self._known_count += 1
        self._add(series, time_ms, read.value, read.exemplar)

    def _add(self, series: bytes, time_ms: int, value: bytes, exemplar: Exemplar | None = None) -> None:
        number = parse_float(value)
        if series != self._series:
            self._finish_series()
            self._series = series
        self._samples.append((time_ms, NORMAL_NAN if math.isnan(number) else number))
        if exemplar is not None:
            exemplar_ms = time_ms if exemplar.time_ms is None else exemplar.time_ms
            self._exemplars.append(encode_exemplar(exemplar.labels, exemplar_ms, exemplar.value))
        self._count += 1

    def _finish_series(self) -> None:
        if self._samples:
            self._parts.append(encode_series(self._series, self._samples, exemplars=self._exemplars))
        self._samples, self._exemplars = [], []

    def _take(self, first_line: int, last_line: int, read_bytes: int) -> Batch:
        self._finish_series()
        self._series = b""
        told = [encode_metadata(name, one.type, one.help, one.unit) for name, one in self._metadata.items()]
        batch = Batch(b"".join((*self._parts, *told)), self._count, first_line, last_line, read_bytes)
        self._parts, self._metadata, self._count = [], {}, 0
        return batch


@dataclass(slots=True)
class Importer:
    """Send a text's samples to a server, several requests at a time; `report` is told how far it is."""

    client: httpx.AsyncClient
    report: Callable[[Progress], None]
    _samples: int = 0
    _read_bytes: int = 0
    _pending: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, path: Path) -> int:
        """Return how many samples were imported; `-` is the standard input, `.gz` is unpacked.

        Raises OpenMetricsImportError or ServerRefusedError; what stood in earlier lines is imported then.
        """
        began = reported = time.monotonic()
        total_bytes = path.stat().st_size if path.is_file() and path.suffix != ".gz" else 0
        with _open(path) as lines:
            batches = OpenMetricsReader().read(lines)
            try:
                async for batch in _in_thread(batches):
                    await self._hand_over(batch)
                    if time.monotonic() - reported >= _PROGRESS_EVERY_S:
                        reported = time.monotonic()
                        self.report(Progress(self._samples, self._read_bytes, total_bytes, reported - began))
            finally:
                await self._finish()
        self.report(Progress(self._samples, self._read_bytes, total_bytes, time.monotonic() - began))
        return self._samples

    async def _hand_over(self, batch: Batch) -> None:
        if len(self._pending) >= _SENDERS:
            done, self._pending = await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        self._pending.add(asyncio.create_task(self._send(batch)))

    async def _finish(self) -> None:
        pending, self._pending = self._pending, set()
        for outcome in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _send(self, batch: Batch) -> None:
        content = bytes(cramjam.snappy.compress_raw(batch.body))
        where = f"Lines {batch.first_line} to {batch.last_line}"
        delay_s, trouble = _FIRST_DELAY_S, ""
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await self.client.post("/api/v1/write", content=content, headers=_HEADERS)
            except httpx.TransportError as error:
                trouble = f"{where} could not be sent to {self.client.base_url}: {type(error).__name__} {error}."
            else:
                if answer.is_success:
                    self._samples += batch.samples
                    self._read_bytes = max(self._read_bytes, batch.read_bytes)
                    return
                trouble = f"{where}: the server answers {answer.status_code}: {answer.text.strip()[:2000]}"
                if not answer.is_server_error:
                    raise ServerRefusedError(trouble)
            if attempt < _TRIES:
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _LAST_DELAY_S)
        raise ServerRefusedError(f"{trouble} Tried {_TRIES} times.")


async def _in_thread(batches: Iterator[Batch]) -> AsyncIterator[Batch]:
    """Yield what an iterator yields, which may take its time for each."""
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                with gzip.open(file, "rb") as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        message = f"{str(path)!r} cannot be read: {error}."
        raise InvalidInputError(message) from error


def _parse_time_ms(text: bytes) -> int:
    """Return a time that is written in seconds, to the nearest millisecond."""
    seconds = parse_float(text)
    if not math.isfinite(seconds):
        raise ExpositionError(f"{text!r} is no time in seconds")
    return round(seconds * 1000)
