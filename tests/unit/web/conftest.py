"""The web application around a real state database, and a client that talks to it without a network."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gnomon.alerting.notification_service import NotificationService, NotificationSettings
from gnomon.alerting.rule_library import RuleLibrary
from gnomon.dashboards.library import DashboardLibrary
from gnomon.lifecycle import SystemClock
from gnomon.logs.search import LogSearch
from gnomon.logs.tail import LogTail
from gnomon.metrics.queries import MetricQueries
from gnomon.model.api_keys import Scope
from gnomon.model.cardinality import Cardinality, Counted, MetricLabels, RefusedSeries
from gnomon.model.labels import Labels
from gnomon.model.storage_usage import JournalUsage, StorageUsage, TableUsage
from gnomon.slo.sla_monitor import SlaMonitor
from gnomon.storage.alert_rule_store import AlertRuleStore
from gnomon.storage.dashboard_store import DashboardStore
from gnomon.storage.state_store import StateStore
from gnomon.traces.tracing import create_tracing
from gnomon.web.app import create_app
from gnomon.web.auth import Authenticator, create_token
from gnomon.web.health import Health, HealthCheck
from gnomon.web.services import Endpoints, IngestRate, ReloadOutcome, Services, SettingValue
from gnomon.web.settings import Settings


class StoredNothing:
    """A store with one table."""

    async def usage(self) -> StorageUsage:
        table = TableUsage("spans", 10, 100, 400, 1, 2)
        return StorageUsage("embedded", (table,), 1000, None, 5000, 9000, JournalUsage(1, 24, 0.5))


class QuietIngest:
    """Two protocols, one of which refuses."""

    def rates(self, window_s: float) -> list[IngestRate]:
        return [
            IngestRate("otlp_http", "traces", 10, 1000, 1, 0, {}),
            IngestRate("loki", "logs", 5, 500, 1, 2, {"backlog": 2}),
        ]


class Control:
    """A server that was just started."""

    started_at_ns = 1
    endpoints = Endpoints("http://127.0.0.1:1212", "http://127.0.0.1:4318", "127.0.0.1:4317")

    def __init__(self) -> None:
        self.drain_begun = asyncio.Event()

    def retention_s(self) -> dict[str, float]:
        return {"traces": 60, "logs": 120, "metrics": 180}

    def settings(self) -> list[SettingValue]:
        return [SettingValue("port", "1212", "default", "Port.", reloadable=False)]

    def prometheus_content(self) -> Any:
        return None

    async def reload(self) -> ReloadOutcome:
        return ReloadOutcome((), ())


class FewSeries:
    async def cardinality(self, limit: int = 10) -> Cardinality:
        refused = RefusedSeries("x", 7, 1_000_000, 2, Labels.of({"__name__": "x", "id": "9"}), "id", 3)
        names = (Counted("x", 2), Counted("up", 1))[:limit]
        return Cardinality(3, 3, 10, 2, 5, names, (Counted("id", 3),), (Counted("id", 30),), (), (refused,))

    async def metric_labels(self, metric: str) -> MetricLabels:
        return MetricLabels(metric, 2, (Counted("id", 2),))


# These tests ask nothing about logs; tests/integration does, of a real store.
NO_LINES: Any = None


@dataclass(frozen=True, slots=True)
class App:
    """The application, what it was made of, and a client."""

    client: httpx.AsyncClient
    services: Services
    state: StateStore

    async def create_key(self, *scopes: Scope) -> str:
        key_id, token, token_sha256 = create_token()
        await self.state.add_key(key_id, "test", frozenset(scopes), token_sha256)
        return token


OpenApp = Callable[..., AbstractAsyncContextManager[App]]


async def _nothing() -> None:
    pass


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def open_app(tmp_path: Path) -> OpenApp:
    """Return a way to open the application with changed settings."""

    @asynccontextmanager
    async def opened(
        checks: tuple[HealthCheck, ...] = (),
        queries: MetricQueries = NO_LINES,
        notifications: NotificationSettings | None = None,
        slas: SlaMonitor = NO_LINES,
        **changes: object,
    ) -> AsyncIterator[App]:
        clock = SystemClock()
        state = StateStore(tmp_path, None, clock)
        await state.start()
        settings = replace(Settings(), **changes)  # type: ignore[arg-type]
        notifying = NotificationService(state, clock, lambda: notifications or NotificationSettings())
        await notifying.start()
        health = Health(checks, clock)
        await health.check()
        health.mark_started()
        services = Services(
            settings=settings,
            control=Control(),
            authenticator=Authenticator(settings, state, clock),
            health=health,
            storage=StoredNothing(),
            ingest=QuietIngest(),
            logs=LogSearch(NO_LINES, NO_LINES),
            log_tail=LogTail(NO_LINES, clock),
            tracing=create_tracing(NO_LINES, NO_LINES, clock),
            work=NO_LINES,
            costs=NO_LINES,
            dashboards=DashboardLibrary(DashboardStore(state, clock)),
            metrics=FewSeries(),
            queries=queries,
            scraping=NO_LINES,
            rules=NO_LINES,
            notifications=notifying,
            rule_library=RuleLibrary(AlertRuleStore(state, clock), tuple, _nothing),
            slas=slas,
        )
        app = create_app(services, [Route("/v1/traces", _echo, methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:1212") as client:
            yield App(client, services, state)
        await notifying.stop()
        await state.stop()

    return opened
