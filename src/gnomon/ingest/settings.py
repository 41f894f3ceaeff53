"""What can be set about ingest."""

from dataclasses import dataclass, field

from gnomon.ingest.otlp_names import TranslationStrategy

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """Say how OTLP metrics become Prometheus series; all but the last as in Prometheus' `otlp:` section.

    `max_delta_streams` bounds how many streams of delta points are summed up.
    """

    translation_strategy: TranslationStrategy = TranslationStrategy.UNDERSCORES_WITH_SUFFIXES
    promote_resource_attributes: frozenset[str] = frozenset()
    promote_all_resource_attributes: bool = False
    ignore_resource_attributes: frozenset[str] = frozenset()
    keep_identifying_resource_attributes: bool = False
    promote_scope_metadata: bool = False
    convert_histograms_to_nhcb: bool = False
    label_name_underscore_sanitization: bool = True
    label_name_preserve_multiple_underscores: bool = True
    max_delta_streams: int = 100_000


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Bound requests, and say which web pages may send.

    `max_body_bytes` counts after decompression. `cors_origins` lists the origins (`https://shop.example`, or `*`) whose
    pages may send OTLP from a browser; empty means none. `otlp` is about metrics.
    """

    max_body_bytes: int = 64 * MIB
    cors_origins: tuple[str, ...] = ()
    otlp: OtlpSettings = field(default_factory=OtlpSettings)


@dataclass(frozen=True, slots=True)
class OwnMetricsSettings:
    """Say whether Gnomon keeps its own metrics, and how often it looks at them."""

    enabled: bool = True
    interval_s: float = 15.0


@dataclass(frozen=True, slots=True)
class HostMetricsSettings:
    """Say whether the machine is watched, how often, and how many groups of processes by CPU time and by memory."""

    enabled: bool = True
    interval_s: float = 15.0
    process_groups: int = 10
