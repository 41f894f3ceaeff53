"""What the routes work with: one value that the server fills and each route picks from."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from gnomon.alerting.group_evaluation import GroupState
from gnomon.alerting.notification_service import NotificationService
from gnomon.alerting.rule_library import RuleLibrary
from gnomon.costs.cost_reports import CostReports
from gnomon.dashboards.library import DashboardLibrary
from gnomon.ingest.exposition.samples import Metadata
from gnomon.ingest.scraping.scraper import Targets
from gnomon.logs.search import LogSearch
from gnomon.logs.tail import LogTail
from gnomon.metrics.queries import MetricQueries
from gnomon.model.cardinality import Cardinality, MetricLabels
from gnomon.model.labels import Labels
from gnomon.model.storage_usage import StorageUsage
from gnomon.slo.sla_monitor import SlaMonitor
from gnomon.tasks.work import Work
from gnomon.traces.tracing import Tracing
from gnomon.web.auth import Authenticator
from gnomon.web.health import Health
from gnomon.web.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Tell where senders and browsers reach this process, as URLs; gRPC as host:port."""

    ui: str
    otlp_http: str
    otlp_grpc: str


@dataclass(frozen=True, slots=True)
class SettingValue:
    """Show one effective setting as people write it; secrets arrive here redacted."""

    key: str
    value: str
    source: str
    description: str
    reloadable: bool


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """Tell which settings a reload changed, and which changes wait for a restart."""

    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IngestRate:
    """Tell how one protocol and signal fared lately: items and bytes accepted a second, and refusals by reason."""

    protocol: str
    signal: str
    items_per_s: float
    bytes_per_s: float
    requests_per_s: float
    refused_per_s: float
    refusals: dict[str, float]


class StorageInspector(Protocol):
    """Measure storage."""

    async def usage(self) -> StorageUsage:
        """Return what is stored now; raises UnavailableError when the engine does not answer."""


class MetricInspector(Protocol):
    """Tell what there is of metrics; raises UnavailableError when the engine does not answer."""

    async def cardinality(self, limit: int = 10) -> Cardinality:
        """Return what makes the series many, the `limit` largest of each kind."""

    async def metric_labels(self, metric: str) -> MetricLabels:
        """Return how many values each label of a metric has."""


class ScrapeInspector(Protocol):
    """Tell what is scraped."""

    @property
    def pools(self) -> Sequence[str]:
        """Return the names of all jobs."""

    def targets(self) -> Targets:
        """Return every target with how its last scrape went."""

    def target_metadata(self) -> Sequence[tuple[Labels, str, Metadata]]:
        """Return what each target says about its metric families."""


class IngestMonitor(Protocol):
    """Watch what comes in."""

    def rates(self, window_s: float) -> list[IngestRate]:
        """Return the rates over the last `window_s` seconds, or since the start if that is shorter."""


class RuleInspector(Protocol):
    """Look at rules."""

    @property
    def groups(self) -> Sequence[GroupState]:
        """Return all groups with what became of their last evaluation, in the order of their files."""


class ServerControl(Protocol):
    """Know and change how the server runs."""

    @property
    def started_at_ns(self) -> int:
        """Return when the process began, in Unix nanoseconds."""

    @property
    def endpoints(self) -> Endpoints:
        """Return where this process listens."""

    @property
    def drain_begun(self) -> asyncio.Event:
        """Return the event that is set when the server is on its way down."""

    def retention_s(self) -> dict[str, float]:
        """Return how long each signal is kept, in seconds."""

    def settings(self) -> list[SettingValue]:
        """Return every effective setting with its source."""

    def prometheus_content(self) -> Any:
        """Return the prometheus.yml in use as parsed, secrets hidden; None if there is none."""

    async def reload(self) -> ReloadOutcome:
        """Read the settings again and apply what can change; if wrong, raise InvalidInputError and change nothing."""


@dataclass(frozen=True, slots=True)
class Services:
    """Hold what routes need: declare it here, fill it in `gnomon.server`, take it from `ServicesDep` in the route."""

    settings: Settings
    control: ServerControl
    authenticator: Authenticator
    health: Health
    storage: StorageInspector
    ingest: IngestMonitor
    logs: LogSearch
    log_tail: LogTail
    tracing: Tracing
    work: Work
    costs: CostReports
    dashboards: DashboardLibrary
    metrics: MetricInspector
    queries: MetricQueries
    scraping: ScrapeInspector
    rules: RuleInspector
    notifications: NotificationService
    rule_library: RuleLibrary
    slas: SlaMonitor


async def get_services(request: Request) -> Services:
    """Return the services that the server put into the application's state."""
    # A plain function would be run in a thread: several milliseconds for nothing, on a busy machine.
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
