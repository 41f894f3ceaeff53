"""Segments: frames that a restart can trust."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.storage.segments import encode_frame, read_frames, repair_segment

Requests = st.lists(st.binary(max_size=300), max_size=8)


def _encode(bodies: list[bytes]) -> tuple[bytes, list[bytes]]:
    fingerprints = [os.urandom(16) for _ in bodies]
    frames = zip(bodies, fingerprints, strict=True)
    return b"".join(part for body, fingerprint in frames for part in encode_frame(body, fingerprint, 7)), fingerprints


@given(Requests)
def test_frames_come_back_in_order(bodies: list[bytes]) -> None:
    """Every frame keeps its fingerprint, its time and the place of its request."""
    data, fingerprints = _encode(bodies)
    frames = list(read_frames(data))
    assert [frame.fingerprint for frame in frames] == fingerprints
    assert {frame.accepted_s for frame in frames} <= {7}
    assert [frame.end for frame in frames[:-1]] == [frame.start for frame in frames[1:]]


@given(Requests, st.integers(min_value=0), st.integers(1, 255))
def test_an_altered_byte_ends_the_whole_frames(bodies: list[bytes], where: int, change: int) -> None:
    """Whatever byte changes, frames before it stay and nothing wrong is taken for whole."""
    data, fingerprints = _encode(bodies)
    if not data:
        return
    altered = bytearray(data)
    altered[where % len(data)] ^= change
    before = [frame for frame in read_frames(data) if frame.end <= where % len(data)]
    found = list(read_frames(bytes(altered)))
    assert [frame.fingerprint for frame in found[: len(before)]] == fingerprints[: len(before)]
    assert len(found) <= len(bodies)


@pytest.mark.parametrize("torn", [1, 20, 45])
def test_a_torn_tail_is_cut_off(tmp_path: Path, torn: int) -> None:
    """What a crash left behind the last whole frame goes; the rest of the file stays as it was."""
    data, fingerprints = _encode([b"first request", b"second request"])
    whole = len(_encode([b"first request"])[0])
    path = tmp_path / "segment"
    path.write_bytes(data[:-torn])
    assert [frame.fingerprint for frame in repair_segment(path)] == fingerprints[:1]
    assert path.read_bytes() == data[:whole]
