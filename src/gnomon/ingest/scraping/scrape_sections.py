"""The sections `global` and `scrape_configs`, as they stand in the file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gnomon.ingest.exposition.negotiation import PROTOCOLS
from gnomon.ingest.scraping.discovery_config import Discovery
from gnomon.ingest.scraping.file_sections import Count, DurationMs, Section, SizeBytes
from gnomon.ingest.scraping.http_options import HttpOptions
from gnomon.ingest.scraping.relabel import RelabelRule, is_label_name

Escaping = Literal["allow-utf-8", "underscores", "dots", "values"]
Validation = Literal["legacy", "utf8"]


def _check_protocol(name: str) -> str:
    if name not in PROTOCOLS:
        raise ValueError(f"unknown scrape protocol {name}, supported: {', '.join(sorted(PROTOCOLS))}")
    return name


def _check_protocols(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("scrape_protocols cannot be empty")
    if len(set(names)) < len(names):
        raise ValueError("duplicated protocol in scrape_protocols")
    return names


def _check_label_names(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if not is_label_name(name):
            raise ValueError(f"{name!r} is not a valid label name")
    return labels


Protocol = Annotated[str, AfterValidator(_check_protocol)]
Protocols = Annotated[tuple[Protocol, ...], AfterValidator(_check_protocols)]


class ScrapeDefaults(Section):
    """The keys that `global` and each of `scrape_configs` have in common; None is what the file leaves out."""

    scrape_interval: DurationMs | None = None
    scrape_timeout: DurationMs | None = None
    scrape_protocols: Protocols | None = None
    scrape_native_histograms: bool | None = None
    always_scrape_classic_histograms: bool | None = None
    convert_classic_histograms_to_nhcb: bool | None = None
    metric_name_validation_scheme: Validation | None = None
    metric_name_escaping_scheme: Escaping | None = None
    scrape_failure_log_file: str = ""
    body_size_limit: SizeBytes = 0
    sample_limit: Count = 0
    target_limit: Count = 0
    label_limit: Count = 0
    label_name_length_limit: Count = 0
    label_value_length_limit: Count = 0
    keep_dropped_targets: Count = 0


class GlobalSection(ScrapeDefaults):
    """What holds for all jobs and rules unless they say otherwise."""

    evaluation_interval: DurationMs | None = None
    rule_query_offset: DurationMs = 0
    query_log_file: str = ""
    external_labels: Annotated[dict[str, str], AfterValidator(_check_label_names)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_timeout(self) -> "GlobalSection":
        if (self.scrape_timeout or 0) > (self.scrape_interval or 60_000):
            raise ValueError("global scrape timeout greater than scrape interval")
        return self


class ScrapeSection(ScrapeDefaults, HttpOptions, Discovery):
    """One scrape job."""

    job_name: Annotated[str, Field(min_length=1)]
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    params: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    fallback_scrape_protocol: Protocol | None = None
    native_histogram_bucket_limit: Count = 0
    native_histogram_min_bucket_factor: float = 0
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    enable_compression: bool = True
    relabel_configs: tuple[RelabelRule, ...] = ()
    metric_relabel_configs: tuple[RelabelRule, ...] = ()

    @model_validator(mode="after")
    def _check_addresses(self) -> "ScrapeSection":
        if not self.relabel_configs:
            for group in self.static_configs:
                for target in group.targets:
                    if "/" in target:
                        raise ValueError(
                            f'"{target}" is not a valid hostname: write host:port, and what follows as metrics_path'
                        )
        return self
