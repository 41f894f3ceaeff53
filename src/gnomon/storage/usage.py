"""How much room everything takes, and how much is left."""

import asyncio
import contextlib
import os
import shutil
import time
from pathlib import Path

from gnomon.model.storage_usage import JournalUsage, StorageUsage, TableUsage
from gnomon.storage.engine import Engine, Row
from gnomon.storage.settings import StorageSettings

_TABLES = """
SELECT tables.name AS name, sum(parts.rows) AS rows,
       sum(data_compressed_bytes + secondary_indices_compressed_bytes) AS compressed,
       sum(data_uncompressed_bytes + secondary_indices_uncompressed_bytes) AS uncompressed
FROM system.tables AS tables
LEFT JOIN (SELECT * FROM system.parts WHERE active) AS parts
       ON parts.database = tables.database AND parts.table = tables.name
WHERE tables.database = currentDatabase() AND tables.engine LIKE '%MergeTree'
GROUP BY tables.name ORDER BY compressed DESC, name
"""
_TIME_COLUMNS = """
SELECT table, argMin(name, position) AS column FROM system.columns
WHERE database = currentDatabase() AND is_in_partition_key AND match(type, '^DateTime|^Date')
GROUP BY table
"""

# The unit of st_blocks, whatever the file system has.
_BLOCK_BYTES = 512


class StorageMeter:
    """Measure tables, journal and disk."""

    def __init__(self, engine: Engine, settings: StorageSettings) -> None:
        """Measure what `engine` holds and what lies in the data directory."""
        self._engine = engine
        self._settings = settings

    async def check(self) -> str:
        """Return a word about the engine; raises a StorageError when it does not answer."""
        # Not a query: those may wait for each other, and the engine is well all the same.
        await self._engine.command("SELECT 1")
        return "the engine answers"

    async def usage(self) -> StorageUsage:
        """Return what is stored now."""
        settings = self._settings
        rows = (await self._engine.query(_TABLES)).rows()
        columns = {row["table"]: row["column"] for row in (await self._engine.query(_TIME_COLUMNS)).rows()}
        tables = [await self._table(row, columns.get(row["name"])) for row in rows]
        used_bytes, journal = await asyncio.to_thread(_measure, settings.data_dir)
        disk = shutil.disk_usage(settings.data_dir)
        return StorageUsage(
            engine="cluster" if settings.engine.cluster_url else "embedded",
            tables=tuple(tables),
            used_bytes=used_bytes,
            budget_bytes=settings.max_bytes or None,
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            journal=journal,
        )

    async def _table(self, row: Row, time_column: str | None) -> TableUsage:
        oldest_ns = newest_ns = None
        if time_column is not None and row["rows"]:
            found = await self._engine.query(
                f"SELECT toUnixTimestamp64Nano(toDateTime64(min({time_column}), 9, 'UTC')) AS oldest,"
                f" toUnixTimestamp64Nano(toDateTime64(max({time_column}), 9, 'UTC')) AS newest FROM {row['name']}"
            )
            oldest_ns, newest_ns = int(found.column("oldest")[0]), int(found.column("newest")[0])
        return TableUsage(row["name"], row["rows"], row["compressed"], row["uncompressed"], oldest_ns, newest_ns)


def _measure(data_dir: Path) -> tuple[int, JournalUsage]:
    used_bytes = 0
    # Files and folders go while we walk: merged away, or loaded. os.walk passes over a folder that is gone.
    for folder, _folders, files in os.walk(data_dir):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                used_bytes += os.lstat(os.path.join(folder, name)).st_blocks * _BLOCK_BYTES  # noqa: PTH118 - a hot walk
    return used_bytes, _measure_journal(data_dir / "journal")


def _measure_journal(directory: Path) -> JournalUsage:
    sizes: list[int] = []
    born_s = now_s = time.time()
    for path in directory.glob("*/*.segment"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            sizes.append(stat.st_size)
            born_s = min(born_s, stat.st_mtime)
    set_aside = sum(1 for _path in directory.glob("rejected/*"))
    return JournalUsage(len(sizes), sum(sizes), now_s - born_s, set_aside)
