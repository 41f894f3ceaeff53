"""The ingest routes as an application, over a journal that keeps what it is given in memory."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from gnomon.ingest.jsonl import jsonl_routes
from gnomon.ingest.loki_push import loki_routes
from gnomon.ingest.otlp_http import OtlpReceiver, otlp_routes
from gnomon.ingest.otlp_metrics import OtlpMetrics
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.remote_write import remote_write_routes
from gnomon.ingest.settings import IngestSettings, OtlpSettings
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import UnavailableError

LIMIT = 1 << 20


class MemoryJournal:
    """Keeps requests; refuses them while `failure` is set."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes, bytes]] = []
        self.failure: UnavailableError | None = None

    async def append(self, stream: str, body: bytes, fingerprint: bytes) -> None:
        if self.failure:
            raise self.failure
        self.requests.append((stream, body, fingerprint))


@pytest.fixture
def journal() -> MemoryJournal:
    """Return the journal behind the routes."""
    return MemoryJournal()


@pytest.fixture
def receiver(journal: MemoryJournal) -> Receiver:
    """Return the receiver behind the routes."""
    return Receiver(journal)


@pytest.fixture
def otlp_receiver(receiver: Receiver) -> OtlpReceiver:
    """Return the receiver behind OTLP."""
    return OtlpReceiver(receiver, OtlpMetrics(receiver, OtlpSettings(), SystemClock()))


@pytest.fixture
def make_client(receiver: Receiver) -> Callable[[IngestSettings], httpx.AsyncClient]:
    """Return a function that opens a client of the routes with these settings."""

    def make(settings: IngestSettings) -> httpx.AsyncClient:
        routes = [
            *otlp_routes(OtlpReceiver(receiver, OtlpMetrics(receiver, settings.otlp, SystemClock())), settings),
            *loki_routes(receiver, settings),
            *jsonl_routes(receiver, settings),
            *remote_write_routes(receiver, settings, SystemClock()),
        ]
        transport = httpx.ASGITransport(Starlette(routes=routes))
        return httpx.AsyncClient(transport=transport, base_url="http://gnomon.test")

    return make


@pytest_asyncio.fixture
async def client(make_client: Callable[[IngestSettings], httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the routes."""
    async with make_client(IngestSettings(max_body_bytes=LIMIT)) as opened:
        yield opened
