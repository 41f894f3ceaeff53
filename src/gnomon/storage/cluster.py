"""The other engine: a ClickHouse server or cluster over HTTP."""

from collections.abc import Mapping
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from gnomon.storage.client_pool import ClientPool
from gnomon.storage.engine import ArrowTable, Dialect, NumberColumns, Result, Setting
from gnomon.storage.errors import SegmentRejectedError, StorageError
from gnomon.storage.segments import UNREADABLE_CODES, insert_settings
from gnomon.storage.settings import EngineSettings, QuerySettings
from gnomon.storage.streams import Stream


class ClusterEngine:
    """Run statements on a server; the server keeps the data, this process only its journal."""

    def __init__(self, engine: EngineSettings, query: QuerySettings) -> None:
        """Remember where the server is; nothing is opened before `start`."""
        self._url = engine.cluster_url
        self._pool = ClientPool(self._connect, engine, query)
        self.dialect = Dialect(engine.cluster_name)

    async def start(self) -> None:
        """Connect; raises StorageUnavailableError when nobody answers."""
        await self._pool.run(lambda client: client.command("SELECT 1"), "open")

    async def stop(self) -> None:
        """Close the connections."""
        self._pool.close()

    def limit(self, query: QuerySettings) -> None:
        """Hold queries to other limits from now on."""
        self._pool.limit(query)

    async def query(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> Result:
        """Return what a statement selects, within the limits of QuerySettings."""
        return await self._pool.query(statement, parameters, settings)

    async def query_arrow(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, Setting] | None = None,
    ) -> ArrowTable:
        """Return what a statement selects as an Arrow table, within the limits of QuerySettings."""
        return await self._pool.query_arrow(statement, parameters, settings)

    async def query_numbers(self, statement: str, *, settings: Mapping[str, Setting] | None = None) -> NumberColumns:
        """Return columns of numbers, by name."""
        table = await self._pool.query_arrow(statement, None, settings)
        return {name: table.column(name).to_numpy() for name in table.column_names}

    async def command(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> None:
        """Run a statement that returns nothing."""
        await self._pool.command(statement, parameters, settings)

    async def load(self, stream: Stream, segment: Path, token: str) -> None:
        """Send a segment as the body of an insert."""
        settings = insert_settings(token) | {"format_schema_source": "string", "format_schema": stream.schema}

        def insert(client: Client) -> None:
            with segment.open("rb") as body:
                client.raw_insert(stream.name, insert_block=body, settings=settings, fmt="Protobuf")

        try:
            await self._pool.run(insert, "load")
        except StorageError as error:
            if error.code in UNREADABLE_CODES:
                raise SegmentRejectedError(str(error), code=error.code) from error
            raise

    def _connect(self) -> Client:
        return clickhouse_connect.get_client(dsn=self._url, autogenerate_session_id=False)
