"""Settings: command line over environment over `gnomon.yml` over defaults, composed into what each part needs."""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as of_dataclass
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gnomon import telemetry
from gnomon.alerting.alertmanager_config import (
    AlertmanagerConfig,
    AlertmanagerConfigError,
    load_alertmanager_config,
    no_routing,
)
from gnomon.alerting.heartbeat import HeartbeatSettings
from gnomon.alerting.notification_service import NotificationSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.costs import settings as costs_settings
from gnomon.dashboards.dashboard_files import DashboardFile, DashboardFileError, load_dashboard_files
from gnomon.ingest.otlp_names import TranslationStrategy
from gnomon.ingest.scraping.prometheus_file import PrometheusConfig, PrometheusFileError, load_prometheus_file
from gnomon.ingest.settings import HostMetricsSettings, IngestSettings, OtlpSettings, OwnMetricsSettings
from gnomon.model.byte_sizes import parse_byte_size
from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import InvalidInputError
from gnomon.promql.settings import EngineSettings as PromqlSettings
from gnomon.promql.syntax_tree import Features
from gnomon.slo.objectives import Objective
from gnomon.slo.openslo_files import SloFileError, load_slo_files
from gnomon.slo.settings import SLA_JOURNAL, SlaSettings
from gnomon.storage.settings import (
    EngineSettings,
    JournalSettings,
    MetricSettings,
    QuerySettings,
    RedactionSettings,
    RetentionSettings,
    StorageSettings,
)
from gnomon.tasks.brokers import parse_brokers
from gnomon.traces.span_metrics import SpanMetricsSettings
from gnomon.web import settings as web_settings

DEFAULT_CONFIG = Path("gnomon.yml")
ENVIRONMENT_PREFIX = "GNOMON_"

_NANOSECONDS = 1_000_000_000
_HIDDEN = "(hidden)"
_NO_PROMETHEUS = PrometheusConfig()
_NO_ALERTMANAGER = no_routing()


class SettingsError(InvalidInputError):
    """Tell what is wrong with the settings: where, which, its value and what to do."""


def _seconds(value: object) -> object:
    try:
        return parse_duration_ns(value) / _NANOSECONDS if isinstance(value, str) else value
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


def _bytes(value: object) -> object:
    try:
        return parse_byte_size(value) if isinstance(value, str) else value
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


def _items(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
ByteSize = Annotated[int, BeforeValidator(_bytes), Field(ge=0)]
TextList = Annotated[list[str], BeforeValidator(_items)]
FeatureList = Annotated[
    list[
        Literal[
            "promql-experimental-functions",
            "promql-duration-expr",
            "promql-extended-range-selectors",
            "promql-binop-fill-modifiers",
            "promql-delayed-name-removal",
            "type-and-unit-labels",
            "use-start-timestamps",
        ]
    ],
    BeforeValidator(_items),
]
Count = Annotated[int, Field(ge=1)]
Dollars = Annotated[Decimal, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _setting(default: Any, description: str, *, reloadable: bool = False, secret: bool = False) -> Any:
    """Declare a setting; defaults are written as people write them and go through the same validation."""
    return Field(
        default=default,
        description=description,
        validate_default=True,
        json_schema_extra={"reloadable": reloadable, "secret": secret},
    )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsOptions(_Section):
    """Serve over TLS when both are set."""

    certificate: Path | None = _setting(
        None,
        "PEM file with the certificate chain; all three listeners then speak TLS. A reload reads both files again.",
    )
    key: Path | None = _setting(None, "PEM file with the certificate's private key.")


class AuthOptions(_Section):
    """Say who gets in."""

    required: bool = _setting(
        False, "Ask for API keys on loopback, too, as behind a reverse proxy. Every other address asks for them always."
    )
    allowed_hosts: TextList = _setting(
        [], "Host names by which a server on loopback may be reached, besides localhost."
    )
    session_lifetime: Duration = _setting("12h", "How long a browser stays signed in.")


class QueryOptions(_Section):
    """Bound what one query may cost."""

    time: Duration = _setting("30s", "Longest time for a query.")
    memory_bytes: ByteSize = _setting("2GiB", "Most memory for a query.", reloadable=True)
    result_rows: Count = _setting(1_000_000, "Most rows that a query may return.", reloadable=True)
    concurrency: Count = _setting(8, "Queries that run at the same time; others wait.")
    lookback: Duration = _setting("5m", "How old the newest sample of a series may be in a PromQL query.")
    max_samples: Count = _setting(50_000_000, "Most samples that a PromQL query may hold in memory.")
    max_series: Count = _setting(200_000, "Most series that a selector of a PromQL query may find.")
    sample_cache: ByteSize = _setting(
        "256MiB", "Most memory for samples that PromQL has read lately; 0 keeps none, nor does Gnomon on a cluster."
    )
    result_cache: ByteSize = _setting(
        "64MiB",
        "Most memory for answers to PromQL range queries, so that a refresh computes only what is new; as above.",
    )
    features: FeatureList = _setting(
        [],
        "Experimental parts of PromQL, by Prometheus' names: promql-experimental-functions, promql-duration-expr, "
        "promql-extended-range-selectors, promql-binop-fill-modifiers, promql-delayed-name-removal, "
        "type-and-unit-labels, use-start-timestamps.",
    )


class LogOptions(_Section):
    """Say how Gnomon logs."""

    level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "Least severe level that is logged.", reloadable=True
    )
    format: Literal["auto", "json", "console"] = _setting(
        "auto", "`json` lines or `console` text; `auto` is `console` on a terminal.", reloadable=True
    )


class OwnTracesOptions(_Section):
    """Say whether Gnomon traces itself."""

    enabled: bool = _setting(True, "Trace Gnomon's own requests into its own store, ingest excluded.")
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = _setting(0.1, "Share of own requests that are traced, 0 to 1.")


class OwnMetricsOptions(_Section):
    """Say whether Gnomon keeps its own metrics."""

    enabled: bool = _setting(True, "Scrape Gnomon's own `/metrics` into its own store, as job `gnomon`.")
    interval: Duration = _setting("15s", "How often.")


class HostMetricsOptions(_Section):
    """Say whether the machine is watched that Gnomon runs on."""

    enabled: bool = _setting(
        True, "Keep metrics of this machine under node_exporter's names, as job `node`, without an exporter."
    )
    interval: Duration = _setting("15s", "How often.")
    process_groups: Annotated[int, Field(ge=0)] = _setting(
        10, "Groups of processes to tell of, by CPU time and again by memory. 0: none."
    )


class ScrapingOptions(_Section):
    """Say what is told about scrapes."""

    extra_metrics: bool = _setting(
        False,
        "Report `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` for each target, too.",
    )


class AlertingOptions(_Section):
    """Say how alerts reach people."""

    external_url: str = _setting(
        "", "URL under which people reach Gnomon, for links in messages. Empty: where it listens.", reloadable=True
    )
    allowed_networks: TextList = _setting(
        [],
        "Private networks (10.0.0.0/8, 127.0.0.0/8, ::1/128) that webhooks and other channels may reach; "
        "public addresses they always may. Mail servers are not bound by it.",
        reloadable=True,
    )
    rules: TextList = _setting(
        [],
        "Files with alert rules in Gnomon's own short form, YAML: paths, which may hold patterns. Rule files in "
        "Prometheus' form are named by prometheus.yml.",
        reloadable=True,
    )
    request_timeout: Duration = _setting("15s", "How long a channel may take to answer.", reloadable=True)
    resend_delay: Duration = _setting(
        "1m",
        "How often an alert of Gnomon's own rules that goes on firing is told again, within Gnomon.",
        reloadable=True,
    )
    kept: Duration = _setting("90d", "How long notifications are kept to look at, attempts included.", reloadable=True)
    heartbeat_url: str = _setting(
        "",
        "URL that is asked (GET) once an interval while rules are evaluated and notifications delivered: a dead man's "
        "switch, such as healthchecks.io offers, pages when that stops.",
        reloadable=True,
        secret=True,
    )
    heartbeat_interval: Duration = _setting("1m", "How often.", reloadable=True)


class RetentionOptions(_Section):
    """Say how long each signal is kept."""

    traces: Duration = _setting("7d", "How long spans are kept.", reloadable=True)
    logs: Duration = _setting("7d", "How long log records are kept.", reloadable=True)
    metrics: Duration = _setting("30d", "How long samples are kept.", reloadable=True)
    metrics_5m: Duration = _setting("90d", "How long samples put together by five minutes are kept.", reloadable=True)
    metrics_1h: Duration = _setting("400d", "How long samples put together by the hour are kept.", reloadable=True)
    tasks: Duration = _setting("30d", "How long tasks, dead letters and what work cost are kept.", reloadable=True)


class MetricOptions(_Section):
    """Say how many series there may be; those seen today or yesterday count."""

    max_series: Count = _setting(2_000_000, "New series are refused, and counted, once there are so many.")
    max_series_per_metric: Count = _setting(
        200_000, "New series of a metric are refused, and counted, once it has so many."
    )


class SpanMetricsOptions(_Section):
    """Say how spans become metrics."""

    enabled: bool = _setting(True, "Count spans as Prometheus series (traces_span_metrics_…) by operation.")
    interval: Duration = _setting("15s", "How often these series get a sample.")
    max_operations: Count = _setting(
        2_000, "Operations (by kind and status) that get series of their own; further ones are counted together."
    )


class StorageOptions(_Section):
    """Say where data lives and how much of it."""

    retention: RetentionOptions = Field(default_factory=RetentionOptions)
    max_bytes: ByteSize = _setting(
        "50GB", "Budget for the data directory: the oldest data goes when it is exceeded. 0: the disk is the limit."
    )
    min_free_bytes: ByteSize = _setting("1GiB", "Ingest refuses, retryably, while the disk has less room than this.")
    memory_bytes: ByteSize = _setting("0", "Most memory for the engine. 0: a third of the machine's.")
    threads: Annotated[int, Field(ge=0)] = _setting(0, "Threads of one query. 0: one for each core.")
    cluster_url: str = _setting(
        "",
        "ClickHouse to use in place of the embedded engine: clickhouse://user:password@host:8123/database.",
        secret=True,
    )
    cluster_name: str = _setting("", "Name of the cluster in ClickHouse's configuration; empty for a lone server.")
    state_url: str = _setting(
        "",
        "PostgreSQL for what people edit, when several processes share a cluster: postgresql://user@host/database. "
        "Empty: state.sqlite in the data directory.",
        secret=True,
    )


class JournalOptions(_Section):
    """Say how the journal holds what is acknowledged but not loaded yet."""

    segment_bytes: ByteSize = _setting("24MiB", "Size at which a segment is closed and loaded.")
    segment_age: Duration = _setting("500ms", "Age at which a segment is closed and loaded while somebody reads.")
    idle_segment_age: Duration = _setting("10s", "Age at which a segment is closed and loaded while nobody reads.")
    backlog_bytes: ByteSize = _setting("256MiB", "Requests wait while more than this is accepted and not loaded yet.")
    waiting_bytes: ByteSize = _setting("64MiB", "Ingest refuses, retryably, while waiting requests add up to more.")
    hold: Duration = _setting("5s", "How long a request may wait before it is refused, retryably.")
    repeat_window: Duration = _setting("10m", "An identical request sent again within this time is stored once.")
    repeat_entries: Count = _setting(500_000, "Requests that are remembered for that at most.")


class RedactionOptions(_Section):
    """Say which secrets are blotted out at ingest."""

    enabled: bool = _setting(True, "Mask well-known shapes of secrets in log bodies and attributes.")
    patterns: TextList = _setting([], "Further RE2 patterns whose matches are masked, without groups.")


class IngestOptions(_Section):
    """Say what happens to data on its way in."""

    cors_origins: TextList = _setting(
        [], "Origins (https://shop.example, or *) whose pages may send OTLP from a browser; none by default."
    )
    redaction: RedactionOptions = Field(default_factory=RedactionOptions)


class OtlpOptions(_Section):
    """Say how OTLP metrics become Prometheus series; a section `otlp` in prometheus.yml takes the place of these."""

    translation_strategy: TranslationStrategy = _setting(
        "UnderscoreEscapingWithSuffixes",
        "How names are translated: UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, "
        "NoUTF8EscapingWithSuffixes or NoTranslation.",
    )
    promote_resource_attributes: TextList = _setting([], "Resource attributes that become labels of every series.")
    promote_all_resource_attributes: bool = _setting(False, "Make every resource attribute a label of every series.")
    ignore_resource_attributes: TextList = _setting([], "Resource attributes that do not, when all others do.")
    keep_identifying_resource_attributes: bool = _setting(
        False, "Give target_info the attributes service.name, service.namespace and service.instance.id, too."
    )
    promote_scope_metadata: bool = _setting(
        False, "Give every series the labels otel_scope_name, otel_scope_version, otel_scope_schema_url and so on."
    )
    convert_histograms_to_nhcb: bool = _setting(
        False,
        "Make native histograms with custom buckets of explicit histograms, rather than _bucket, _count and _sum.",
    )
    label_name_underscore_sanitization: bool = _setting(
        True, "Put `key` before label names that would begin with one underscore."
    )
    label_name_preserve_multiple_underscores: bool = _setting(
        True, "Keep several underscores in a row in label names, rather than one of them."
    )
    max_delta_streams: Count = _setting(100_000, "Streams of delta points that are summed up at the same time.")


class CostsOptions(_Section):
    """Say what work costs besides what models cost that genai-prices knows."""

    cpu_hour: Dollars = _setting("0.04", "Dollars for an hour of one CPU.")
    memory_gib_hour: Dollars = _setting("0.005", "Dollars for a GiB of memory for an hour.")
    network_gib: Dollars = _setting("0.09", "Dollars for a GiB over the network, sent or received.")
    models: TextList = _setting(
        [],
        "Prices of models of your own, in dollars a million tokens: PROVIDER/MODEL=INPUT/OUTPUT/CACHED; the provider "
        "and the price of cached input may be left out.",
    )
    budgets: TextList = _setting(
        [],
        "Budgets in dollars: tenant:NAME=500/month, agent:NAME=20/day, type:NAME=…, model:NAME=…, total=1000/week.",
    )


class SlaOptions(_Section):
    """Say how promises are followed."""

    interval: Duration = _setting("1m", "How often objectives are judged.")
    journal: str = _setting(
        SLA_JOURNAL,
        "File of JSON Lines with what was attained. Relative paths start at the data directory; `none`: no file.",
    )
    journal_interval: Duration = _setting(
        "1h", "How often each objective gets a line in the journal, besides one whenever its state changes."
    )
    journal_bytes: ByteSize = _setting("50MB", "Size at which the journal makes room: it becomes a file with `.1`.")
    journal_files: Count = _setting(10, "How many such files are kept.")


def default_data_dir() -> Path:
    """Return where data goes unless told otherwise."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gnomon"


class Options(_Section):
    """List every setting as people write it."""

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Directory for all data; one process owns it. Without it: ~/.local/share/gnomon.",
    )
    host: str = _setting("127.0.0.1", "Address to listen on. Any other than loopback requires API keys.")
    port: Port = _setting(1212, "Port of UI and API; 0 takes any free one.")
    otlp_http_port: Port = _setting(4318, "Port of OTLP/HTTP; 0 takes any free one.")
    otlp_grpc_port: Port = _setting(4317, "Port of OTLP/gRPC; 0 takes any free one.")
    drain_timeout: Duration = _setting("20s", "How long requests under way may take to finish once the server stops.")
    tls: TlsOptions = Field(default_factory=TlsOptions)
    auth: AuthOptions = Field(default_factory=AuthOptions)
    max_body_bytes: ByteSize = _setting("64MiB", "Largest request body, after decompression.")
    query: QueryOptions = Field(default_factory=QueryOptions)
    log: LogOptions = Field(default_factory=LogOptions)
    own_traces: OwnTracesOptions = Field(default_factory=OwnTracesOptions)
    metrics: MetricOptions = Field(default_factory=MetricOptions)
    span_metrics: SpanMetricsOptions = Field(default_factory=SpanMetricsOptions)
    prometheus: Path | None = _setting(
        None,
        "Scrape jobs, external labels and rule files, in Prometheus' own format: the path of a prometheus.yml.",
        reloadable=True,
    )
    alertmanager: Path | None = _setting(
        None,
        "Routes, receivers, inhibition and time intervals, in Alertmanager's own format: the path of an "
        "alertmanager.yml. Without it, alerts are shown and nobody is told.",
        reloadable=True,
    )
    alerting: AlertingOptions = Field(default_factory=AlertingOptions)
    dashboards: TextList = _setting(
        [],
        "Files with dashboards, Gnomon's own or Grafana's, JSON or YAML: paths, which may hold patterns. They are "
        "shown with their path and cannot be changed in the UI.",
        reloadable=True,
    )
    slos: TextList = _setting(
        [],
        "Files with service level objectives, OpenSLO v1 in YAML: paths, which may hold patterns; read together.",
        reloadable=True,
    )
    sla: SlaOptions = Field(default_factory=SlaOptions)
    scraping: ScrapingOptions = Field(default_factory=ScrapingOptions)
    own_metrics: OwnMetricsOptions = Field(default_factory=OwnMetricsOptions)
    host_metrics: HostMetricsOptions = Field(default_factory=HostMetricsOptions)
    storage: StorageOptions = Field(default_factory=StorageOptions)
    journal: JournalOptions = Field(default_factory=JournalOptions)
    ingest: IngestOptions = Field(default_factory=IngestOptions)
    otlp: OtlpOptions = Field(default_factory=OtlpOptions)
    costs: CostsOptions = Field(default_factory=CostsOptions)
    brokers: TextList = _setting(
        [],
        "Brokers through which dead letters are replayed, as NAME=URL: kafka://host:9092, redis://…, amqp://…, "
        "nats://… or sqlite:///path.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """Describe one setting for documentation and display."""

    key: str
    description: str
    default: str
    reloadable: bool
    secret: bool

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return ENVIRONMENT_PREFIX + self.key.replace(".", "__").upper()


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """Pair a setting with its value, as written, and with where that comes from."""

    info: SettingInfo
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Config:
    """Hold all settings, validated, and each part's own."""

    options: Options
    sources: Mapping[str, tuple[str, object]]
    unknown_variables: tuple[str, ...]
    prometheus: PrometheusConfig = _NO_PROMETHEUS
    alertmanager: AlertmanagerConfig = _NO_ALERTMANAGER
    dashboards: Mapping[str, DashboardFile] = of_dataclass(default_factory=dict)
    slos: tuple[Objective, ...] = ()

    @property
    def web(self) -> web_settings.Settings:
        """Return what the web server needs to be told."""
        options = self.options
        return web_settings.Settings(
            host=options.host,
            port=options.port,
            otlp_http_port=options.otlp_http_port,
            otlp_grpc_port=options.otlp_grpc_port,
            tls_certificate=options.tls.certificate,
            tls_key=options.tls.key,
            require_keys=options.auth.required,
            allowed_hosts=tuple(options.auth.allowed_hosts),
            ingest_origins=tuple(options.ingest.cors_origins),
            session_lifetime_s=options.auth.session_lifetime,
            drain_timeout_s=options.drain_timeout,
            max_body_bytes=options.max_body_bytes,
            max_query_time_s=options.query.time,
            max_query_memory_bytes=options.query.memory_bytes,
            max_result_rows=options.query.result_rows,
        )

    @property
    def ingest(self) -> IngestSettings:
        """Return what the receivers need to be told."""
        options = self.options
        otlp, section = options.otlp, self.prometheus.otlp
        return IngestSettings(
            max_body_bytes=options.max_body_bytes,
            cors_origins=tuple(options.ingest.cors_origins),
            otlp=section.settings(otlp.max_delta_streams)
            if section is not None
            else OtlpSettings(
                translation_strategy=otlp.translation_strategy,
                promote_resource_attributes=frozenset(otlp.promote_resource_attributes),
                promote_all_resource_attributes=otlp.promote_all_resource_attributes,
                ignore_resource_attributes=frozenset(otlp.ignore_resource_attributes),
                keep_identifying_resource_attributes=otlp.keep_identifying_resource_attributes,
                promote_scope_metadata=otlp.promote_scope_metadata,
                convert_histograms_to_nhcb=otlp.convert_histograms_to_nhcb,
                label_name_underscore_sanitization=otlp.label_name_underscore_sanitization,
                label_name_preserve_multiple_underscores=otlp.label_name_preserve_multiple_underscores,
                max_delta_streams=otlp.max_delta_streams,
            ),
        )

    @property
    def storage(self) -> StorageSettings:
        """Return what storage needs to be told."""
        options, storage, journal = self.options, self.options.storage, self.options.journal
        retention = storage.retention
        kept = RetentionSettings(
            traces_s=int(retention.traces),
            logs_s=int(retention.logs),
            metrics_s=int(retention.metrics),
            metrics_5m_s=int(retention.metrics_5m),
            metrics_1h_s=int(retention.metrics_1h),
            tasks_s=int(retention.tasks),
        )
        return StorageSettings(
            data_dir=options.data_dir,
            max_bytes=storage.max_bytes,
            min_free_bytes=storage.min_free_bytes,
            retention=kept,
            metrics=MetricSettings(
                series=options.metrics.max_series,
                series_per_metric=options.metrics.max_series_per_metric,
                query_samples=options.query.max_samples,
                retention=kept,
            ),
            engine=EngineSettings(
                memory_bytes=storage.memory_bytes,
                threads=storage.threads,
                cluster_url=storage.cluster_url,
                cluster_name=storage.cluster_name,
            ),
            query=QuerySettings(
                time_s=options.query.time,
                memory_bytes=options.query.memory_bytes,
                result_rows=options.query.result_rows,
                concurrency=options.query.concurrency,
            ),
            journal=JournalSettings(
                segment_bytes=journal.segment_bytes,
                segment_age_s=journal.segment_age,
                idle_segment_age_s=journal.idle_segment_age,
                backlog_bytes=journal.backlog_bytes,
                waiting_bytes=journal.waiting_bytes,
                hold_s=journal.hold,
                repeat_window_s=journal.repeat_window,
                repeat_entries=journal.repeat_entries,
            ),
            redaction=RedactionSettings(
                enabled=options.ingest.redaction.enabled, patterns=tuple(options.ingest.redaction.patterns)
            ),
        )

    @property
    def promql(self) -> PromqlSettings:
        """Return how PromQL queries are answered."""
        query = self.options.query
        enabled = frozenset(query.features)
        return PromqlSettings(
            lookback_ms=int(query.lookback * 1000),
            max_samples=query.max_samples,
            max_series=query.max_series,
            timeout_s=query.time,
            # Nodes of a cluster do not tell each other what came in.
            sample_cache_bytes=0 if self.options.storage.cluster_url else query.sample_cache,
            result_cache_bytes=0 if self.options.storage.cluster_url else query.result_cache,
            features=Features(enabled),
            delayed_names="promql-delayed-name-removal" in enabled,
            type_and_unit_labels="type-and-unit-labels" in enabled,
            start_timestamps="use-start-timestamps" in enabled,
        )

    @property
    def span_metrics(self) -> SpanMetricsSettings:
        """Return how spans become metrics."""
        options = self.options.span_metrics
        return SpanMetricsSettings(options.enabled, options.interval, options.max_operations)

    @property
    def notifications(self) -> NotificationSettings:
        """Return how alerts reach people."""
        options = self.options.alerting
        return NotificationSettings(
            config=self.alertmanager,
            outgoing=OutgoingSettings(tuple(map(ip_network, options.allowed_networks)), options.request_timeout),
            external_url=options.external_url.rstrip("/"),
            kept_s=options.kept,
        )

    @property
    def heartbeat(self) -> HeartbeatSettings:
        """Return where heartbeats go."""
        options = self.options.alerting
        return HeartbeatSettings(options.heartbeat_url, options.heartbeat_interval, self.notifications.outgoing)

    @property
    def costs(self) -> costs_settings.Settings:
        """Return what work costs; raises InvalidInputError for prices and budgets that are none."""
        options = self.options.costs
        return costs_settings.Settings(
            cpu_hour=options.cpu_hour,
            memory_gib_hour=options.memory_gib_hour,
            network_gib=options.network_gib,
            models=costs_settings.parse_models(options.models),
            budgets=costs_settings.parse_budgets(options.budgets),
        )

    @property
    def slas(self) -> SlaSettings:
        """Return how objectives are followed."""
        options = self.options.sla
        journal = None if options.journal == "none" else self.options.data_dir / options.journal
        return SlaSettings(
            interval_s=options.interval,
            journal=journal,
            journal_interval_s=options.journal_interval,
            journal_bytes=options.journal_bytes,
            journal_keep=options.journal_files,
        )

    @property
    def brokers(self) -> dict[str, str]:
        """Return the URLs of brokers by name; raises InvalidInputError for what names none."""
        return parse_brokers(self.options.brokers)

    @property
    def telemetry(self) -> telemetry.Settings:
        """Return what Gnomon tells about itself."""
        return telemetry.Settings(
            log_level=self.options.log.level,
            log_format=self.options.log.format,
            traces=self.options.own_traces.enabled,
            traces_sample_ratio=self.options.own_traces.sample_ratio,
        )

    @property
    def own_metrics(self) -> OwnMetricsSettings:
        """Return what is said about Gnomon's own metrics."""
        return OwnMetricsSettings(self.options.own_metrics.enabled, self.options.own_metrics.interval)

    @property
    def host_metrics(self) -> HostMetricsSettings:
        """Return what is said about the machine's metrics."""
        options = self.options.host_metrics
        return HostMetricsSettings(options.enabled, options.interval, options.process_groups)

    def with_reloadable(self, new: "Config") -> "Config":
        """Return these settings with those of `new` that can change while the server runs."""
        reloadable = {info.key for info in list_settings() if info.reloadable}
        kept = {key: source for key, source in self.sources.items() if key not in reloadable}
        taken = {key: source for key, source in new.sources.items() if key in reloadable}
        sources = kept | taken
        options = Options.model_validate(_nest(sources))
        return Config(
            options, sources, new.unknown_variables, new.prometheus, new.alertmanager, new.dashboards, new.slos
        )

    def effective(self) -> list[EffectiveSetting]:
        """Return every setting with its value and source; secrets are hidden."""
        return [self._effective(info) for info in list_settings()]

    def _effective(self, info: SettingInfo) -> EffectiveSetting:
        source, raw = self.sources.get(info.key, ("default", info.default))
        value = _HIDDEN if info.secret and info.key in self.sources else _text(raw)
        return EffectiveSetting(info, value, source)


def list_settings() -> list[SettingInfo]:
    """Return every setting there is, in the order of declaration."""
    return [
        SettingInfo(
            key=key,
            description=field.description or "",
            default=_text(field.get_default(call_default_factory=True)),  # type: ignore[call-arg, unused-ignore]
            reloadable=_extra(field, "reloadable"),
            secret=_extra(field, "secret"),
        )
        for key, field in _fields(Options)
    ]


def load_config(
    config_path: Path | None = None,
    command_line: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Config:
    """Return the settings from all sources; keys of `command_line` are dotted, None means not given.

    `config_path` must exist; without it, `gnomon.yml` in the working directory is read if it is there.
    Raises SettingsError.
    """
    known = {key for key, _field in _fields(Options)}
    sources: dict[str, tuple[str, object]] = {}
    path = config_path or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    if path is not None:
        sources.update(_read_file(path))
    variables = {name: value for name, value in environment.items() if name.startswith(ENVIRONMENT_PREFIX)}
    unknown = []
    for name, value in sorted(variables.items()):
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        if key in known:
            sources[key] = (f"environment {name}", value)
        elif name != f"{ENVIRONMENT_PREFIX}CONFIG":
            unknown.append(name)
    sources.update({key: ("command line", value) for key, value in (command_line or {}).items() if value is not None})
    try:
        options = Options.model_validate(_nest(sources))
    except ValidationError as error:
        faults = [_explain(fault, sources, known) for fault in error.errors(include_url=False)]
        raise SettingsError("\n".join(faults)) from error
    _check_together(options)
    _check_texts(options)
    prometheus = _read_prometheus_file(options.prometheus, environment)
    return Config(
        options,
        sources,
        tuple(unknown),
        prometheus,
        _read_alertmanager_file(options.alertmanager),
        _read_dashboard_files(options.dashboards),
        _read_slo_files(options.slos),
    )


def _read_prometheus_file(path: Path | None, environment: Mapping[str, str]) -> PrometheusConfig:
    if path is None:
        return _NO_PROMETHEUS
    try:
        return load_prometheus_file(path, environment)
    except PrometheusFileError as error:
        raise SettingsError(str(error)) from error


def _read_alertmanager_file(path: Path | None) -> AlertmanagerConfig:
    if path is None:
        return _NO_ALERTMANAGER
    try:
        return load_alertmanager_config(path)
    except AlertmanagerConfigError as error:
        raise SettingsError(str(error)) from error


def _read_dashboard_files(patterns: list[str]) -> dict[str, DashboardFile]:
    try:
        return load_dashboard_files(patterns)
    except DashboardFileError as error:
        raise SettingsError(str(error)) from error


def _read_slo_files(patterns: list[str]) -> tuple[Objective, ...]:
    try:
        return load_slo_files(patterns)
    except SloFileError as error:
        raise SettingsError(str(error)) from error


def _read_file(path: Path) -> dict[str, tuple[str, object]]:
    """Return each leaf of a YAML file with its place; relative paths in it are relative to the file."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"Cannot read the configuration {str(path)!r}: {error.strerror}. Check the path given by --config."
        raise SettingsError(message) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"Cannot read the configuration {str(path)!r}: it is not valid YAML. {error}"
        raise SettingsError(message) from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not isinstance(node, yaml.MappingNode):
        message = (
            f"The configuration {str(path)!r} holds a {type(content).__name__}, not settings. Write `key: value` lines."
        )
        raise SettingsError(message)
    lines = dict(_lines(node))
    leaves = {key: (f"{path}:{lines.get(key, 1)}", value) for key, value in _leaves(content)}
    for key in ("data_dir", "prometheus", "alertmanager", "tls.certificate", "tls.key"):
        place, value = leaves.get(key, ("", None))
        if isinstance(value, str):
            leaves[key] = (place, str(path.absolute().parent / Path(value).expanduser()))
    folder = path.absolute().parent
    for key in ("dashboards", "alerting.rules", "slos"):
        place, value = leaves.get(key, ("", None))
        if isinstance(value, list):
            placed = [str(folder / Path(each).expanduser()) if isinstance(each, str) else each for each in value]
            leaves[key] = (place, placed)
    return leaves


def _lines(node: yaml.MappingNode, prefix: str = "") -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        yield name, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _lines(value, f"{name}.")


def _leaves(content: Mapping[Any, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _nest(sources: Mapping[str, tuple[str, object]]) -> dict[str, object]:
    nested: dict[str, Any] = {}
    for key, (_source, value) in sources.items():
        *sections, name = key.split(".")
        section = nested
        for part in sections:
            if not isinstance(section.get(part), dict):
                section[part] = {}
            section = section[part]
        section[name] = value
    return nested


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, _Section):
            yield from _fields(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _extra(field: FieldInfo, name: str) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get(name))


def _explain(fault: ErrorDetails, sources: Mapping[str, tuple[str, object]], known: set[str]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    # Errors inside a list or a choice point deeper than the key that was written.
    written = next((name for name in sources if key == name or key.startswith(f"{name}.")), None)
    written = written or next((name for name in sources if name.startswith(f"{key}.")), key)
    source, value = sources.get(written, ("defaults", fault.get("input")))
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(written, known, n=1)
        advice = f"Did you mean {near[0]!r}?" if near else "docs/reference/settings.md lists all settings."
        return f"{source}: there is no setting {written!r} (value {value!r}). {advice}"
    reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{source}: {written} = {value!r} is wrong: {reason}."


def _check_together(options: Options) -> None:
    for network in options.alerting.allowed_networks:
        try:
            ip_network(network)
        except ValueError as error:
            message = f"alerting.allowed_networks holds {network!r}: {error}. Write networks such as 10.0.0.0/8."
            raise SettingsError(message) from error
    tls = options.tls
    if (tls.certificate is None) != (tls.key is None):
        missing = "tls.key" if tls.key is None else "tls.certificate"
        message = f"TLS needs both tls.certificate and tls.key, but {missing} is not set. Set it, or remove the other."
        raise SettingsError(message)
    for name, path in (("tls.certificate", tls.certificate), ("tls.key", tls.key)):
        if path is not None and not path.is_file():
            message = f"There is no file {str(path)!r}, which {name} names. Correct the path."
            raise SettingsError(message)


def _check_texts(options: Options) -> None:
    try:
        costs_settings.parse_models(options.costs.models)
        costs_settings.parse_budgets(options.costs.budgets)
        parse_brokers(options.brokers)
    except InvalidInputError as error:
        raise SettingsError(str(error)) from error


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
