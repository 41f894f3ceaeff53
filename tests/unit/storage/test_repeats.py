"""Requests that are sent again are recognised, within bounds and across restarts."""

import resource
import signal
from pathlib import Path

import pytest

from gnomon.storage.repeats import RepeatMemory

A, B = b"a" * 16, b"b" * 16


def _memory(folder: Path, entries: int = 1000) -> RepeatMemory:
    memory = RepeatMemory(folder, window_s=600, entries=entries)
    memory.restore(1000)
    return memory


def test_a_fingerprint_is_known_for_at_least_the_window(tmp_path: Path) -> None:
    """It survives one turn of the generations and not two."""
    memory = _memory(tmp_path)
    memory.add(A, 1000)
    memory.add(b"1" * 16, 1599)
    assert A in memory
    memory.add(b"2" * 16, 1601)
    assert A in memory
    memory.add(b"3" * 16, 2300)
    assert A not in memory


def test_a_restart_remembers_what_was_saved(tmp_path: Path) -> None:
    """Only what is within the window comes back."""
    _memory(tmp_path).save([(A, 1000), (B, 100)])
    memory = _memory(tmp_path)
    assert A in memory
    assert B not in memory


def test_memory_is_bounded(tmp_path: Path) -> None:
    """With too many requests the oldest are forgotten early; the latest half is always known."""
    memory = _memory(tmp_path, entries=100)
    fingerprints = [number.to_bytes(16) for number in range(1000)]
    for fingerprint in fingerprints:
        memory.add(fingerprint, 1000)
    assert all(fingerprint in memory for fingerprint in fingerprints[-50:])
    assert fingerprints[0] not in memory


def test_a_disk_that_takes_half_leaves_the_file_in_step(tmp_path: Path) -> None:
    """What cannot be written whole is taken back, and the next restart reads what was written before."""
    memory = _memory(tmp_path)
    memory.save([(A, 1000)])
    size = (tmp_path / "repeats.young").stat().st_size
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, former[1]))
    try:
        with pytest.raises(OSError, match=r"No space|too large"):
            memory.save([(B, 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / "repeats.young").stat().st_size == size
    assert A in _memory(tmp_path)
