"""Schema files as statements: the same text for the embedded engine and for a cluster.

Placeholders: `${on_cluster}` and `${local}` are empty on a lone server; on a cluster tables get the suffix `_local`,
and each comment `-- distributed: TABLE by EXPRESSION` becomes a Distributed table of the plain name over them.
`${Replicated}` stands before the engine's name, `${attributes}` for an OTLP attribute list, `${samples}` and
`${histograms}` for those of a Prometheus series, `${durable}` for the
settings that sync every insert and recognise repeated ones, `${traces_s}` and the like for retention in seconds,
`${has_secret}` and the like for redaction.
"""

import re
from dataclasses import dataclass
from string import Template

from gnomon.storage.engine import Dialect
from gnomon.storage.redaction import render_redaction
from gnomon.storage.settings import RedactionSettings, RetentionSettings

ATTRIBUTES = "Map(LowCardinality(String), String)"
SAMPLES = "Array(Tuple(value Float64, timestamp Int64, start_timestamp Int64))"
_SPANS = "Array(Tuple(offset Int32, length UInt32))"
HISTOGRAMS = (
    "Array(Tuple(count_int UInt64, count_float Float64, sum Float64, schema Int32, zero_threshold Float64,"
    f" zero_count_int UInt64, zero_count_float Float64, negative_spans {_SPANS}, negative_deltas Array(Int64),"
    f" negative_counts Array(Float64), positive_spans {_SPANS}, positive_deltas Array(Int64),"
    " positive_counts Array(Float64), reset_hint Int64, timestamp Int64, custom_values Array(Float64),"
    " start_timestamp Int64))"
)
_DEFAULT_REDACTION = RedactionSettings()
_DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"
_DEDUPLICATION = {False: "non_replicated_deduplication_window", True: "replicated_deduplication_window"}
_DISTRIBUTED = re.compile(r"^-- distributed: (\w+) by (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """The statements of one file, in order."""

    name: str
    statements: tuple[str, ...]


def render_schema(
    name: str,
    text: str,
    dialect: Dialect,
    retention: RetentionSettings,
    redaction: RedactionSettings = _DEFAULT_REDACTION,
) -> SchemaFile:
    """Return a schema file as statements for this dialect."""
    cluster = dialect.cluster_name
    on_cluster = f"ON CLUSTER '{cluster}'" if cluster else ""
    rendered = Template(text).substitute(
        on_cluster=on_cluster,
        local="_local" if cluster else "",
        Replicated="Replicated" if cluster else "",
        attributes=ATTRIBUTES,
        samples=SAMPLES,
        histograms=HISTOGRAMS,
        durable=f"{_DURABLE}, {_DEDUPLICATION[bool(cluster)]} = 1000",
        traces_s=retention.traces_s,
        logs_s=retention.logs_s,
        metrics_s=retention.metrics_s,
        **render_redaction(redaction),
    )
    statements = [statement.strip() for statement in _COMMENT.sub("", rendered).split(";\n") if statement.strip()]
    if cluster:
        statements += [
            f"CREATE TABLE IF NOT EXISTS {table} {on_cluster} AS {table}_local "
            f"ENGINE = Distributed('{cluster}', currentDatabase(), {table}_local, {key})"
            for table, key in _DISTRIBUTED.findall(rendered)
        ]
    return SchemaFile(name, tuple(statements))
