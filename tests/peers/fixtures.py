"""Fixtures that start real peers; a test whose peer is missing is skipped by name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.peers.installation import (
    ALERTMANAGER,
    AMTOOL,
    CHROMIUM,
    JAEGER,
    KAFKA,
    NATS,
    PEERS,
    POSTGRESQL,
    PROMETHEUS,
    PROMTOOL,
    RABBITMQ,
    REDIS,
    Peer,
)
from tests.peers.jaeger import Jaeger, jaeger_running
from tests.peers.kafka import kafka_running
from tests.peers.nats import nats_running
from tests.peers.postgresql import postgresql_running
from tests.peers.prometheus import Prometheus, prometheus_running
from tests.peers.rabbitmq import rabbitmq_running
from tests.peers.redis import redis_running

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
def alertmanager_program() -> Path:
    """Return Alertmanager's program for tests that start their own with `alertmanager_running`."""
    return require(ALERTMANAGER)


@pytest.fixture(scope="session")
def amtool_program() -> Path:
    """Return amtool for tests that run it with `amtool`."""
    return require(AMTOOL)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return Chromium's program, for Playwright's `executable_path`."""
    return require(CHROMIUM)


@pytest.fixture(scope="session")
def kafka_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one Kafka for the whole session and return its URL; tests tell their data apart by topic."""
    yield from _run(KAFKA, kafka_running, tmp_path_factory)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one Redis for the whole session and return its URL; tests tell their data apart by key."""
    yield from _run(REDIS, redis_running, tmp_path_factory)


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one RabbitMQ for the whole session and return its URL; tests tell their data apart by queue."""
    yield from _run(RABBITMQ, rabbitmq_running, tmp_path_factory)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one NATS with JetStream for the whole session and return its URL; tests tell their data apart by subject."""
    yield from _run(NATS, nats_running, tmp_path_factory)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one PostgreSQL for the whole session and return the URL of its database; tests make tables of their own."""
    yield from _run(POSTGRESQL, postgresql_running, tmp_path_factory)


def _run(
    peer: Peer, start: Callable[[Path], AbstractContextManager[str]], folders: pytest.TempPathFactory
) -> Iterator[str]:
    require(peer)
    with start(folders.mktemp(peer.name)) as url:
        yield url


def pytest_report_header() -> str:
    """Say which peers the session compares with."""
    return "peers: " + ", ".join(f"{peer.name} {peer.version if peer.find() else '(missing)'}" for peer in PEERS)
