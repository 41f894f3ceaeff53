"""Remote write requests of both versions, put together field by field as their specifications publish them."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cramjam

from gnomon.ingest.histogram_messages import HISTOGRAM_FIELDS, SPAN_FIELDS
from gnomon.ingest.messages import define_message

Pairs = Sequence[tuple[str | bytes, str | bytes]]

NOW_MS = 1_790_000_000_000
V1 = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "0.1.0",
}
V2 = {
    "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "2.0.0",
}

WriteRequest = define_message(
    "WriteRequest",
    {
        "WriteRequest": {"timeseries": (1, "TimeSeries*"), "metadata": (3, "MetricMetadata*")},
        "TimeSeries": {
            "labels": (1, "Label*"),
            "samples": (2, "Sample*"),
            "exemplars": (3, "Exemplar*"),
            "histograms": (4, "Histogram*"),
        },
        "Label": {"name": (1, "bytes"), "value": (2, "bytes")},
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64"), "start_timestamp": (3, "int64")},
        "Exemplar": {"labels": (1, "Label*"), "value": (2, "double"), "timestamp": (3, "int64")},
        "Histogram": HISTOGRAM_FIELDS,
        "BucketSpan": SPAN_FIELDS,
        "MetricMetadata": {
            "type": (1, "int64"),
            "metric_family_name": (2, "bytes"),
            "help": (4, "bytes"),
            "unit": (5, "bytes"),
        },
    },
)
WriteRequestV2 = define_message(
    "Request",
    {
        "Request": {"symbols": (4, "bytes*"), "timeseries": (5, "TimeSeries*")},
        "TimeSeries": {
            "labels_refs": (1, "uint32*"),
            "samples": (2, "Sample*"),
            "histograms": (3, "Histogram*"),
            "exemplars": (4, "Exemplar*"),
            "metadata": (5, "Metadata"),
            "created_timestamp": (6, "int64"),
        },
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64"), "start_timestamp": (3, "int64")},
        "Exemplar": {"labels_refs": (1, "uint32*"), "value": (2, "double"), "timestamp": (3, "int64")},
        "Histogram": HISTOGRAM_FIELDS,
        "BucketSpan": SPAN_FIELDS,
        "Metadata": {"type": (1, "int64"), "help_ref": (3, "uint32"), "unit_ref": (4, "uint32")},
    },
)


@dataclass
class Series:
    """A series of a request; a sample is a time and a value, which is left out when it is None."""

    labels: Pairs
    samples: Sequence[tuple[int, float | None]] = ((NOW_MS, 1.5),)
    histograms: Sequence[dict[str, Any]] = ()
    exemplars: Sequence[tuple[Pairs, float, int]] = ()
    start_ms: int = 0
    metadata: tuple[int, str, str] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def sound_histogram(**changes: Any) -> dict[str, Any]:
    """Return the fields of an integer histogram with five observations."""
    return {
        "count_int": 5,
        "sum": 7.5,
        "schema": 1,
        "zero_threshold": 0.001,
        "zero_count_int": 1,
        "positive_spans": [{"offset": 0, "length": 2}, {"offset": 3, "length": 1}],
        "positive_deltas": [2, -1, 0],
        "timestamp": NOW_MS,
    } | changes


def write_request(series: Iterable[Series], metadata: Iterable[dict[str, Any]] = ()) -> bytes:
    """Return a request of version 1.0."""
    request = WriteRequest()
    for given in series:
        added = request.timeseries.add(labels=_labels(given.labels))
        _add_samples(added, given)
        for histogram in given.histograms:
            added.histograms.add(**histogram)
        for labels, value, time_ms in given.exemplars:
            added.exemplars.add(labels=_labels(labels), value=value, timestamp=time_ms)
    for entry in metadata:
        request.metadata.add(**entry)
    return bytes(request.SerializeToString())


def write_request_v2(series: Iterable[Series]) -> bytes:
    """Return a request of version 2.0."""
    request = WriteRequestV2()
    symbols: dict[bytes, int] = {b"": 0}

    def refer(text: str | bytes) -> int:
        return symbols.setdefault(text.encode() if isinstance(text, str) else text, len(symbols))

    for given in series:
        added = request.timeseries.add(labels_refs=[refer(text) for pair in given.labels for text in pair])
        _add_samples(added, given)
        for histogram in given.histograms:
            added.histograms.add(**histogram)
        for labels, value, time_ms in given.exemplars:
            references = [refer(text) for pair in labels for text in pair]
            added.exemplars.add(labels_refs=references, value=value, timestamp=time_ms)
        if given.metadata:
            kind, help_text, unit = given.metadata
            added.metadata.type, added.metadata.help_ref = kind, refer(help_text)
            added.metadata.unit_ref = refer(unit)
    request.symbols.extend(symbols)
    return bytes(request.SerializeToString())


def compress(body: bytes) -> bytes:
    """Return a snappy block."""
    return bytes(cramjam.snappy.compress_raw(body))


def bits_of(value: float) -> int:
    """Return the bits of a float."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits


def _add_samples(added: Any, given: Series) -> None:
    for time_ms, value in given.samples:
        sample = added.samples.add(timestamp=time_ms)
        if value is not None:
            sample.value = value
        if given.start_ms:
            sample.start_timestamp = given.start_ms


def _labels(pairs: Pairs) -> list[dict[str, bytes]]:
    return [
        {
            "name": name.encode() if isinstance(name, str) else name,
            "value": value.encode() if isinstance(value, str) else value,
        }
        for name, value in pairs
    ]
