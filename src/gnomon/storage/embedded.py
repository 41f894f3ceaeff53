"""The embedded engine: chDB over one directory, owned by one process."""

import fcntl
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import chdb
import clickhouse_connect
import psutil
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from gnomon.storage.client_pool import ClientPool
from gnomon.storage.engine import ArrowTable, Dialect, NumberColumns, Result, Setting
from gnomon.storage.errors import DataDirectoryError, SegmentRejectedError, StorageError
from gnomon.storage.segments import UNREADABLE_CODES, insert_settings
from gnomon.storage.settings import EngineSettings, QuerySettings
from gnomon.storage.streams import Stream

log = structlog.get_logger(__name__)

_TABLES = "SELECT count() FROM system.tables WHERE database = currentDatabase()"
_BROKEN = """
SELECT concat(table, '/', name) AS part FROM system.detached_parts
WHERE database = currentDatabase() AND startsWith(reason, 'broken')
"""
# Control groups, version 2 and 1; a container without a limit says "max", or a number beyond any machine.
_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


class EmbeddedEngine:
    """Run statements in this process; the directory is locked for as long as it is open."""

    def __init__(self, directory: Path, engine: EngineSettings, query: QuerySettings) -> None:
        """Remember the directory; nothing is opened before `start`."""
        self._directory = directory
        bounded = replace(engine, memory_bytes=engine.memory_bytes or available_memory_bytes() // 3)
        self._pool = ClientPool(self._connect, bounded, query)
        self._lock: IO[str] | None = None
        self._local = threading.local()
        self._connections: list[Any] = []
        self.dialect = Dialect()

    async def start(self) -> None:
        """Lock and open the directory; raises DataDirectoryError when it is taken or damaged."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock = _lock_directory(self._directory)
        try:
            await self._check()
        except (StorageError, ClickHouseError, OSError) as error:
            await self.stop()
            message = (
                f"The data directory {str(self._directory)!r} cannot be opened, it may be damaged: {error}. "
                "Move it away and start again, or restore it from a copy."
            )
            raise DataDirectoryError(message) from error

    async def _check(self) -> None:
        """Look whether what was once here still is."""
        tables = (await self._pool.query(_TABLES, None, None)).value()
        marker = self._directory / "has-data"
        if tables:
            marker.touch()
        elif marker.exists():
            message = "the engine finds none of the tables that were there"
            raise StorageError(message)
        if broken := (await self._pool.query(_BROKEN, None, None)).rows():
            log.error("damaged parts were set aside and are not read", parts=[row["part"] for row in broken])

    async def stop(self) -> None:
        """Close the engine and unlock the directory."""
        self._pool.close()
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        if self._lock:
            self._lock.close()
            self._lock = None

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
        """Return columns of numbers, by name; the engine writes them where they stay, without a format between."""
        return await self._pool.query_tagged(
            lambda _client, limits: self._read_numbers(f"{statement} {limits}"), settings
        )

    def _read_numbers(self, statement: str) -> NumberColumns:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            path = str(self._directory.resolve() / "engine")
            connection = self._local.connection = chdb.connect(path)  # type: ignore[no-untyped-call]  # chDB has no types
            self._connections.append(connection)
        try:
            frame = connection.query(statement, "DataFrame")
        except RuntimeError as error:
            raise DatabaseError(str(error)) from error
        return {name: frame[name].to_numpy() for name in frame.columns}

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
        """Insert a segment from its file; the engine reads it itself."""
        schema = self._directory / "schemas" / f"{stream.name}.proto"
        if not schema.exists() or schema.read_text(encoding="utf-8") != stream.schema:
            schema.parent.mkdir(exist_ok=True)
            schema.write_text(stream.schema, encoding="utf-8")
        settings = insert_settings(token) | {"format_schema": str(schema.resolve())}
        # In the statement itself: given beside it, each setting would be set and taken back by statements of its own.
        inline = ", ".join(f"{name} = {_quote(str(value))}" for name, value in settings.items())
        requests = f"file({_quote(str(segment.resolve()))}, 'Protobuf')"
        statement = f"INSERT INTO {stream.name} SELECT * FROM {requests} SETTINGS {inline}"
        try:
            await self._pool.run(lambda client: client.command(statement), "load")
        except StorageError as error:
            if error.code in UNREADABLE_CODES:
                raise SegmentRejectedError(str(error), code=error.code) from error
            raise

    def _connect(self) -> Client:
        return clickhouse_connect.get_client(dsn=f"chdb://{self._directory.resolve() / 'engine'}")


def available_memory_bytes() -> int:
    """Return the memory of this machine, or of the container where that has less."""
    limits = [psutil.virtual_memory().total]
    for path in _CONTAINER_LIMITS:
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        if text.isdecimal():
            limits.append(int(text))
    return min(limits)


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lock_directory(directory: Path) -> IO[str]:
    lock = (directory / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        message = (
            f"The data directory {str(directory)!r} is in use by another Gnomon (process {owner}). "
            "Stop that one, or give this one a directory of its own with --data-dir."
        )
        raise DataDirectoryError(message) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
