"""Encoding samples as Prometheus' write requests, and writing them."""

import math
import struct

import pytest

from gnomon.ingest.messages import define_message
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.write_request import (
    SampleWriter,
    encode_exemplar,
    encode_labels,
    encode_metadata,
    encode_sample,
    encode_series,
)
from gnomon.model.labels import Labels
from gnomon.model.series import STALE, STALE_BITS

# Prometheus' prompb/remote.proto and types.proto, as published.
WriteRequest = define_message(
    "WriteRequest",
    {
        "WriteRequest": {"timeseries": (1, "TimeSeries*"), "metadata": (3, "MetricMetadata*")},
        "TimeSeries": {
            "labels": (1, "Label*"),
            "samples": (2, "Sample*"),
            "exemplars": (3, "Exemplar*"),
            "histograms": (4, "bytes*"),
        },
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64"), "start_timestamp": (3, "int64")},
        "Exemplar": {"labels": (1, "Label*"), "value": (2, "double"), "timestamp": (3, "int64")},
        "MetricMetadata": {
            "type": (1, "int32"),
            "metric_family_name": (2, "string"),
            "help": (4, "string"),
            "unit": (5, "string"),
        },
    },
)
LABELS = Labels.of({"__name__": "up", "job": "ä", "long": "x" * 5000})


class KeptRequests:
    """A journal that keeps requests in memory."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def append(self, stream: str, body: bytes, fingerprint: bytes) -> None:
        assert stream == "remote_write"
        assert len(fingerprint) == 16
        self.bodies.append(body)


def test_a_series_is_read_back_as_it_was_given() -> None:
    """Labels, samples, exemplars, histograms and start timestamps survive."""
    exemplar = encode_exemplar([("trace_id", "ab")], 5, 0.25)
    body = encode_series(
        encode_labels(LABELS), [(1_700_000_000_000, 1.5), (-1, math.inf)], [b"\x08\x01"], [exemplar], start_ms=77
    )
    series = WriteRequest.FromString(body).timeseries[0]
    assert [(label.name, label.value) for label in series.labels] == list(LABELS)
    assert [(s.timestamp, s.value, s.start_timestamp) for s in series.samples] == [
        (1_700_000_000_000, 1.5, 77),
        (-1, math.inf, 77),
    ]
    assert list(series.histograms) == [b"\x08\x01"]
    assert (series.exemplars[0].labels[0].name, series.exemplars[0].value, series.exemplars[0].timestamp) == (
        "trace_id",
        0.25,
        5,
    )


@pytest.mark.parametrize("time_ms", [0, 1, 1_700_000_000_000, -5])
def test_one_sample_is_encoded_alike_both_ways(time_ms: int) -> None:
    """The quick way gives the bytes of the general one."""
    labels = encode_labels(LABELS)
    assert encode_sample(labels, time_ms, 2.5) == encode_series(labels, [(time_ms, 2.5)])


def test_a_staleness_marker_keeps_its_bits() -> None:
    """The payload of the NaN is on the wire."""
    body = encode_sample(b"", 1, STALE)
    assert struct.pack("<Q", STALE_BITS) in body


def test_metadata_is_read_back_as_it_was_given() -> None:
    """Type, help and unit survive."""
    metadata = WriteRequest.FromString(encode_metadata("x", "histogram", "Help.", "seconds")).metadata[0]
    assert (metadata.metric_family_name, metadata.type, metadata.help, metadata.unit) == ("x", 3, "Help.", "seconds")


async def test_what_is_written_arrives_whole_in_requests_of_bounded_size() -> None:
    """Three megabytes become several requests; none of the samples is lost."""
    kept = KeptRequests()
    labels = encode_labels(LABELS)
    parts = [encode_sample(labels, time, float(time)) for time in range(600)] + [encode_metadata("up", "gauge")]
    await SampleWriter(Receiver(kept)).write(parts, protocol="test")
    assert len(kept.bodies) > 1
    assert max(map(len, kept.bodies)) < 2 << 20
    merged = WriteRequest.FromString(b"".join(kept.bodies))
    assert [series.samples[0].timestamp for series in merged.timeseries] == list(range(600))
    assert len(merged.metadata) == 1


async def test_metadata_alone_is_written() -> None:
    """A request without a sample is not dropped."""
    kept = KeptRequests()
    await SampleWriter(Receiver(kept)).write([encode_metadata("up", "gauge")], protocol="test")
    assert len(kept.bodies) == 1
