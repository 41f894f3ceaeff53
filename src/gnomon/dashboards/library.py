"""All dashboards: those that people made, those that are kept as files, and those that Gnomon ships."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

import structlog

from gnomon.dashboards.dashboard_files import DashboardFile
from gnomon.dashboards.documents import Dashboard, check_dashboard, read_dashboard
from gnomon.dashboards.shipped_dashboards import DIRECTORY, load_shipped_dashboards
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.storage.dashboard_store import DashboardStore, ListedDashboard, StoredDashboard

log = structlog.get_logger(__name__)

_NO_FILES: Mapping[str, DashboardFile] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DashboardSummary:
    """Show a dashboard in a list; times are Unix milliseconds, null for one that cannot be changed here.

    That is one that comes with Gnomon (`shipped`), or one that is kept in the file at `path`.
    """

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
    path: str | None


@dataclass(frozen=True, slots=True)
class OpenedDashboard:
    """Hold a dashboard with what is known about it; `path` is the file of one that cannot be changed."""

    summary: DashboardSummary
    path: str | None
    dashboard: Dashboard


class DashboardLibrary:
    """Find, keep and change dashboards."""

    def __init__(self, store: DashboardStore, files: Mapping[str, DashboardFile] = _NO_FILES) -> None:
        """Keep what people make in `store`, and show what stands in `files`."""
        self._store = store
        self.use_files(files)

    def use_files(self, files: Mapping[str, DashboardFile]) -> None:
        """Show what stands in these files from now on."""
        self._files = files
        for file in files.values():
            if file.findings:
                messages = [f"{finding.panel or 'dashboard'}: {finding.message}" for finding in file.findings]
                log.warning("part of a dashboard file is shown differently", path=file.path, what=messages)

    async def summaries(self) -> list[DashboardSummary]:
        """Return all dashboards, by title; shipped ones last."""
        stored = [_stored_summary(listed) for listed in await self._store.summaries()]
        stored += [_fixed_summary(key, file.dashboard, path=file.path) for key, file in self._files.items()]
        stored.sort(key=lambda summary: summary.title)
        shipped = [_fixed_summary(key, found) for key, found in load_shipped_dashboards().items()]
        return [*stored, *sorted(shipped, key=lambda summary: summary.title)]

    async def open(self, dashboard_id: str) -> OpenedDashboard:
        """Return one dashboard; raises NotFoundError."""
        shipped = load_shipped_dashboards().get(dashboard_id)
        if shipped is not None:
            path = str(DIRECTORY / f"{dashboard_id}.yaml")
            return OpenedDashboard(_fixed_summary(dashboard_id, shipped), path, shipped)
        if (file := self._files.get(dashboard_id)) is not None:
            return OpenedDashboard(
                _fixed_summary(dashboard_id, file.dashboard, path=file.path), file.path, file.dashboard
            )
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
        self._refuse_fixed(dashboard_id)
        check_dashboard(dashboard)
        return _opened(await self._store.replace(dashboard_id, version, asdict(dashboard)))

    async def delete(self, dashboard_id: str, version: int) -> None:
        """Delete a version that the caller has seen; raises ConflictError when it is not the newest any more."""
        self._refuse_fixed(dashboard_id)
        await self._store.remove(dashboard_id, version)

    def _refuse_fixed(self, dashboard_id: str) -> None:
        shipped = load_shipped_dashboards().get(dashboard_id)
        if shipped is not None:
            raise InvalidInputError(f"{shipped.title!r} comes with Gnomon and cannot be changed. Duplicate it to edit.")
        if (file := self._files.get(dashboard_id)) is not None:
            raise InvalidInputError(
                f"{file.dashboard.title!r} stands in the file {file.path!r}. Change it there, or duplicate it to edit."
            )


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
        path=None,
    )


def _fixed_summary(dashboard_id: str, dashboard: Dashboard, *, path: str | None = None) -> DashboardSummary:
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
        shipped=path is None,
        path=path,
    )


def _opened(stored: StoredDashboard) -> OpenedDashboard:
    return OpenedDashboard(_stored_summary(stored.listed), None, read_dashboard(stored.document))
