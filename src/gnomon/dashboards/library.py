"""All dashboards: those that people made, and those that Gnomon ships."""

import secrets
from dataclasses import asdict, dataclass

from gnomon.dashboards.documents import Dashboard, check_dashboard, read_dashboard
from gnomon.dashboards.shipped_dashboards import DIRECTORY, load_shipped_dashboards
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.storage.dashboard_store import DashboardStore, ListedDashboard, StoredDashboard


@dataclass(frozen=True, slots=True)
class DashboardSummary:
    """Show a dashboard in a list; times are Unix milliseconds, null for a shipped one, which cannot be changed."""

    id: str
    title: str
    description: str
    folder: str
    tags: tuple[str, ...]
    panels: int
    version: int
    created_ms: int | None
    updated_ms: int | None
    shipped: bool


@dataclass(frozen=True, slots=True)
class OpenedDashboard:
    """Hold a dashboard with what is known about it; `path` is the file of a shipped one."""

    summary: DashboardSummary
    path: str | None
    dashboard: Dashboard


class DashboardLibrary:
    """Find, keep and change dashboards."""

    def __init__(self, store: DashboardStore) -> None:
        """Keep what people make in `store`."""
        self._store = store

    async def summaries(self) -> list[DashboardSummary]:
        """Return all dashboards, by title; shipped ones last."""
        stored = [_stored_summary(listed) for listed in await self._store.summaries()]
        shipped = [_shipped_summary(key, found) for key, found in load_shipped_dashboards().items()]
        return [*stored, *sorted(shipped, key=lambda summary: summary.title)]

    async def open(self, dashboard_id: str) -> OpenedDashboard:
        """Return one dashboard; raises NotFoundError."""
        shipped = load_shipped_dashboards().get(dashboard_id)
        if shipped is not None:
            path = str(DIRECTORY / f"{dashboard_id}.yaml")
            return OpenedDashboard(_shipped_summary(dashboard_id, shipped), path, shipped)
        stored = await self._store.find(dashboard_id)
        if stored is None:
            raise NotFoundError(f"There is no dashboard {dashboard_id!r}. /dashboards lists them.")
        return _opened(stored)

    async def create(self, dashboard: Dashboard) -> OpenedDashboard:
        """Keep a new dashboard; raises InvalidInputError."""
        check_dashboard(dashboard)
        return _opened(await self._store.add(secrets.token_hex(6), asdict(dashboard)))

    async def change(self, dashboard_id: str, version: int, dashboard: Dashboard) -> OpenedDashboard:
        """Replace a version that the caller has seen; raises ConflictError when it is not the newest any more."""
        _refuse_shipped(dashboard_id)
        check_dashboard(dashboard)
        return _opened(await self._store.replace(dashboard_id, version, asdict(dashboard)))

    async def delete(self, dashboard_id: str, version: int) -> None:
        """Delete a version that the caller has seen; raises ConflictError when it is not the newest any more."""
        _refuse_shipped(dashboard_id)
        await self._store.remove(dashboard_id, version)


def _refuse_shipped(dashboard_id: str) -> None:
    shipped = load_shipped_dashboards().get(dashboard_id)
    if shipped is not None:
        raise InvalidInputError(f"{shipped.title!r} comes with Gnomon and cannot be changed. Duplicate it to edit.")


def _stored_summary(listed: ListedDashboard) -> DashboardSummary:
    return DashboardSummary(
        id=listed.id,
        title=listed.title,
        description=listed.description,
        folder=listed.folder,
        tags=listed.tags,
        panels=listed.panels,
        version=listed.version,
        created_ms=listed.created_at_ns // 1_000_000,
        updated_ms=listed.updated_at_ns // 1_000_000,
        shipped=False,
    )


def _shipped_summary(dashboard_id: str, dashboard: Dashboard) -> DashboardSummary:
    return DashboardSummary(
        id=dashboard_id,
        title=dashboard.title,
        description=dashboard.description,
        folder=dashboard.folder,
        tags=dashboard.tags,
        panels=sum(panel.kind != "row" for panel in dashboard.panels),
        version=0,
        created_ms=None,
        updated_ms=None,
        shipped=True,
    )


def _opened(stored: StoredDashboard) -> OpenedDashboard:
    return OpenedDashboard(_stored_summary(stored.listed), None, read_dashboard(stored.document))
