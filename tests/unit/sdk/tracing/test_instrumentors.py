import asyncio
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool

import gnomon
from gnomon.sdk.tracing.imports import when_imported
from gnomon.testing import Captured, capture


@pytest.fixture
def told() -> Iterator[Captured]:
    with capture(instrument=["httpx", "sqlalchemy", "redis"]) as captured:
        yield captured


def test_calls_of_a_client_are_spans_within_the_task(told: Captured) -> None:
    with gnomon.task("fetch"), httpx.Client(trust_env=False) as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:9/items")
    call, task = told.span("GET"), told.span("task fetch")
    assert call.parent_span_id == task.span_id
    assert call.attributes["task.id"] == task.attributes["task.id"]


def test_statements_are_spans_and_the_catalogue_counts_them(told: Captured) -> None:
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=3, max_overflow=2)
    with gnomon.task("look") as task, engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert told.value("db_connections_active", pool="QueuePool") == 1
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT * FROM nowhere"))
    engine.dispose()
    right, wrong = [span for span in told.spans if span.name == "SELECT"]
    assert right.attributes["db.query.text"] == "SELECT 1"
    assert right.attributes["db.system.name"] == "sqlite"
    assert right.attributes["task.id"] == task.id
    assert wrong.failed
    assert "no such table" in wrong.message
    assert told.value("db_queries_total", operation="select", status="ok") == 1
    assert told.value("db_queries_total", operation="select", status="failed") == 1
    assert told.value("db_query_duration_seconds_count", operation="select") == 2
    assert told.value("db_connections_active", pool="QueuePool") == 0
    assert told.value("db_connections_max", pool="QueuePool") == 5


async def test_statements_of_async_engines_are_spans_too(told: Captured) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    await engine.dispose()
    assert told.value("db_queries_total", operation="select", status="ok") == 1


def test_cache_commands_are_spans_but_no_statements(told: Captured) -> None:
    client = redis.Redis("127.0.0.1", 9, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.ConnectionError):
        client.get("x")
    assert [span for span in told.spans if span.name == "GET" and span.failed]
    assert told.value("db_queries_total", operation="other", status="failed") == 0


def test_an_unknown_name_is_told_and_the_others_work(caplog: pytest.LogCaptureFixture) -> None:
    with capture(instrument=["no-such-library", "httpx"]):
        pass
    assert "has no instrumentor 'no-such-library'" in caplog.text


def test_libraries_are_instrumented_when_the_application_imports_them_and_not_before() -> None:
    code = """
import sys, gnomon
gnomon.setup(service="x", endpoint="", logs=False)
assert "httpx" not in sys.modules and "sqlalchemy" not in sys.modules and "fastapi" not in sys.modules
import httpx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
assert httpx.__spec__.loader.__class__.__name__ == "SourceFileLoader"
gnomon.shutdown()
assert not HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "could not" not in answer.stderr


def test_a_module_that_is_there_already_is_acted_upon_at_once() -> None:
    seen: list[str] = []
    when_imported("asyncio", lambda module: seen.append(module.__name__))
    assert seen == [asyncio.__name__]
