"""Both text formats: Prometheus' own, 0.0.4 and 1.0.0, and OpenMetrics 0.0.1 and 1.0.0.

Most scrapes bring the series of the scrape before in the same order, with other values. So lines are cut at their last
blank, and when all that stands before it is as it was, there is nothing to read but numbers. Where something differs,
a line that was there before costs a look-up, and only new ones are read in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Generic

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import parse_float, parse_floats
from gnomon.ingest.exposition.samples import Exemplar, Exposition, Metadata, Resolve, S
from gnomon.ingest.exposition.text_lines import (
    BLANKS,
    SampleLine,
    parse_comment,
    parse_exemplar,
    parse_sample_line,
    parse_time_ms,
)
from gnomon.ingest.exposition.text_series import parse_series
from gnomon.model.series import Floats

_END = b"# EOF"
_EXEMPLAR = b" # {"
_NOTHING = Metadata()
_SHOWN_BYTES = 200


class TextParser(Generic[S]):
    """Read one target's expositions in a text format."""

    def __init__(self, resolve: Resolve[S], *, open_metrics: bool) -> None:
        """Make each new series into what `resolve` returns for its labels."""
        self._resolve = resolve
        self._open_metrics = open_metrics
        self._known: dict[bytes, S] = {}
        self._last: _Reading[S] = _Reading([])

    def parse(self, body: bytes) -> Exposition[S]:
        """Return what is exposed; raises ExpositionError."""
        heads: list[bytes] = []
        tails: list[bytes] = []
        for line in body.split(b"\n"):
            head, _, tail = line.rpartition(b" ")
            heads.append(head)
            tails.append(tail)
        last = self._last
        if last.heads == heads and last.words == list(compress(tails, last.is_comment)):
            texts = list(compress(tails, last.is_sample))
            return Exposition(last.series, self._parse_values(texts, last), last.metadata)
        return self._read(heads, tails)

    def _read(self, heads: list[bytes], tails: list[bytes]) -> Exposition[S]:
        reading = _Reading[S](heads)
        known = self._known
        ended = False
        for head, tail in zip(heads, tails, strict=True):
            series = None if ended else known.get(head)
            if series is not None:
                reading.add(head, series, tail)
                continue
            try:
                if tail and not ended and (before := head.rpartition(b" "))[0] in known:
                    reading.add(before[0], known[before[0]], before[2], parse_time_ms(tail, self._open_metrics))
                    continue
                ended = self._read_line(b"%b %b" % (head, tail) if head else tail, reading, ended=ended)
                if reading.is_sample[-1] and reading.values[-1] != tail:
                    reading.is_uniform = False
            except ExpositionError as error:
                raise _locate(error, len(reading.is_sample), heads, tails) from error
        if self._open_metrics and not ended:
            raise ExpositionError("The text does not end with # EOF: it may have been cut off.")
        values = self._parse_values(reading.values, reading)
        if self._last.series == reading.series:
            reading.series = self._last.series
        self._known = reading.known
        if reading.times_ms or reading.exemplars or not reading.is_uniform:
            # Some lines do not end with their value: the next scrape cannot be read by cutting.
            self._last = _Reading([], series=reading.series)
        else:
            reading.words = list(compress(tails, reading.is_comment))
            self._last = reading
        return Exposition(reading.series, values, reading.metadata, reading.times_ms, reading.exemplars)

    def _read_line(self, line: bytes, reading: "_Reading[S]", *, ended: bool) -> bool:
        """Read a line that was not there before; return whether the text has come to its end."""
        if ended:
            if line or len(reading.is_sample) + 1 < len(reading.heads):
                raise ExpositionError("there is more after # EOF")
        elif self._open_metrics and line == _END:
            ended = True
        else:
            text = line if self._open_metrics else line.strip(BLANKS)
            if text.startswith(b"#"):
                reading.note_comment(line.lstrip(BLANKS), open_metrics=self._open_metrics)
            elif text:
                self._read_sample(text, reading)
                return False
            elif self._open_metrics:
                last = len(reading.is_sample) + 1 == len(reading.heads)
                raise ExpositionError("the text does not end with # EOF" if last else "the line is empty")
        reading.skip()
        return ended

    def _read_sample(self, line: bytes, reading: "_Reading[S]") -> None:
        sample, _, exemplar = line.rpartition(_EXEMPLAR) if self._open_metrics else (b"", b"", b"")
        # Blanks around a line and an exemplar behind it hide a series that is known all the same.
        head, _, value = (sample or line).rpartition(b" ")
        series = self._known.get(head)
        time_ms = None
        if series is None:
            head, _, earlier = head.rpartition(b" ")
            series = self._known.get(head)
            if series is not None:
                time_ms, value = parse_time_ms(value, self._open_metrics), earlier
        if series is None:
            self._read_new(line, reading)
        else:
            reading.add(head, series, value, time_ms, parse_exemplar(b"{" + exemplar) if sample else None)

    def _read_new(self, line: bytes, reading: "_Reading[S]") -> None:
        read: SampleLine = parse_sample_line(line, open_metrics=self._open_metrics)
        series = reading.known.get(read.series)
        if series is None:
            series = self._known.get(read.series)
        if series is None:
            series = self._resolve(parse_series(read.series, reading.metric_type, open_metrics=self._open_metrics))
        plain = read.time_ms is None and read.exemplar is None
        # A plain line is looked up by all that stands before its last blank.
        head = line.rpartition(b" ")[0] if plain else read.series
        reading.add(head or read.series, series, read.value, read.time_ms, read.exemplar)

    @staticmethod
    def _parse_values(texts: Sequence[bytes], reading: "_Reading[S]") -> Floats:
        try:
            return parse_floats(texts)
        except ExpositionError as error:
            lines = compress(range(len(reading.heads)), reading.is_sample)
            for line, text in zip(lines, texts, strict=True):
                try:
                    parse_float(text)
                except ExpositionError:
                    raise _locate(error, line, reading.heads, ()) from error
            raise


@dataclass(slots=True)
class _Reading(Generic[S]):
    """What has been read of one text, and what is needed to see that the next one is alike."""

    heads: list[bytes]
    words: list[bytes] = field(default_factory=list)
    is_sample: list[bool] = field(default_factory=list)
    is_comment: list[bool] = field(default_factory=list)
    series: list[S] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    known: dict[bytes, S] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    times_ms: dict[int, int] = field(default_factory=dict)
    exemplars: dict[int, list[Exemplar]] = field(default_factory=dict)
    metric_type: str = "unknown"
    is_uniform: bool = True

    def add(
        self, head: bytes, series: S, value: bytes, time_ms: int | None = None, exemplar: Exemplar | None = None
    ) -> None:
        if time_ms is not None:
            self.times_ms[len(self.series)] = time_ms
        if exemplar is not None:
            self.exemplars[len(self.series)] = [exemplar]
        self.is_sample.append(True)
        self.is_comment.append(False)
        self.series.append(series)
        self.values.append(value)
        self.known[head] = series

    def skip(self) -> None:
        self.is_sample.append(False)
        self.is_comment.append(True)

    def note_comment(self, line: bytes, *, open_metrics: bool) -> None:
        comment = parse_comment(line, open_metrics=open_metrics)
        if comment is None:
            return
        if comment.field == "type":
            self.metric_type = comment.text
        earlier = self.metadata.get(comment.name, _NOTHING)
        self.metadata[comment.name] = replace(earlier, **{comment.field: comment.text})


def _locate(error: ExpositionError, line: int, heads: Sequence[bytes], tails: Sequence[bytes]) -> ExpositionError:
    text = heads[line] + (b" " + tails[line] if tails and heads[line] else tails[line] if tails else b"")
    shown = text[:_SHOWN_BYTES].decode(errors="replace")
    return ExpositionError(f"Line {line + 1}: {error} ({shown!r}).")
