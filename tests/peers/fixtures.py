"""Fixtures that start real peers; a test whose peer is missing is skipped by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.installation import CHROMIUM, JAEGER, PEERS, PROMETHEUS, PROMTOOL, Peer
from tests.peers.jaeger import Jaeger, jaeger_running
from tests.peers.prometheus import Prometheus, prometheus_running

PROMQL_FEATURES = ("promql-experimental-functions", "promql-duration-expr", "promql-extended-range-selectors")


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
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run one Prometheus without targets for the whole session; tests tell their data apart by metric names."""
    require(PROMETHEUS)
    with prometheus_running(tmp_path_factory.mktemp("prometheus"), features=PROMQL_FEATURES) as running_prometheus:
        yield running_prometheus


@pytest.fixture(scope="session")
def prometheus_program() -> Path:
    """Return Prometheus' program for tests that start their own with `prometheus_running`."""
    return require(PROMETHEUS)


@pytest.fixture(scope="session")
def promtool_program() -> Path:
    """Return promtool for tests that run it with `promtool`."""
    return require(PROMTOOL)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return Chromium's program, for Playwright's `executable_path`."""
    return require(CHROMIUM)


def pytest_report_header() -> str:
    """Say which peers the session compares with."""
    return "peers: " + ", ".join(f"{peer.name} {peer.version if peer.find() else '(missing)'}" for peer in PEERS)
