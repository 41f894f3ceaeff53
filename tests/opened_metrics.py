"""Metric storage as the server opens it, for tests without listeners, and requests to fill it with."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio

from gnomon.ingest.write_request import encode_labels, encode_series
from gnomon.lifecycle import Clock, SystemClock
from gnomon.model.labels import Labels
from gnomon.storage.metric_store import MetricStore
from gnomon.storage.segments import encode_frame
from gnomon.storage.series_catalog import SeriesCatalog
from gnomon.storage.settings import MetricSettings
from gnomon.storage.streams import STREAMS
from tests.opened_storage import OpenedStorage


@dataclass
class OpenedMetrics:
    """A store of series, and the way to fill it."""

    storage: OpenedStorage
    catalog: SeriesCatalog
    store: MetricStore
    folder: Path
    loaded: list[str] = field(default_factory=list)

    async def load(self, *requests: bytes, stream: str = "remote_write", token: str = "") -> None:
        """Store requests as the loader does it, and look at what came in."""
        token = token or f"segment-{len(self.loaded)}"
        self.loaded.append(token)
        path = self.folder / token
        path.write_bytes(b"".join(part for body in requests for part in encode_frame(body, os.urandom(16), 0)))
        # The catalog asks the loader what is under way, and this is not the loader: it looks before or after.
        async with self.catalog.lock:
            await self.storage.engine.load(STREAMS[stream], path, token)
        await self.catalog.refresh()


@asynccontextmanager
async def open_metrics(
    storage: OpenedStorage, folder: Path, settings: MetricSettings | None = None, clock: Clock | None = None
) -> AsyncIterator[OpenedMetrics]:
    """Open a store of series over storage."""
    settings = settings or MetricSettings()
    catalog = SeriesCatalog(storage.engine, storage.journal, settings, clock or SystemClock())
    await catalog.start()
    try:
        yield OpenedMetrics(storage, catalog, MetricStore(storage.engine, catalog, settings), folder)
    finally:
        await catalog.stop()


@pytest_asyncio.fixture
async def opened_metrics(opened_storage: OpenedStorage, tmp_path: Path) -> AsyncIterator[OpenedMetrics]:
    """Return a store of series over an empty directory."""
    async with open_metrics(opened_storage, tmp_path) as opened:
        yield opened


def make_series(labels: Mapping[str, str], samples: Iterable[tuple[int, float]]) -> bytes:
    """Return one series of a remote write 1.0 request."""
    return encode_series(encode_labels(Labels.of(labels)), samples)
