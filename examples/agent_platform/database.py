"""The platform's database: SQLite in a file, or PostgreSQL, by the same statements."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
BUSY_TIMEOUT_S = 5.0

DatabaseError = SQLAlchemyError
Row = dict[str, Any]


class Database:
    """Run statements, each in a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use an engine; `open` makes one."""
        self._engine = engine

    @classmethod
    async def open(cls, url: str, name: str, schema: Sequence[str]) -> "Database":
        """Connect a service to `sqlite:///path` or `postgresql://…`, and make its tables where they are missing."""
        wanted = make_url(url)
        if wanted.drivername not in _DRIVERS:
            message = f"Unknown database: {wanted.drivername!r}. Use sqlite:///path or postgresql://user@host/name."
            raise ValueError(message)
        is_sqlite = wanted.drivername == "sqlite"
        engine = create_async_engine(
            wanted.set(drivername=_DRIVERS[wanted.drivername]),
            connect_args={"timeout": BUSY_TIMEOUT_S},
            pool_size=3,
            max_overflow=2,
            pool_logging_name=name,
        )
        if is_sqlite:
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        database = cls(engine)
        for statement in schema:
            await database.execute(statement)
        return database

    async def execute(self, statement: str, **parameters: object) -> list[Row]:
        """Run a statement with `:named` parameters; returns its rows."""
        async with self._engine.begin() as connection:
            result = await connection.execute(text(statement), parameters)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    async def ping(self) -> str:
        """Ask for a sign of life; raises DatabaseError where there is none."""
        await self.execute("SELECT 1")
        return str(self._engine.url.drivername)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
