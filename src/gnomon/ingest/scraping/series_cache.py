"""What is remembered of a target between scrapes: its series, ready to be written, and which of them are alive."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gnomon.ingest.exposition.negotiation import Format
from gnomon.ingest.exposition.protobuf_format import ProtobufParser
from gnomon.ingest.exposition.samples import Exemplar, Exposition, Metadata, Parser
from gnomon.ingest.exposition.text_format import TextParser
from gnomon.ingest.histogram_messages import find_fault, make_usual
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.sample_labels import check_labels, label_sample
from gnomon.ingest.write_request import encode_exemplar, encode_labels, encode_metadata, encode_sample, encode_series
from gnomon.model.labels import METRIC_NAME, Labels, Pair
from gnomon.model.series import STALE_BITS, Floats

STALE_BYTES = struct.pack("<Q", STALE_BITS)

# Between these, a time takes six bytes: until the year 2109.
_FIRST_USUAL_MS, _AFTER_USUAL_MS = 1 << 35, 1 << 42
_VALUE_BYTES, _TIME_BYTES = 8, 7
_BLOCK_SERIES = 2000
_SLACK = 1000


@dataclass(slots=True, eq=False)
class Series:
    """A series as it is written: `head` is all that stands before the value of its one sample."""

    labels: bytes
    head: bytes = b""
    exemplars: dict[tuple[Labels, float], int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Cut value and time off a sample."""
        self.head = encode_sample(self.labels, _FIRST_USUAL_MS, 0.0)[: -_VALUE_BYTES - _TIME_BYTES]


DROPPED = Series(b"")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one scrape comes to: parts to write, and what its report says."""

    parts: list[bytes]
    scraped: int = 0
    kept: int = 0
    added: int = 0
    duplicates: int = 0


class MetadataLog:
    """Remember what was written about each metric family, for all targets together."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._written: dict[str, Metadata] = {}

    def note(self, name: str, metadata: Metadata) -> bool:
        """Return whether this is news."""
        if self._written.get(name) == metadata:
            return False
        self._written[name] = metadata
        return True


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which samples of an exposition are written: `positions` is None where all are."""

    positions: "np.ndarray[Any, np.dtype[np.intp]] | None"
    series: Sequence[Series]
    heads: Sequence[bytes]
    kept: int


_EMPTY_LAYOUT = _Layout(None, (), (), 0)


class SeriesCache:
    """Turn one target's expositions into parts of write requests."""

    def __init__(self, job: ScrapeJob, labels: Labels, metadata_log: MetadataLog) -> None:
        """Label the samples of a target that bears `labels`, by the rules of `job`."""
        self._labels = labels
        self._metadata_log = metadata_log
        self._by_labels: dict[Labels, Series] = {}
        self._alive: set[Series] = set()
        self._job = job
        self._parsers: dict[Format, Parser[Series]] = {}
        self._parsed: Sequence[Series] = ()
        self._layout = _EMPTY_LAYOUT
        self._added = 0
        self.metadata: dict[str, Metadata] = {}

    def adopt(self, job: ScrapeJob) -> None:
        """Go on with another configuration of the job: every series is looked at anew, and none has ended by that."""
        self._job = job
        self._parsers.clear()
        self._parsed, self._layout = (), _EMPTY_LAYOUT

    def read(self, body: bytes, body_format: Format, time_ms: int) -> Batch:
        """Return what a scrape at `time_ms` comes to, with markers for the series that it has no more.

        Raises ExpositionError and ScrapeError; then nothing has changed.
        """
        self._added = 0
        if not body:
            return self.read_nothing(time_ms)
        exposition = self._parser(body_format).parse(body)
        layout = self._arrange(exposition.series)
        limit = self._job.limits.samples
        if limit and layout.kept > limit:
            self._parsers.clear()
            raise ScrapeError("sample limit exceeded", scraped=len(exposition.series), kept=layout.kept)
        timed = exposition.times_ms if self._job.honor_timestamps else {}
        if timed or exposition.histograms:
            parts, alive = self._write_singly(exposition, layout, timed, time_ms)
        else:
            parts = _write_all(layout, exposition.values, time_ms)
            alive = self._alive if layout is self._layout else set(layout.series)
        self._parsed, self._layout = exposition.series, layout
        parts += self._write_exemplars(exposition, time_ms)
        if alive is not self._alive:
            parts += mark_stale(self._alive - alive, time_ms)
            self._alive = alive
            self._forget()
        parts += self._write_metadata(exposition)
        return Batch(parts, len(exposition.series), layout.kept, self._added, layout.kept - len(layout.series))

    def read_nothing(self, time_ms: int) -> Batch:
        """Return markers for every series that is alive: the target exposes none, or cannot be read."""
        parts = mark_stale(self._alive, time_ms)
        self._alive = set()
        self._layout, self._parsed = _EMPTY_LAYOUT, ()
        return Batch(parts)

    def _parser(self, body_format: Format) -> Parser[Series]:
        parser = self._parsers.get(body_format)
        if parser is None:
            if body_format == "protobuf":
                parser = ProtobufParser(
                    self._resolve, native=self._job.native_histograms, classic=self._job.classic_histograms
                )
            else:
                parser = TextParser(self._resolve, open_metrics=body_format == "open_metrics")
            self._parsers[body_format] = parser
        return parser

    def _resolve(self, exposed: Labels) -> Series:
        labels = label_sample(exposed, self._labels, self._job)
        if labels is None:
            return DROPPED
        series = self._by_labels.get(labels)
        if series is None:
            check_labels(labels, self._job)
            series = self._by_labels[labels] = Series(b"".join(map(_encode_label, labels)))
        self._added += 1
        return series

    def _arrange(self, series: Sequence[Series]) -> _Layout:
        if series is self._parsed and self._layout is not _EMPTY_LAYOUT:
            return self._layout
        kept = [position for position, one in enumerate(series) if one is not DROPPED]
        # Of two samples for the same series and time, the first one counts.
        first = {series[position]: position for position in reversed(kept)}
        positions = kept if len(first) == len(kept) else sorted(first.values())
        chosen = [series[position] for position in positions]
        indexes = None if len(positions) == len(series) else np.array(positions, dtype=np.intp)
        return _Layout(indexes, chosen, [one.head for one in chosen], len(kept))

    def _write_singly(
        self, exposition: Exposition[Series], layout: _Layout, timed: Any, time_ms: int
    ) -> tuple[list[bytes], set[Series]]:
        """Write samples one by one, each at its own time; those with a time of their own do not end."""
        parts: list[bytes] = []
        alive: set[Series] = set()
        values = exposition.values.tolist()
        for position, series in enumerate(exposition.series):
            own_time_ms = timed.get(position)
            if series is DROPPED or (own_time_ms is None and series in alive):
                continue
            at_ms = time_ms if own_time_ms is None else own_time_ms
            histogram = exposition.histograms.get(position)
            if histogram is None:
                parts.append(encode_sample(series.labels, at_ms, values[position]))
            else:
                if fault := find_fault(histogram):
                    raise ScrapeError(fault)
                make_usual(histogram)
                histogram.timestamp = at_ms
                parts.append(encode_series(series.labels, histograms=[histogram.SerializeToString()]))
            if own_time_ms is None or self._job.track_timestamps_staleness:
                alive.add(series)
        return parts, alive if alive != self._alive or layout is not self._layout else self._alive

    @staticmethod
    def _write_exemplars(exposition: Exposition[Series], time_ms: int) -> list[bytes]:
        parts = []
        for position, exemplars in exposition.exemplars.items():
            series = exposition.series[position]
            if series is DROPPED:
                continue
            # A target shows an exemplar until there is another one: what was written is not written again.
            shown = {(one.labels, one.value): one.time_ms for one in exemplars}
            news = [one for one in exemplars if series.exemplars.get(_key(one), -1) != one.time_ms]
            series.exemplars = shown
            if news:
                encoded = [
                    encode_exemplar(one.labels, time_ms if one.time_ms is None else one.time_ms, one.value)
                    for one in news
                ]
                parts.append(encode_series(series.labels, exemplars=encoded))
        return parts

    def _write_metadata(self, exposition: Exposition[Series]) -> list[bytes]:
        if exposition.metadata is self.metadata:
            return []
        parts = [
            encode_metadata(name, about.type, about.help, about.unit)
            for name, about in exposition.metadata.items()
            if self.metadata.get(name) != about and self._metadata_log.note(name, about)
        ]
        self.metadata = exposition.metadata  # type: ignore[assignment]  # nobody changes it
        return parts

    def _forget(self) -> None:
        if len(self._by_labels) > 2 * len(self._layout.series) + _SLACK:
            used = set(self._layout.series)
            self._by_labels = {labels: series for labels, series in self._by_labels.items() if series in used}


class Report:
    """The series that tell how a target's scrapes went: `up` and its kin."""

    NAMES = (
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    )
    EXTRA_NAMES = ("scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes")

    def __init__(self, labels: Labels, *, extra: bool) -> None:
        """Tell of a target that bears `labels`."""
        names = self.NAMES + (self.EXTRA_NAMES if extra else ())
        series = [Series(encode_labels(labels.replace({METRIC_NAME: name}))) for name in names]
        self._layout = _Layout(None, series, [one.head for one in series], len(series))

    def write(self, values: Sequence[float], time_ms: int) -> list[bytes]:
        """Return one sample each; values beyond the series that there are are left out."""
        wanted = np.array(values[: len(self._layout.series)], dtype=np.float64)
        return _write_all(self._layout, wanted, time_ms)

    def mark_stale(self, time_ms: int) -> list[bytes]:
        """Return a marker each."""
        return mark_stale(self._layout.series, time_ms)


def mark_stale(series: Iterable[Series], time_ms: int) -> list[bytes]:
    """Return the marker that says that a series has ended, for each."""
    heads = [one.head for one in series]
    return _join(heads, [STALE_BYTES] * len(heads), time_ms)


def _write_all(layout: _Layout, values: Floats, time_ms: int) -> list[bytes]:
    wanted = values if layout.positions is None else values[layout.positions]
    packed = wanted.astype("<f8").tobytes()
    texts = [packed[start : start + _VALUE_BYTES] for start in range(0, len(packed), _VALUE_BYTES)]
    return _join(layout.heads, texts, time_ms)


def _join(heads: Sequence[bytes], values: Sequence[bytes], time_ms: int) -> list[bytes]:
    if not _FIRST_USUAL_MS <= time_ms < _AFTER_USUAL_MS:
        raise ScrapeError(f"The clock says {time_ms} ms since 1970. Set it right.")
    tail = encode_sample(b"", time_ms, 0.0)[-_TIME_BYTES:]
    parts = []
    for start in range(0, len(heads), _BLOCK_SERIES):
        block = heads[start : start + _BLOCK_SERIES]
        pieces = [tail] * (3 * len(block))
        pieces[0::3] = block
        pieces[1::3] = values[start : start + _BLOCK_SERIES]
        parts.append(b"".join(pieces))
    return parts


@lru_cache(maxsize=1 << 16)
def _encode_label(pair: Pair) -> bytes:
    # Most labels of a new series are those of others.
    return encode_labels((pair,))


def _key(exemplar: Exemplar) -> tuple[Labels, float]:
    return exemplar.labels, exemplar.value
