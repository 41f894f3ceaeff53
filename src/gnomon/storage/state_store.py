"""The relational store of what people edit: SQLite in the data directory, or PostgreSQL shared by several processes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gnomon.lifecycle import Clock
from gnomon.model.api_keys import ApiKey, Scope, StoredKey
from gnomon.model.errors import InvalidInputError, NotFoundError, UnavailableError

STATE_FILE = "state.sqlite"

_MIGRATIONS = Path(__file__).parent / "state_migrations"
_BUSY_TIMEOUT_MS = 5000
_MIGRATING = "gnomon_migrating"
# Any number will do that other programs on the same database do not use.
_MIGRATION_LOCK = 0x676E6F6D6F6E

_metadata = sa.MetaData()
_api_keys = sa.Table(
    "api_keys",
    _metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("scopes", sa.String(100), nullable=False),
    sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("revoked_at_ns", sa.BigInteger),
)


class StateStore:
    """Keep API keys; open to several processes at once, so that `gnomon keys` works while a server runs."""

    def __init__(self, data_dir: Path, url: str | None, clock: Clock) -> None:
        """Use the PostgreSQL at `url`, or without one a file in `data_dir`."""
        self._path = data_dir / STATE_FILE
        self._url = url
        self._clock = clock
        self._engine: AsyncEngine | None = None

    async def start(self) -> None:
        """Connect and migrate forward; raises UnavailableError when the database does not answer."""
        try:
            self._engine = self._create_engine()
            async with self._engine.execution_options(**{_MIGRATING: True}).begin() as connection:
                await connection.run_sync(_migrate)
        except (DBAPIError, OSError) as error:
            await self.stop()
            reason = error.orig if isinstance(error, DBAPIError) else error
            message = (
                f"Cannot open the state database {self._name!r}: {reason}. Check storage.state_url and its permissions."
            )
            raise UnavailableError(message, reason="state_database") from error

    async def stop(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def check(self) -> str:
        """Return a word about the database; raises UnavailableError when it does not answer."""
        await self.execute(sa.select(sa.literal(1)))
        return f"{self._name} answers"

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key with that id, revoked ones included, or None."""
        rows = await self.execute(sa.select(_api_keys).where(_api_keys.c.id == key_id))
        return StoredKey(_api_key(rows[0]), rows[0].token_sha256) if rows else None

    async def list_keys(self) -> list[ApiKey]:
        """Return all keys, the newest last."""
        return [_api_key(row) for row in await self.execute(sa.select(_api_keys).order_by(_api_keys.c.created_at_ns))]

    async def add_key(self, key_id: str, name: str, scopes: frozenset[Scope], token_sha256: bytes) -> ApiKey:
        """Store a new key and return it."""
        key = ApiKey(key_id, name, scopes, self._clock.now_ns())
        await self.execute(
            sa.insert(_api_keys).values(
                id=key.id,
                name=key.name,
                scopes=" ".join(sorted(key.scopes)),
                token_sha256=token_sha256,
                created_at_ns=key.created_at_ns,
            )
        )
        return key

    async def revoke_key(self, key_id: str) -> ApiKey:
        """Close a key for good and return it; raises NotFoundError if there is none or it is revoked already."""
        stored = await self.find(key_id)
        if stored is None or stored.key.revoked_at_ns is not None:
            message = f"There is no living API key with the id {key_id!r}. `gnomon keys list` shows them."
            raise NotFoundError(message)
        await self.execute(
            sa.update(_api_keys).where(_api_keys.c.id == key_id).values(revoked_at_ns=self._clock.now_ns())
        )
        return stored.key

    async def execute(self, statement: sa.Executable) -> list[Any]:
        """Run one statement in a transaction of its own and return its rows, for the stores of one kind of state.

        Raises UnavailableError when the database does not answer.
        """
        return await self.transact((statement,))

    async def transact(self, statements: Sequence[sa.Executable]) -> list[Any]:
        """Run statements in one transaction, all or none, and return the rows of the last; raises as `execute` does."""
        if self._engine is None:
            message = "The state database is not open."
            raise UnavailableError(message, reason="state_database")
        try:
            async with self._engine.begin() as connection:
                rows: list[Any] = []
                for statement in statements:
                    result = await connection.execute(statement)
                    rows = list(result) if result.returns_rows else []
                return rows
        except (DBAPIError, OSError) as error:
            message = f"The state database {self._name!r} does not answer. Try again."
            raise UnavailableError(message, reason="state_database") from error

    @property
    def _name(self) -> str:
        return str(self._path) if self._url is None else sa.make_url(self._url).render_as_string(hide_password=True)

    def _create_engine(self) -> AsyncEngine:
        if self._url is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            engine = create_async_engine(f"sqlite+aiosqlite:///{self._path}")
            sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
            # Others on this machine have no business with the hashes of keys.
            self._path.touch(mode=0o600)
            return engine
        try:
            url = sa.make_url(self._url)
        except ArgumentError as error:
            message = "Invalid storage.state_url. Write postgresql://user:password@host/database."
            raise InvalidInputError(message) from error
        if url.get_backend_name() != "postgresql":
            message = f"Invalid storage.state_url: {url.drivername!r} is not supported. Write postgresql://…"
            raise InvalidInputError(message)
        try:
            return create_async_engine(url.set(drivername="postgresql+asyncpg"), pool_pre_ping=True)
        except ModuleNotFoundError as error:
            message = "storage.state_url needs a package that is not installed: pip install 'gnomon[postgresql]'."
            raise InvalidInputError(message) from error


def _api_key(row: Any) -> ApiKey:
    scopes = frozenset(Scope(scope) for scope in row.scopes.split())
    return ApiKey(row.id, row.name, scopes, row.created_at_ns, row.revoked_at_ns)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late for a migration.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_MIGRATING) else "BEGIN")


def _migrate(connection: sa.Connection) -> None:
    """Migrate forward; of several processes that start at once, one does it and the others wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
