"""The catalogue's database metrics, read off the spans that instrumentors of database clients make."""

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from gnomon.sdk.metrics import families

# Spans of these are look-ups of caches and queues, not statements.
_OTHERS = frozenset({"redis", "memcached", "valkey"})
_WORDS = frozenset(
    {
        "ALTER", "ANALYZE", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DROP", "EXPLAIN", "GRANT", "INSERT",
        "LISTEN", "LOCK", "MERGE", "NOTIFY", "PRAGMA", "RELEASE", "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT", "SET",
        "SHOW", "TRUNCATE", "UPDATE", "UPSERT", "VACUUM", "VALUES", "WITH",
    }
)  # fmt: skip

_statements = families.counter("db_queries_total")
_seconds = families.histogram("db_query_duration_seconds")


def count_statement(span: ReadableSpan) -> None:
    """Count an ended client span if it is a statement; the operation is SQL's first word, else `other`."""
    attributes = span.attributes
    if not attributes:
        return
    system = attributes.get("db.system.name") or attributes.get("db.system")
    if system is None or system in _OTHERS:
        return
    told = attributes.get("db.operation.name") or attributes.get("db.operation")
    text = told or attributes.get("db.query.text") or attributes.get("db.statement") or span.name
    first = str(text).lstrip()[:16].split(None, 1)
    word = first[0].upper() if first else ""
    operation = word.lower() if word in _WORDS else "other"
    status = "failed" if span.status.status_code is StatusCode.ERROR else "ok"
    _statements.labels(operation, status).inc()
    _seconds.labels(operation).observe(((span.end_time or 0) - (span.start_time or 0)) / 1e9)
