"""Write samples in the one form that the journal's stream `remote_write` takes: Prometheus' `prometheus.WriteRequest`.

Whatever produces samples ends here. A request is the parts below, joined in any order; labels are encoded once a
series and kept by whoever sends it again. Two fields are ours, and are those of remote write 2.0:
`Sample.start_timestamp` (3) and `Histogram.start_timestamp` (17), in Unix milliseconds.
"""

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

from gnomon.ingest.checked import Checked
from gnomon.ingest.messages import define_message
from gnomon.ingest.receiver import Receiver
from gnomon.model.labels import Labels, Pair

STREAM = "remote_write"
METADATA_TYPES = {
    "unknown": 0,
    "counter": 1,
    "gauge": 2,
    "histogram": 3,
    "gaugehistogram": 4,
    "summary": 5,
    "info": 6,
    "stateset": 7,
}

_CHUNK_BYTES = 1 << 20
_MORE = 0x80
_UINT64 = (1 << 64) - 1
_DOUBLE = struct.Struct("<d")
_SERIES, _METADATA = b"\x0a", b"\x1a"
_LABEL, _SAMPLE, _EXEMPLAR, _HISTOGRAM = b"\x0a", b"\x12", b"\x1a", b"\x22"

# All series merged into one, so that what they hold is side by side and can be counted.
_Count = define_message(
    "WriteRequestCount",
    {
        "WriteRequestCount": {"series": (1, "Series"), "metadata": (3, "bytes*")},
        "Series": {"samples": (2, "bytes*"), "exemplars": (3, "bytes*"), "histograms": (4, "bytes*")},
    },
)
_Parts = define_message("WriteRequestParts", {"WriteRequestParts": {"series": (1, "bytes*")}})


def encode_labels(labels: Labels | Iterable[Pair]) -> bytes:
    """Return the labels of a series (`TimeSeries.labels`), in the order given, which must be by name."""
    return encode_labels_bytes((name.encode(), value.encode()) for name, value in labels)


def encode_labels_bytes(labels: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the labels of a series from names and values that are UTF-8 already."""
    parts: list[bytes] = []
    for name, value in labels:
        label = b"".join((b"\x0a", _varint(len(name)), name, b"\x12", _varint(len(value)), value))
        parts += (_LABEL, _varint(len(label)), label)
    return b"".join(parts)


def encode_sample(labels: bytes, time_ms: int, value: float, start_ms: int = 0) -> bytes:
    """Return a series with one sample; what `encode_series` returns for it, in a third of the time."""
    tail = _time_tail(time_ms, start_ms)
    size = len(labels) + len(tail) + 11
    return b"".join((_SERIES, _varint(size), labels, _sample_head(len(tail)), _DOUBLE.pack(value), tail))


def encode_series(
    labels: bytes,
    samples: Iterable[tuple[int, float]] = (),
    histograms: Iterable[bytes] = (),
    exemplars: Iterable[bytes] = (),
    *,
    start_ms: int = 0,
) -> bytes:
    """Return a series, as one part of a request.

    `labels` come from `encode_labels`, samples are pairs of Unix milliseconds and a value whose bits are kept,
    histograms and exemplars come encoded. `start_ms` is the start timestamp of the samples, 0 when it is not known.
    """
    parts = [labels]
    for time_ms, value in samples:
        tail = _time_tail(time_ms, start_ms)
        parts += (_sample_head(len(tail)), _DOUBLE.pack(value), tail)
    for histogram in histograms:
        parts += (_HISTOGRAM, _varint(len(histogram)), histogram)
    for exemplar in exemplars:
        parts += (_EXEMPLAR, _varint(len(exemplar)), exemplar)
    series = b"".join(parts)
    return b"".join((_SERIES, _varint(len(series)), series))


def encode_exemplar(labels: Labels | Iterable[Pair], time_ms: int, value: float) -> bytes:
    """Return an exemplar of a series (`prometheus.Exemplar`)."""
    time = b"\x18" + _varint(time_ms & _UINT64) if time_ms else b""
    return b"".join((encode_labels(labels), b"\x11", _DOUBLE.pack(value), time))


def encode_metadata(name: str, type: str, help: str = "", unit: str = "") -> bytes:  # noqa: A002 - Prometheus' words
    """Return what is known about a metric family, as one part of a request; `type` is one of METADATA_TYPES."""
    parts = [b"\x08", _varint(METADATA_TYPES[type])]
    for tag, text in ((b"\x12", name), (b"\x22", help), (b"\x2a", unit)):
        if text:
            encoded = text.encode()
            parts += (tag, _varint(len(encoded)), encoded)
    metadata = b"".join(parts)
    return b"".join((_METADATA, _varint(len(metadata)), metadata))


def encode_part(field: int, message: bytes) -> bytes:
    """Return an encoded message framed as a field (1 … 15) of the message around it."""
    return b"".join((_varint(field << 3 | 2), _varint(len(message)), message))


class SampleWriter:
    """Write what Gnomon's own parts produce to the journal."""

    def __init__(self, receiver: Receiver) -> None:
        """Write through `receiver`, which counts."""
        self._receiver = receiver

    async def write(self, parts: Sequence[bytes], *, protocol: str) -> None:
        """Return once all parts (series and metadata) are synced to disk; `protocol` is for the metrics.

        Raises UnavailableError when they cannot be taken now. What was written before that is written again when
        the same parts are sent again, and stored once.
        """
        chunk: list[bytes] = []
        size = 0
        for part in parts:
            if size + len(part) > _CHUNK_BYTES and chunk:
                await self._append(b"".join(chunk), protocol)
                chunk, size = [], 0
            chunk.append(part)
            size += len(part)
        if chunk:
            await self._append(b"".join(chunk), protocol)

    async def _append(self, body: bytes, protocol: str) -> None:
        request = _Count.FromString(body)
        series = request.series
        counts = {
            "series": len(_Parts.FromString(body).series),
            "samples": len(series.samples),
            "histograms": len(series.histograms),
            "exemplars": len(series.exemplars),
            "metadata": len(request.metadata),
        }
        checked = Checked(body, counts["samples"] + counts["histograms"], counts=counts)
        await self._receiver.accept_checked(STREAM, checked, signal="metrics", protocol=protocol)


def _varint(number: int) -> bytes:
    return _SMALL[number] if number < len(_SMALL) else _encode_varint(number)


def _encode_varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


@lru_cache(maxsize=4096)
def _time_tail(time_ms: int, start_ms: int) -> bytes:
    start = b"\x18" + _varint(start_ms & _UINT64) if start_ms else b""
    return b"\x10" + _varint(time_ms & _UINT64) + start


@lru_cache(maxsize=64)
def _sample_head(tail_bytes: int) -> bytes:
    return _SAMPLE + _varint(9 + tail_bytes) + b"\x09"


_SMALL = tuple(map(_encode_varint, range(1 << 12)))
