"""The composition root: builds every part, starts and stops them in order, and turns signals into actions."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import structlog
from prometheus_client import REGISTRY

from gnomon import __version__
from gnomon.alerting.conditions import Conditions
from gnomon.alerting.heartbeat import Heartbeat
from gnomon.alerting.notification_service import NotificationService, NotificationSettings
from gnomon.alerting.rule_files import RuleGroup, load_rule_files
from gnomon.alerting.rule_library import RuleLibrary, check_rule_files
from gnomon.alerting.rule_service import RuleService, RuleSettings
from gnomon.alerting.shared_samples import SharedSamples
from gnomon.config import Config
from gnomon.costs.cost_reports import CostReports
from gnomon.dashboards.library import DashboardLibrary
from gnomon.ingest.errors import AccessDeniedError
from gnomon.ingest.jsonl import jsonl_routes
from gnomon.ingest.loki_push import loki_routes
from gnomon.ingest.otlp_grpc import Authorize, GrpcListener, OtlpGrpcServer
from gnomon.ingest.otlp_http import OtlpReceiver, otlp_routes
from gnomon.ingest.otlp_metrics import OtlpMetrics
from gnomon.ingest.own_samples import OwnSamples
from gnomon.ingest.own_targets import own_sources
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.remote_write import remote_write_routes
from gnomon.ingest.scraping.prometheus_file import PrometheusConfig
from gnomon.ingest.scraping.scraper import Scraper
from gnomon.ingest.write_request import SampleWriter
from gnomon.lifecycle import PeriodicService, Service, SystemClock
from gnomon.logs.counting import LogCounts
from gnomon.logs.search import LogSearch
from gnomon.logs.tail import LogTail
from gnomon.metrics.queries import MetricQueries
from gnomon.model.api_keys import Scope
from gnomon.model.byte_sizes import format_byte_size
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError
from gnomon.promql.engine import QueryEngine
from gnomon.slo.burn_rates import rule_groups
from gnomon.slo.indicator_queries import EXTENDED_RANGES
from gnomon.slo.sla_monitor import SlaMonitor
from gnomon.storage.alert_rule_store import AlertRuleStore
from gnomon.storage.cluster import ClusterEngine
from gnomon.storage.cost_store import CostStore
from gnomon.storage.dashboard_store import DashboardStore
from gnomon.storage.dead_letter_log import DeadLetterLog
from gnomon.storage.downsampling import Downsampler
from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.engine import Engine
from gnomon.storage.errors import StorageError
from gnomon.storage.journal import Journal
from gnomon.storage.log_statistics import LogStatistics
from gnomon.storage.log_store import LogStore
from gnomon.storage.metric_facts import MetricFacts
from gnomon.storage.metric_store import MetricStore
from gnomon.storage.migrations import migrate
from gnomon.storage.retention import Retention
from gnomon.storage.series_catalog import SeriesCatalog
from gnomon.storage.settings import StorageSettings
from gnomon.storage.span_condition_store import SpanConditionStore
from gnomon.storage.span_metric_store import SpanMetricStore
from gnomon.storage.state_store import StateStore
from gnomon.storage.task_store import TaskStore
from gnomon.storage.usage import StorageMeter
from gnomon.tasks.work import Work, create_work
from gnomon.telemetry import OwnTraces, configure_logs
from gnomon.traces.span_metrics import SpanMetrics
from gnomon.traces.tracing import Tracing, create_tracing
from gnomon.web.app import create_app, create_ingest_app
from gnomon.web.auth import Authenticator
from gnomon.web.errors import ForbiddenError, UnauthenticatedError
from gnomon.web.health import Health, HealthCheck
from gnomon.web.ingest_activity import IngestActivity
from gnomon.web.listeners import HttpListener, bind_socket, check_certificate
from gnomon.web.services import Endpoints, ReloadOutcome, Services, SettingValue

log = structlog.get_logger(__name__)

_HARD_EXIT_CODE = 1
_PRICES_S = 600.0
_REPLAYS_S = 10.0
# Large answers are hundreds of thousands of objects without a cycle among them: with the usual thresholds the collector
# takes as long as making them.
_GC_THRESHOLDS = (50_000, 20, 20)
# Where others insert into the same cluster, a line is handed to followers once all before it are stored, too.
_SHARED_ENGINE_SETTLES_S = 2.0


# Rules keep samples of their own, so that people's questions do not push them out.
_RULES_SHARE_OF_CACHE = 2


class StartRefusedError(GnomonError):
    """Tell that the server does not start as it is set up."""


class Server:
    """One Gnomon process: everything between the data directory and the listeners."""

    def __init__(self, config: Config, read_config: Callable[[], Config]) -> None:
        """Remember the settings, and how to read them again."""
        self._config = config
        self._read_config = read_config
        self._clock = SystemClock()
        self._stack = AsyncExitStack()
        self._endpoints = Endpoints("", "", "")
        self._drain_begun = asyncio.Event()
        self._engine: Engine | None = None
        self._scraper: Scraper | None = None
        self._otlp_metrics: OtlpMetrics | None = None
        self._rules: RuleService | None = None
        self._notifications: NotificationService | None = None
        self._dashboards: DashboardLibrary | None = None
        self._listeners: tuple[HttpListener | OtlpGrpcServer, ...] = ()
        self.started_at_ns = self._clock.now_ns()

    @property
    def endpoints(self) -> Endpoints:
        """Return where this process listens."""
        return self._endpoints

    @property
    def drain_begun(self) -> asyncio.Event:
        """Return the event that is set when the server is on its way down."""
        return self._drain_begun

    def retention_s(self) -> dict[str, float]:
        """Return how long each signal is kept, in seconds."""
        retention = self._config.storage.retention
        return {
            "traces": retention.traces_s,
            "logs": retention.logs_s,
            "metrics": retention.metrics_s,
            "metrics_5m": retention.metrics_5m_s,
            "metrics_1h": retention.metrics_1h_s,
            "tasks": retention.tasks_s,
        }

    def settings(self) -> list[SettingValue]:
        """Return every effective setting with its source."""
        return [
            SettingValue(
                key=setting.info.key,
                value=setting.value,
                source=setting.source,
                description=setting.info.description,
                reloadable=setting.info.reloadable,
            )
            for setting in self._config.effective()
        ]

    def prometheus_content(self) -> Any:
        """Return the prometheus.yml in use as parsed, secrets hidden; None if there is none."""
        return self._config.prometheus.content

    async def start(self) -> None:
        """Start every part; when one cannot, stop those before it and raise its error."""
        began = time.monotonic()
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        # What was made so far stays: the collector need not look through it again and again.
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        log.info(
            "ready",
            version=__version__,
            ui=self._endpoints.ui,
            otlp_http=self._endpoints.otlp_http,
            otlp_grpc=self._endpoints.otlp_grpc,
            data_dir=str(self._config.options.data_dir),
            start_s=round(time.monotonic() - began, 3),
        )

    async def stop(self) -> None:
        """Drain: accept no more, finish requests, bring what is accepted to disk, close everything."""
        log.info("draining")
        self._drain_begun.set()
        await self._stack.aclose()
        log.info("stopped")

    async def reload(self) -> ReloadOutcome:
        """Read the configuration again and apply what can change while running; raises InvalidInputError on faults."""
        new = self._read_config()
        load_rule_files(new.prometheus.rule_files, new.promql.features)
        check_rule_files(new.options.alerting.rules)
        check_certificate(self._config.web)
        old_values = {setting.info.key: setting.value for setting in self._config.effective()}
        changed = [setting.info for setting in new.effective() if old_values[setting.info.key] != setting.value]
        applied = tuple(info.key for info in changed if info.reloadable)
        waiting = tuple(info.key for info in changed if not info.reloadable)
        configure_logs(new.telemetry)
        if self._engine is not None and any(key.startswith("storage.retention") for key in applied):
            await migrate(self._engine, new.storage.retention, self._config.storage.redaction)
        self._config = self._config.with_reloadable(new)
        if self._engine is not None:
            self._engine.limit(self._config.storage.query)
        for listener in self._listeners:
            listener.reload_certificate()
        await self._scrape(new.prometheus)
        if self._otlp_metrics is not None:
            self._otlp_metrics.reconfigure(self._config.ingest.otlp)
        if self._dashboards is not None:
            self._dashboards.use_files(self._config.dashboards)
        await self._reload_rules()
        if self._notifications is not None:
            await self._notifications.reload()
        log.info("configuration read again", applied=applied, needs_restart=waiting)
        return ReloadOutcome(applied, waiting)

    async def _start(self) -> None:
        config, web = self._config, self._config.web
        for name in config.unknown_variables:
            log.warning("unknown environment variable", variable=name, see="docs/reference/settings.md")
        state = StateStore(config.options.data_dir, config.options.storage.state_url or None, self._clock)
        await self._add(state)
        await self._refuse_open_door(state)
        main_socket = bind_socket(web.host, web.port, setting="port")
        self._stack.callback(main_socket.close)
        otlp_socket = bind_socket(web.host, web.otlp_http_port, setting="otlp_http_port")
        self._stack.callback(otlp_socket.close)
        # gRPC binds by itself; asking first gives all three ports the same words.
        bind_socket(web.host, web.otlp_grpc_port, setting="otlp_grpc_port").close()

        storage = config.storage
        engine = self._engine = open_engine(storage)
        await self._add(engine)
        await migrate(engine, storage.retention, storage.redaction)
        journal = Journal(storage.data_dir / "journal", engine, storage.journal, storage.min_free_bytes, self._clock)
        await self._add(journal)
        await self._add(Retention(engine, storage.max_bytes, self._clock))
        meter = StorageMeter(engine, storage)

        activity = IngestActivity(REGISTRY, self._clock)
        await self._add(activity)
        health = Health(
            (
                HealthCheck("engine", meter.check),
                HealthCheck("state", state.check),
                # Reads go on while ingest refuses: the server stays where requests are sent.
                HealthCheck("journal", lambda: _check_journal(journal), required=False),
            ),
            self._clock,
        )
        await self._add(health)
        authenticator = Authenticator(web, state, self._clock)
        settle_s = _SHARED_ENGINE_SETTLES_S if storage.engine.cluster_url else 0.0
        tracing, work, costs = await self._open_work(state, engine, journal)
        log_store = LogStore(engine, journal, settle_s=settle_s)
        series, facts = await self._open_metrics(engine, journal)
        receiver = Receiver(journal)
        scraper = self._scraper = Scraper(
            SampleWriter(receiver),
            self._clock,
            config.prometheus.jobs,
            own_sources(main_socket.getsockname()[1], config.own_metrics, config.host_metrics),
            extra_metrics=config.options.scraping.extra_metrics,
        )
        rules, notifications, library = self._open_alerting(
            state,
            series,
            SampleWriter(receiver),
            Conditions(LogCounts(log_store), SpanConditionStore(engine, journal)),
        )
        dashboards = self._dashboards = DashboardLibrary(DashboardStore(state, self._clock), config.dashboards)
        services = Services(
            settings=web,
            control=self,
            authenticator=authenticator,
            health=health,
            storage=meter,
            ingest=activity,
            logs=LogSearch(log_store, LogStatistics(engine, journal)),
            log_tail=LogTail(log_store, self._clock),
            tracing=tracing,
            work=work,
            costs=costs,
            dashboards=dashboards,
            metrics=facts,
            queries=MetricQueries(QueryEngine(series, config.promql), series, facts),
            scraping=scraper,
            rules=rules,
            notifications=notifications,
            rule_library=library,
            slas=self._make_slas(series),
        )
        counted = OwnSamples(SampleWriter(receiver), "span_metrics")
        await self._add(SpanMetrics(SpanMetricStore(engine), journal, counted, self._clock, config.span_metrics))
        own_traces = OwnTraces(config.telemetry, lambda request: receiver.accept("otlp_traces", request))
        await self._add(own_traces)
        self._otlp_metrics = OtlpMetrics(receiver, config.ingest.otlp, self._clock)
        otlp = OtlpReceiver(receiver, self._otlp_metrics)
        ingest_routes = [
            *otlp_routes(otlp, config.ingest),
            *loki_routes(receiver, config.ingest),
            *jsonl_routes(receiver, config.ingest),
            *remote_write_routes(receiver, config.ingest, self._clock),
        ]
        main = HttpListener(create_app(services, ingest_routes, own_traces.tracer), main_socket, web)
        otlp_http = HttpListener(create_ingest_app(services, ingest_routes), otlp_socket, web)
        otlp_grpc = OtlpGrpcServer(
            otlp,
            config.ingest,
            GrpcListener(web.host, web.otlp_grpc_port, web.tls_certificate, web.tls_key),
            _authorize_with(authenticator),
        )
        base = f"{web.scheme}://{_url_host(web.host)}"
        self._listeners = (main, otlp_http, otlp_grpc)
        await self._add(_Together(self._listeners))
        self._endpoints = Endpoints(
            ui=f"{base}:{main.port}",
            otlp_http=f"{base}:{otlp_http.port}",
            otlp_grpc=f"{_url_host(web.host)}:{otlp_grpc.port}",
        )
        _warn_of_unused(config.prometheus)
        for service in (
            scraper,
            notifications,
            rules,
            self._make_heartbeat(rules, notifications),
            self._make_judging(services.slas),
        ):
            await self._add(service)
        self._stack.callback(health.mark_draining)
        health.mark_started()

    def _open_alerting(
        self, state: StateStore, series: MetricStore, writer: SampleWriter, conditions: Conditions
    ) -> tuple[RuleService, NotificationService, RuleLibrary]:
        """Return what finds alerts, and what tells people of them; neither is started."""
        promql = self._config.promql
        notifications = self._notifications = NotificationService(state, self._clock, self._notification_settings)
        library = RuleLibrary(
            AlertRuleStore(state, self._clock), lambda: self._config.options.alerting.rules, self._reload_rules
        )
        kept_bytes = promql.sample_cache_bytes // _RULES_SHARE_OF_CACHE
        rules = self._rules = RuleService(
            SharedSamples(series, series, kept_bytes) if kept_bytes else series,
            lambda source: QueryEngine(source, promql),
            writer,
            self._clock,
            self._rule_settings,
            notifications.put,
            conditions,
            lambda: self._more_groups(library),
        )
        return rules, notifications, library

    async def _more_groups(self, library: RuleLibrary) -> list[RuleGroup]:
        """Return the rules that stand in no rule file: people's own, and those that watch error budgets."""
        return [*await library.groups(), *rule_groups(self._config.slos)]

    def _make_slas(self, series: MetricStore) -> SlaMonitor:
        # What was counted is kept by the monitor itself.
        promql = replace(self._config.promql, features=EXTENDED_RANGES, sample_cache_bytes=0, result_cache_bytes=0)
        return SlaMonitor(QueryEngine(series, promql), self._clock, lambda: self._config.slos, self._config.slas)

    def _make_judging(self, slas: SlaMonitor) -> PeriodicService:
        return PeriodicService("slas", slas.evaluate, self._config.slas.interval_s, self._clock)

    async def _reload_rules(self) -> None:
        if self._rules is not None:
            await self._rules.reload()

    def _make_heartbeat(self, rules: RuleService, notifications: NotificationService) -> Heartbeat:
        return Heartbeat(
            lambda: self._config.heartbeat, lambda: rules.problem() or notifications.problem(), self._clock
        )

    def _notification_settings(self) -> NotificationSettings:
        settings = self._config.notifications
        return replace(settings, external_url=settings.external_url or self._endpoints.ui)

    def _rule_settings(self) -> RuleSettings:
        prometheus = self._config.prometheus
        return RuleSettings(
            rule_files=prometheus.rule_files,
            evaluation_interval_ms=prometheus.evaluation_interval_ms,
            query_offset_ms=prometheus.rule_query_offset_ms,
            external_labels=prometheus.external_labels,
            external_url=self._config.notifications.external_url or self._endpoints.ui,
            features=self._config.promql.features,
            resend_delay_ms=round(self._config.options.alerting.resend_delay * 1000),
            alert_relabel_rules=prometheus.alerting.alert_relabel_configs,
        )

    async def _scrape(self, prometheus: PrometheusConfig) -> None:
        _warn_of_unused(prometheus)
        if self._scraper is not None:
            await self._scraper.reconfigure(prometheus.jobs)

    async def _open_metrics(self, engine: Engine, journal: Journal) -> tuple[MetricStore, MetricFacts]:
        """Start what keeps series in order, and return what reads them."""
        settings = self._config.storage.metrics
        catalog = SeriesCatalog(engine, journal, settings, self._clock)
        await self._add(catalog)
        await self._add(Downsampler(engine, catalog, self._clock))
        return MetricStore(engine, catalog, settings), MetricFacts(engine, catalog, settings)

    async def _open_work(
        self, state: StateStore, engine: Engine, journal: Journal
    ) -> tuple[Tracing, Work, CostReports]:
        """Start what watches over traces and tasks, and return what answers questions about them."""
        tracing = create_tracing(engine, journal, self._clock)
        await self._add(tracing.edges)
        settings = self._config.costs
        letters = DeadLetterLog(state, self._clock)
        work = create_work(engine, journal, letters, self._config.brokers, self._clock)
        costs = CostReports(
            CostStore(engine, journal, settings.rates), TaskStore(engine, journal), settings, self._clock
        )
        await self._add(PeriodicService("prices", costs.update_recent_prices, _PRICES_S, self._clock))
        await self._add(PeriodicService("replays", work.dead_letters.advance, _REPLAYS_S, self._clock))
        return tracing, work, costs

    async def _refuse_open_door(self, state: StateStore) -> None:
        web = self._config.web
        if not web.keys_required or any(key.revoked_at_ns is None for key in await state.list_keys()):
            return
        message = (
            f"Refusing to listen on {web.host} without API keys: anybody who reaches that address could read and "
            "write everything. Create a key first:\n"
            f"    gnomon keys create --scope admin --data-dir {self._config.options.data_dir}\n"
            "Or listen on 127.0.0.1."
        )
        raise StartRefusedError(message)

    async def _add(self, service: Service) -> None:
        """Start a part, to be stopped in the reverse order."""
        await service.start()
        self._stack.push_async_callback(service.stop)


class _Together:
    """Several services that start in order and stop at the same time."""

    def __init__(self, services: tuple[Service, ...]) -> None:
        self._services = services
        self._started: list[Service] = []

    async def start(self) -> None:
        try:
            for service in self._services:
                await service.start()
                self._started.append(service)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await asyncio.gather(*(service.stop() for service in self._started))
        self._started.clear()


def _warn_of_unused(prometheus: PrometheusConfig) -> None:
    for warning in prometheus.warnings:
        log.warning("part of the Prometheus configuration is not used", what=warning)


def _authorize_with(authenticator: Authenticator) -> Authorize:
    """Return the check of a gRPC call's metadata, in the terms of ingest."""

    async def authorize(metadata: Mapping[str, str]) -> None:
        try:
            await authenticator.authorize(metadata, Scope.INGEST)
        except (UnauthenticatedError, ForbiddenError) as error:
            raise AccessDeniedError(str(error), known=isinstance(error, ForbiddenError)) from error

    return authorize


async def _check_journal(journal: Journal) -> str:
    if journal.refusal:
        raise UnavailableError(journal.refusal, reason="journal")
    if journal.set_aside:
        message = f"{journal.set_aside} requests could not be read by the engine; they are kept in journal/rejected."
        raise StorageError(message)
    return f"{format_byte_size(journal.backlog_bytes)} wait to be loaded"


def open_engine(storage: StorageSettings) -> Engine:
    """Return the engine that the settings name, not yet started."""
    if storage.engine.cluster_url:
        return ClusterEngine(storage.engine, storage.query)
    return EmbeddedEngine(storage.data_dir, storage.engine, storage.query)


async def run_server(config: Config, read_config: Callable[[], Config]) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the process at once, SIGHUP reads the configuration again."""
    server = Server(config, read_config)
    loop = asyncio.get_running_loop()
    stop_asked = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def ask_to_stop() -> None:
        if stop_asked.is_set():
            # Whatever was acknowledged is in the journal; the next start loads it.
            os._exit(_HARD_EXIT_CODE)
        stop_asked.set()

    def ask_to_reload() -> None:
        task = asyncio.create_task(_reload(server))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGTERM, ask_to_stop)
    loop.add_signal_handler(signal.SIGINT, ask_to_stop)
    loop.add_signal_handler(signal.SIGHUP, ask_to_reload)
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop_asked.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    starting.result()
    await stopping
    await server.stop()


async def _reload(server: Server) -> None:
    try:
        await server.reload()
    except InvalidInputError as error:
        log.warning("configuration is wrong, the old one stays", error=str(error))


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
