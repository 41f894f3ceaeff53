"""Dashboards in the state database, each with a version that rises with every change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gnomon.lifecycle import Clock
from gnomon.model.errors import ConflictError, NotFoundError
from gnomon.storage.state_store import StateStore

_dashboards = sa.Table(
    "dashboards",
    sa.MetaData(),
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("folder", sa.String(200), nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("panels", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
)
_LISTED = [column for column in _dashboards.c if column.name != "document"]


@dataclass(frozen=True, slots=True)
class ListedDashboard:
    """Show a stored dashboard without its document; times are Unix nanoseconds."""

    id: str
    title: str
    description: str
    folder: str
    tags: tuple[str, ...]
    panels: int
    version: int
    created_at_ns: int
    updated_at_ns: int


@dataclass(frozen=True, slots=True)
class StoredDashboard:
    """Pair a dashboard's document, as decoded JSON, with what is known about it."""

    listed: ListedDashboard
    document: dict[str, Any]


class DashboardStore:
    """Keep dashboards; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        """Keep them in `state`."""
        self._state = state
        self._clock = clock

    async def summaries(self) -> list[ListedDashboard]:
        """Return all dashboards without their documents, by title."""
        rows = await self._state.execute(sa.select(*_LISTED).order_by(_dashboards.c.title, _dashboards.c.id))
        return [_listed(row) for row in rows]

    async def find(self, dashboard_id: str) -> StoredDashboard | None:
        """Return one dashboard, or None."""
        rows = await self._state.execute(sa.select(_dashboards).where(_dashboards.c.id == dashboard_id))
        return StoredDashboard(_listed(rows[0]), orjson.loads(rows[0].document)) if rows else None

    async def add(self, dashboard_id: str, document: Mapping[str, Any]) -> StoredDashboard:
        """Store a new dashboard as version 1 and return it."""
        now_ns = self._clock.now_ns()
        statement = sa.insert(_dashboards).values(
            id=dashboard_id, version=1, created_at_ns=now_ns, updated_at_ns=now_ns, **_values(document)
        )
        rows = await self._state.execute(statement.returning(*_LISTED))
        return StoredDashboard(_listed(rows[0]), dict(document))

    async def replace(self, dashboard_id: str, version: int, document: Mapping[str, Any]) -> StoredDashboard:
        """Replace version `version` by the next one and return it.

        Raises NotFoundError if there is no such dashboard, ConflictError if its version is another by now.
        """
        statement = (
            sa.update(_dashboards)
            .where(_dashboards.c.id == dashboard_id, _dashboards.c.version == version)
            .values(version=version + 1, updated_at_ns=self._clock.now_ns(), **_values(document))
        )
        rows = await self._state.execute(statement.returning(*_LISTED))
        if not rows:
            raise await self._miss(dashboard_id, version)
        return StoredDashboard(_listed(rows[0]), dict(document))

    async def remove(self, dashboard_id: str, version: int) -> None:
        """Remove version `version`; raises NotFoundError and ConflictError as `replace` does."""
        statement = sa.delete(_dashboards).where(_dashboards.c.id == dashboard_id, _dashboards.c.version == version)
        if not await self._state.execute(statement.returning(_dashboards.c.id)):
            raise await self._miss(dashboard_id, version)

    async def _miss(self, dashboard_id: str, version: int) -> NotFoundError | ConflictError:
        found = await self.find(dashboard_id)
        if found is None:
            return NotFoundError(f"There is no dashboard {dashboard_id!r}. Somebody may have deleted it.")
        listed = found.listed
        return ConflictError(
            f"Somebody changed the dashboard {listed.title!r} meanwhile: version {listed.version} stands there, "
            f"this change is to version {version}. Load it again, or save yours as a copy."
        )


def _listed(row: Any) -> ListedDashboard:
    return ListedDashboard(
        id=row.id,
        title=row.title,
        description=row.description,
        folder=row.folder,
        tags=tuple(orjson.loads(row.tags)),
        panels=row.panels,
        version=row.version,
        created_at_ns=row.created_at_ns,
        updated_at_ns=row.updated_at_ns,
    )


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": document["title"],
        "description": document["description"],
        "folder": document["folder"],
        "tags": orjson.dumps(document["tags"]).decode(),
        "panels": sum(panel["kind"] != "row" for panel in document["panels"]),
        "document": orjson.dumps(document).decode(),
    }
