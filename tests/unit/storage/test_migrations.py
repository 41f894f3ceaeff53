"""The schema goes forward by itself and never backward."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.engine import Dialect
from gnomon.storage.errors import DataDirectoryError
from gnomon.storage.migrations import list_migrations, migrate
from gnomon.storage.schema_files import render_schema
from gnomon.storage.settings import EngineSettings, QuerySettings, RetentionSettings
from gnomon.storage.streams import read_schema_file


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    """Return an engine without any table."""
    opened = EmbeddedEngine(tmp_path, EngineSettings(), QuerySettings())
    await opened.start()
    yield opened
    await opened.stop()


async def test_a_directory_of_each_earlier_version_opens(engine: EmbeddedEngine) -> None:
    """Data written under an earlier schema is there after the later one was applied."""
    await migrate(engine, RetentionSettings(), up_to=1)
    await engine.command("INSERT INTO spans (ts, service, name) SELECT now(), 'gateway', 'GET /'")
    applied = await migrate(engine, RetentionSettings())
    assert applied[:-3] == [name for number, name in list_migrations() if number > 1]
    assert (await engine.query("SELECT service, name FROM spans")).rows() == [{"service": "gateway", "name": "GET /"}]
    assert await migrate(engine, RetentionSettings()) == []


async def test_a_later_version_is_refused(engine: EmbeddedEngine) -> None:
    """An older Gnomon does not touch what a newer one wrote."""
    await migrate(engine, RetentionSettings())
    await engine.command("INSERT INTO schema_versions SELECT '9999_future.sql', '', now64(6)")
    with pytest.raises(DataDirectoryError, match="9999_future"):
        await migrate(engine, RetentionSettings())


async def test_retention_follows_the_settings(engine: EmbeddedEngine) -> None:
    """A changed setting changes the TTL of tables that exist."""
    await migrate(engine, RetentionSettings(traces_s=86_400))
    await migrate(engine, RetentionSettings(traces_s=172_800))
    created = (await engine.query("SELECT create_table_query FROM system.tables WHERE name = 'spans'")).value()
    assert "toIntervalSecond(172800)" in created


def test_a_cluster_gets_replicated_and_distributed_tables() -> None:
    """The same file makes local replicated tables and a Distributed one over each."""
    for _, name in list_migrations():
        text = read_schema_file(name)
        rendered = render_schema(name, text, Dialect("main"), RetentionSettings()).statements
        tables = [statement for statement in rendered if "MergeTree" in statement]
        assert all("_local ON CLUSTER 'main'" in table and "ENGINE = Replicated" in table for table in tables)
        distributed = [statement for statement in rendered if "ENGINE = Distributed('main'" in statement]
        assert len(distributed) == len(tables)
        assert not any(
            "_local" in statement for statement in render_schema(name, text, Dialect(), RetentionSettings()).statements
        )
