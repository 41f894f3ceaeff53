"""Bring the schema of a data directory or cluster up to this version, forward only.

Numbered files (`0001_traces.sql`) run once, in order. Functions and views keep no data: they are made anew whenever
their text, or a setting that stands in it, changes. What ran is written down in `schema_versions`.
"""

import re
import zlib
from importlib import resources

import structlog

from gnomon.storage.engine import Engine
from gnomon.storage.errors import DataDirectoryError
from gnomon.storage.schema_files import SchemaFile, render_schema
from gnomon.storage.settings import RedactionSettings, RetentionSettings
from gnomon.storage.streams import read_schema_file

log = structlog.get_logger(__name__)

_DEFAULT_REDACTION = RedactionSettings()
_NUMBERED = re.compile(r"(\d{4})_\w+\.sql")
_VIEW = re.compile(r"CREATE MATERIALIZED VIEW (\w+)")
_VIEWS = ("views.sql", "metric_views.sql", "task_views.sql")
_TABLE = re.compile(r"CREATE (TABLE|MATERIALIZED VIEW) (?!IF NOT EXISTS )")

# Tables with the column that tells the age of a row, the signal whose retention they follow, and how many times as
# long.
_TTL = (
    ("spans", "toDateTime(ts)", "traces_s"),
    ("trace_summaries", "toDateTime(start)", "traces_s"),
    ("logs", "toDateTime(ts)", "logs_s"),
    ("operation_stats", "minute", "metrics_s"),
    ("service_edges", "minute", "metrics_s"),
    ("origins", "toDateTime(day)", "metrics_s"),
    ("series", "toDateTime(day)", "series_s"),
    ("samples", "toDateTime(ts)", "metrics_s"),
    ("native_histograms", "toDateTime(ts)", "metrics_s"),
    ("sample_starts", "toDateTime(day)", "metrics_s"),
    ("exemplars", "toDateTime(ts)", "metrics_s"),
    ("metric_metadata", "seen", "series_s"),
    ("work_events", "toDateTime(ts)", "tasks_s"),
    ("work_spans", "toDateTime(ts)", "tasks_s"),
    ("tasks", "toDateTime(day)", "tasks_s"),
    ("llm_prices", "toDateTime(day)", "tasks_s"),
    ("samples_5m", "ts", "metrics_5m_s"),
    ("samples_1h", "ts", "metrics_1h_s"),
)


def list_migrations() -> list[tuple[int, str]]:
    """Return the numbered schema files as (number, name), in order."""
    names = (entry.name for entry in resources.files("gnomon.storage").joinpath("schema").iterdir())
    return sorted((int(found[1]), name) for name in names if (found := _NUMBERED.fullmatch(name)))


async def migrate(
    engine: Engine,
    retention: RetentionSettings,
    redaction: RedactionSettings = _DEFAULT_REDACTION,
    *,
    up_to: int | None = None,
) -> list[str]:
    """Apply what is missing and return its names; `up_to` stops at a number, for tests of older directories.

    Raises DataDirectoryError when the schema is of a later version than this one.
    """
    dialect = engine.dialect
    versions = render_schema("schema_versions", read_schema_file("schema_versions.sql"), dialect, retention)
    await _run(engine, versions)
    known = {
        row["name"]: row["checksum"]
        for row in (
            await engine.query("SELECT name, argMax(checksum, applied) AS checksum FROM schema_versions GROUP BY name")
        ).rows()
    }
    migrations = list_migrations()
    later = [name for name in known if (found := _NUMBERED.fullmatch(name)) and int(found[1]) > migrations[-1][0]]
    if later:
        message = (
            f"The stored schema is of a later version of Gnomon: it has {max(later)!r}, "
            f"this one ends at {migrations[-1][1]!r}. Start the later version again, or use another data directory."
        )
        raise DataDirectoryError(message)
    applied: list[str] = []
    functions = render_schema("functions.sql", read_schema_file("functions.sql"), dialect, retention, redaction)
    await _repeat(engine, functions, known, applied)
    for number, name in migrations:
        if name not in known and (up_to is None or number <= up_to):
            await _run(engine, render_schema(name, read_schema_file(name), dialect, retention))
            await _record(engine, name, "")
            applied.append(name)
    if up_to is None:
        if functions.name in applied:
            # A view keeps the functions as they were when it was made.
            known = {}
        for name in _VIEWS:
            await _repeat(engine, render_schema(name, read_schema_file(name), dialect, retention), known, applied)
        await _apply_retention(engine, retention)
    if applied:
        log.info("schema brought up to date", applied=applied)
    return applied


async def _repeat(engine: Engine, file: SchemaFile, known: dict[str, str], applied: list[str]) -> None:
    checksum = f"{zlib.crc32(chr(10).join(file.statements).encode()):08x}"
    if known.get(file.name) == checksum:
        return
    on_cluster = f"ON CLUSTER '{engine.dialect.cluster_name}'" if engine.dialect.cluster_name else ""
    for statement in file.statements:
        if view := _VIEW.search(statement):
            await engine.command(f"DROP VIEW IF EXISTS {view[1]} {on_cluster} SYNC")
    await _run(engine, file)
    await _record(engine, file.name, checksum)
    applied.append(file.name)


async def _run(engine: Engine, file: SchemaFile) -> None:
    for statement in file.statements:
        await engine.command(_TABLE.sub(r"CREATE \1 IF NOT EXISTS ", statement).rstrip(";"))


async def _record(engine: Engine, name: str, checksum: str) -> None:
    statement = "INSERT INTO schema_versions SELECT {name:String}, {checksum:String}, now64(6)"
    await engine.command(statement, {"name": name, "checksum": checksum})


async def _apply_retention(engine: Engine, retention: RetentionSettings) -> None:
    """Set each table's TTL where it is not what the settings say."""
    suffix, on_cluster = (
        ("_local", f"ON CLUSTER '{engine.dialect.cluster_name}'") if engine.dialect.cluster_name else ("", "")
    )
    statement = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    created = {row["name"]: row["create_table_query"] for row in (await engine.query(statement)).rows()}
    for table, column, signal in _TTL:
        interval = f"toIntervalSecond({getattr(retention, signal)})"
        if f"TTL {column} + {interval}" not in created[f"{table}{suffix}"]:
            await engine.command(
                f"ALTER TABLE {table}{suffix} {on_cluster} MODIFY TTL {column} + {interval} DELETE",
                settings={"materialize_ttl_after_modify": 0},
            )
