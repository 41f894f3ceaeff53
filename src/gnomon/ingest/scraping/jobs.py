"""Scrape jobs as they are run: every default filled in."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from gnomon.ingest.exposition.negotiation import DEFAULT_PROTOCOLS, NATIVE_PROTOCOLS
from gnomon.ingest.scraping.discovery_config import FileDiscovery, HttpDiscovery, TargetGroup
from gnomon.ingest.scraping.http_options import HttpOptions, place_http_files
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.scraping.scrape_sections import GlobalSection, ScrapeSection

DEFAULT_INTERVAL_MS = 60_000
DEFAULT_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one scrape, and of a job's targets; 0 means none. Lengths count characters' bytes."""

    body_bytes: int = 0
    samples: int = 0
    labels: int = 0
    label_name_length: int = 0
    label_value_length: int = 0
    targets: int = 0
    dropped_targets_kept: int = 0


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """One scrape job; two that are equal scrape alike."""

    name: str
    interval_ms: int = DEFAULT_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    metrics_path: str = "/metrics"
    scheme: str = "http"
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    protocols: tuple[str, ...] = DEFAULT_PROTOCOLS
    fallback_protocol: str = ""
    escaping: str = "allow-utf-8"
    utf8_names: bool = True
    native_histograms: bool = False
    classic_histograms: bool = False
    compression: bool = True
    limits: Limits = field(default_factory=Limits)
    http: HttpOptions = field(default_factory=HttpOptions)
    relabel_rules: tuple[RelabelRule, ...] = ()
    metric_relabel_rules: tuple[RelabelRule, ...] = ()
    static: tuple[TargetGroup, ...] = ()
    files: tuple[FileDiscovery, ...] = ()
    services: tuple[HttpDiscovery, ...] = ()


def make_job(section: ScrapeSection, shared: GlobalSection) -> ScrapeJob:
    """Return a job with what it leaves out taken from `global`; raises ValueError where the two do not fit."""
    interval_ms = section.scrape_interval or shared.scrape_interval or DEFAULT_INTERVAL_MS
    if (section.scrape_timeout or 0) > interval_ms:
        raise ValueError(
            f'scrape timeout greater than scrape interval for scrape config with job name "{section.job_name}"'
        )
    shared_timeout_ms = shared.scrape_timeout or min(DEFAULT_TIMEOUT_MS, shared.scrape_interval or DEFAULT_INTERVAL_MS)
    native = _first(section.scrape_native_histograms, shared.scrape_native_histograms, default=False)
    validation = section.metric_name_validation_scheme or shared.metric_name_validation_scheme or "utf8"
    return ScrapeJob(
        name=section.job_name,
        interval_ms=interval_ms,
        timeout_ms=section.scrape_timeout or min(shared_timeout_ms, interval_ms),
        metrics_path=section.metrics_path,
        scheme=section.scheme,
        params=tuple(section.params.items()),
        honor_labels=section.honor_labels,
        honor_timestamps=section.honor_timestamps,
        track_timestamps_staleness=section.track_timestamps_staleness,
        protocols=section.scrape_protocols
        or shared.scrape_protocols
        or (NATIVE_PROTOCOLS if native else DEFAULT_PROTOCOLS),
        fallback_protocol=section.fallback_scrape_protocol or "",
        escaping=_escaping(section, shared, validation),
        utf8_names=validation == "utf8",
        native_histograms=native,
        classic_histograms=_first(
            section.always_scrape_classic_histograms, shared.always_scrape_classic_histograms, default=False
        ),
        compression=section.enable_compression,
        limits=Limits(
            body_bytes=section.body_size_limit or shared.body_size_limit,
            samples=section.sample_limit or shared.sample_limit,
            labels=section.label_limit or shared.label_limit,
            label_name_length=section.label_name_length_limit or shared.label_name_length_limit,
            label_value_length=section.label_value_length_limit or shared.label_value_length_limit,
            targets=section.target_limit or shared.target_limit,
            dropped_targets_kept=section.keep_dropped_targets or shared.keep_dropped_targets,
        ),
        http=HttpOptions.model_validate({name: getattr(section, name) for name in HttpOptions.model_fields}),
        relabel_rules=section.relabel_configs,
        metric_relabel_rules=section.metric_relabel_configs,
        static=section.static_configs,
        files=section.file_sd_configs,
        services=section.http_sd_configs,
    )


def _escaping(section: ScrapeSection, shared: GlobalSection, validation: str) -> str:
    """Return how targets shall escape names; a job with a validation of its own does not inherit the global one."""
    inherited = None if section.metric_name_validation_scheme else shared.metric_name_escaping_scheme
    escaping = section.metric_name_escaping_scheme or inherited
    escaping = escaping or ("allow-utf-8" if validation == "utf8" else "underscores")
    if escaping == "allow-utf-8" and validation == "legacy":
        raise ValueError("utf8 metric names requested but validation scheme is not set to UTF8")
    return escaping


def _first(*choices: bool | None, default: bool) -> bool:
    return next((choice for choice in choices if choice is not None), default)


def place_files(job: ScrapeJob, folder: Path) -> ScrapeJob:
    """Return a job whose relative paths are relative to `folder`, that of its configuration file."""
    return replace(
        job,
        http=place_http_files(job.http, folder),
        files=tuple(
            one.model_copy(update={"files": tuple(str(folder / name) for name in one.files)}) for one in job.files
        ),
        services=tuple(place_http_files(service, folder) for service in job.services),
    )
