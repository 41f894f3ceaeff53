"""Remote read: requests in, raw samples out, in one piece or as a stream."""

import struct

import numpy as np
import pytest

from gnomon.metrics.crc32c import crc32c
from gnomon.metrics.protobuf_wire import encode_bytes, encode_number, read_fields
from gnomon.metrics.remote_read import decode_request, encode_response, encode_samples, stream_response
from gnomon.model.errors import InvalidInputError, LimitExceededError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.promql.memory_source import MemorySource
from tests.write_requests import WriteRequest

NOW_MS = 1_790_000_000_000


def make_request(*, streamed: bool = False, matcher: tuple[int, bytes, bytes] = (2, b"job", b"a.*")) -> bytes:
    """Return a request for half a minute of series."""
    kind, name, value = matcher
    message = encode_number(1, kind) + encode_bytes(2, name) + encode_bytes(3, value)
    query = encode_number(1, NOW_MS) + encode_number(2, NOW_MS + 30_000) + encode_bytes(3, message)
    accepted = encode_bytes(2, b"\x01\x00") if streamed else b""
    return encode_bytes(1, query) + accepted


@pytest.fixture
def source() -> MemorySource:
    """Return two series of which one is asked for."""
    source = MemorySource()
    for job in ("api", "web"):
        for step in range(-1, 4):
            source.add(Labels.of({"__name__": "up", "job": job}), NOW_MS + step * 15_000, float(step))
    return source


def test_requests_are_read() -> None:
    """Matchers, interval and what the client can take."""
    asked = decode_request(make_request(streamed=True))
    assert asked.streamed
    (query,) = asked.queries
    assert query.matchers == (Matcher("job", MatchOperator.REGEX, "a.*"),)
    assert (query.start_ms, query.end_ms) == (NOW_MS, NOW_MS + 30_000)
    assert not decode_request(make_request()).streamed


@pytest.mark.parametrize(
    "body", [b"\x0a", b"\x0a\x05\x08", b"\xff" * 20, b"\x0b", make_request(matcher=(9, b"a", b"b")), b"\x08\x01"]
)
def test_malformed_requests_are_refused(body: bytes) -> None:
    """Cut off, overflowing, unknown wire types, unknown matchers."""
    with pytest.raises(InvalidInputError):
        decode_request(body)


async def test_an_answer_in_one_piece_is_what_remote_write_carries(source: MemorySource) -> None:
    """TimeSeries of remote read and of remote write are the same message."""
    response = await encode_response(source, decode_request(make_request()), 100)
    ((field, result),) = read_fields(response)
    assert field == 1
    assert isinstance(result, bytes)
    (series,) = WriteRequest.FromString(result).timeseries
    assert [(label.name, label.value) for label in series.labels] == [(b"__name__", b"up"), (b"job", b"api")]
    assert [(sample.timestamp, sample.value) for sample in series.samples] == [
        (NOW_MS, 0.0), (NOW_MS + 15_000, 1.0), (NOW_MS + 30_000, 2.0),
    ]  # fmt: skip


async def test_an_answer_in_one_piece_has_a_limit(source: MemorySource) -> None:
    """It is held in memory as a whole."""
    with pytest.raises(LimitExceededError, match=r"query\.max_samples"):
        await encode_response(source, decode_request(make_request()), 2)


async def test_a_stream_has_frames_with_checksums(source: MemorySource) -> None:
    """Size, CRC-32C, message; the chunk tells its interval."""
    frames = [frame async for frame in stream_response(source, decode_request(make_request(streamed=True)))]
    (frame,) = frames
    size = frame[0]
    (checksum,) = struct.unpack(">I", frame[1:5])
    message = frame[5:]
    assert len(message) == size
    assert crc32c(message) == checksum
    fields = dict(read_fields(dict(read_fields(message))[1]))  # type: ignore[arg-type]  # messages are bytes
    chunk = dict(read_fields(fields[2]))  # type: ignore[arg-type]
    assert (chunk[1], chunk[2], chunk[3]) == (NOW_MS, NOW_MS + 30_000, 1)


def test_samples_of_all_times_are_encoded() -> None:
    """Times of our days are written at once, others one by one; both read back."""
    for first in (NOW_MS, 0, -5, 1 << 45):
        times = np.array([first, first + 1, first + 70_000])
        values = np.array([1.5, float("nan"), -0.0])
        request = WriteRequest.FromString(encode_bytes(1, encode_samples(times, values)))
        (series,) = request.timeseries
        assert [sample.timestamp for sample in series.samples] == times.tolist()
        found = np.array([sample.value for sample in series.samples])
        assert found.view(np.uint64).tolist() == values.view(np.uint64).tolist()


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(b"", 0), (b"a", 0xC1D04330), (b"123456789", 0xE3069283), (b"\x00" * 32, 0x8A9136AA)],
)
def test_checksums_are_castagnoli(data: bytes, checksum: int) -> None:
    """Values from RFC 3720 and the catalogue of CRCs."""
    assert crc32c(data) == checksum


def test_checksums_of_long_data_go_on_where_snappy_stops() -> None:
    """Beyond a snappy block the table takes over, with the same polynomial."""
    # Of all zeros the checksum differs with the length, and 64 KiB is where the way of computing changes.
    block = bytes(range(256)) * 256
    table = crc32c.__globals__["_TABLE"]
    crc = 0xFFFFFFFF
    for byte in block:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    assert crc32c(block) == crc ^ 0xFFFFFFFF
    crc = crc >> 8 ^ table[(crc ^ 0x7A) & 0xFF]
    assert crc32c(block + b"z") == crc ^ 0xFFFFFFFF
