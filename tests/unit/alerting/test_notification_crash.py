"""kill -9 between deciding to tell somebody and having told it: nothing is lost, and nothing comes more than twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.webhook_recorder import Received, recording

SCRIPT = Path(__file__).with_name("notifying_process.py")


@contextmanager
def notifying(folder: Path, url: str, *alerts: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the process until the block ends, and kill it then, unless it is dead already."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(folder), url, *alerts])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sequence[Received], Sequence[Received]]:
    """Return what one process told until it was killed while a webhook answered, and what the next one told."""
    folder = tmp_path_factory.mktemp("state")
    victims: list[int] = []

    def refuse_or_kill(path: str, _body: str) -> tuple[int, str]:
        if path == "/deadly" and victims:
            os.kill(victims.pop(), signal.SIGKILL)
        return (503, "later") if victims else (200, "")

    with recording(refuse_or_kill) as recorder:
        with notifying(folder, recorder.url, "Refused", "Deadly", "Waiting") as process:
            victims.append(process.pid)
            assert process.wait(60) == -signal.SIGKILL
        before = list(recorder.received)
        with notifying(folder, recorder.url):
            recorder.wait_for(len(before) + 3)
            # Two more looks at each group.
            time.sleep(2.2)
        return before, recorder.received[len(before) :]


def test_what_was_decided_and_not_delivered_is_told_once_by_the_next_process(
    told: tuple[Sequence[Received], Sequence[Received]],
) -> None:
    before, after = told
    refused = [request.status for request in before if request.path == "/refused"]
    assert refused
    assert set(refused) == {503}
    assert Counter(request.path for request in after)["/refused"] == 1


def test_what_was_delivered_at_the_very_moment_of_the_crash_comes_once_more(
    told: tuple[Sequence[Received], Sequence[Received]],
) -> None:
    before, after = told
    assert Counter(request.path for request in before)["/deadly"] == 1
    assert Counter(request.path for request in after)["/deadly"] == 1
    keys = {request.json["groupKey"] for request in (*before, *after) if request.path == "/deadly"}
    assert len(keys) == 1


def test_what_was_taken_in_and_not_looked_at_is_told_by_the_next_process(
    told: tuple[Sequence[Received], Sequence[Received]],
) -> None:
    before, after = told
    assert "/other" not in {request.path for request in before}
    assert Counter(request.path for request in after)["/other"] == 1
