"""Fixtures that start real peers; a test whose peer is missing is skipped by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.installation import CHROMIUM, JAEGER, PEERS, Peer
from tests.peers.jaeger import Jaeger, jaeger_running


def require(peer: Peer) -> Path:
    """Return the peer's program or skip the test that asks."""
    program = peer.find()
    if program is None:
        pytest.skip(f"{peer.name} {peer.version} is not installed, so nothing was compared with it. Run `make peers`.")
    return program


@pytest.fixture(scope="session")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    """Run one Jaeger with memory storage for the whole session; tests tell their data apart by service names."""
    require(JAEGER)
    with jaeger_running(tmp_path_factory.mktemp("jaeger")) as running_jaeger:
        yield running_jaeger


@pytest.fixture(scope="session")
def jaeger_program() -> Path:
    """Return Jaeger's program for tests that start their own with `jaeger_running` or `collector_running`."""
    return require(JAEGER)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return Chromium's program, for Playwright's `executable_path`."""
    return require(CHROMIUM)


def pytest_report_header() -> str:
    """Say which peers the session compares with."""
    return "peers: " + ", ".join(f"{peer.name} {peer.version if peer.find() else '(missing)'}" for peer in PEERS)
