"""Remote write requests to send: counters that go on from request to request, and series that are always new.

A request is made once; values, times and the marks of new series are written into its bytes before each sending, and
the whole is compressed then, as a sender does.
"""

import itertools
import os
import random

import cramjam
import numpy as np

from gnomon.ingest.write_request import encode_labels

SERIES_PER_METRIC = 400
STEP_MS = 15_000
_VALUE, _TIME_BYTES = b"\xf0VALUES\xf0", 6
_MARK = b"markmarkmark"
_HTTP = ("GET", "POST", "PUT")


class SampleMaker:
    """Give the next sample of each of a few thousand series at a time."""

    def __init__(self, groups: list[bytes], first_ms: int) -> None:
        """Take requests with a mark in place of each value; six bytes of time stand two bytes behind."""
        self._groups = itertools.cycle([_Group(body) for body in groups])
        self._time_ms, self._size, self._turn = first_ms, len(groups), 0

    def next(self) -> memoryview:
        """Return a request, compressed."""
        if self._turn % self._size == 0:
            self._time_ms += STEP_MS
        self._turn += 1
        return next(self._groups).write(self._time_ms)


class _Group:
    """The bytes of a request that is written anew each time."""

    def __init__(self, body: bytes) -> None:
        self._bytes = np.frombuffer(bytearray(body), np.uint8)
        self._values_at = _find(body, _VALUE)
        self._times_at = np.add.outer(self._values_at[:, 0] + len(_VALUE) + 1, np.arange(_TIME_BYTES))
        self._marks_at = _find(body, _MARK)
        self._random = np.random.default_rng(len(body))
        self._values = np.floor(self._random.random(len(self._values_at)) * 1e6)

    def write(self, time_ms: int) -> memoryview:
        self._values += self._random.integers(0, 50, len(self._values))
        self._bytes[self._values_at] = self._values.view(np.uint8).reshape(-1, 8)
        self._bytes[self._times_at] = np.frombuffer(_varint(time_ms), np.uint8)
        if len(self._marks_at):
            self._bytes[self._marks_at] = np.frombuffer(os.urandom(6).hex().encode(), np.uint8)
        return memoryview(cramjam.snappy.compress_raw(self._bytes.data))


def make_samples(samples: int, connection: int, first_ms: int, groups: int = 2) -> SampleMaker:
    """Return requests of a connection of its own: `groups` times `samples` series, in turn."""
    return SampleMaker([_request(samples, f"{connection}-{group}") for group in range(groups)], first_ms)


def make_new_series(samples: int, connection: int, first_ms: int) -> SampleMaker:
    """Return requests of series that nobody has seen."""
    return SampleMaker([_request(samples, f"new-{connection}-{_MARK.decode()}")], first_ms)


def _request(samples: int, instance: str) -> bytes:
    rng = random.Random(instance)
    parts = []
    for place in range(samples):
        labels = encode_labels(
            (
                ("__name__", f"http_requests_{place // SERIES_PER_METRIC}_total"),
                ("instance", f"host-{instance}:9100"),
                ("job", ("api", "web", "worker")[place % 3]),
                ("method", rng.choice(_HTTP)),
                ("path", f"/api/v1/things/{place % SERIES_PER_METRIC}"),
                ("status", rng.choice(("200", "404", "500"))),
            )
        )
        sample = b"\x12\x10\x09" + _VALUE + b"\x10" + bytes(_TIME_BYTES)
        series = labels + sample
        parts.append(b"\x0a" + _varint(len(series)) + series)
    return b"".join(parts)


def _find(body: bytes, mark: bytes) -> "np.ndarray[tuple[int, int], np.dtype[np.intp]]":
    starts, at = [], body.find(mark)
    while at >= 0:
        starts.append(at)
        at = body.find(mark, at + len(mark))
    return np.add.outer(np.array(starts, np.intp), np.arange(len(mark)))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
