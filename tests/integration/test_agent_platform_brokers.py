"""The sample platform on real brokers, with PostgreSQL and Redis: one trace from the gateway to the tool on each."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
import redis

from examples.agent_platform.launcher import Platform, PlatformSettings
from tests.gnomon_process import GnomonProcess
from tests.integration.test_agent_platform import Watched, expect_one_trace


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    process = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data").start()
    yield process
    process.stop()


def watch(gnomon: GnomonProcess, state_dir: Path, *, broker: str, database: str = "", cache: str = "") -> Platform:
    return Platform(
        PlatformSettings(
            endpoint=gnomon.url,
            state_dir=state_dir,
            broker=broker,
            database=database,
            cache=cache,
            topics=f"platform-{uuid4().hex[:8]}",
            workers=1,
        )
    )


def test_on_kafka_postgresql_and_redis(
    gnomon: GnomonProcess, tmp_path: Path, kafka_url: str, postgresql_url: str, redis_url: str
) -> None:
    """What was done is in PostgreSQL and in Redis, not in files."""
    name = f"platform_{uuid4().hex[:8]}"

    async def create_database() -> None:
        connection = await asyncpg.connect(postgresql_url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    async def read_status(task_id: str) -> str:
        connection = await asyncpg.connect(database)
        status: str = await connection.fetchval("SELECT status FROM task WHERE id = $1", task_id)
        await connection.close()
        return status

    asyncio.run(create_database())
    database = f"{postgresql_url.rpartition('/')[0]}/{name}"
    with watch(gnomon, tmp_path, broker=kafka_url, database=database, cache=redis_url) as platform:
        story = expect_one_trace(Watched(platform, gnomon), "what is the method resolution order of a class")
        task_id = story["task"]["task_id"]
        assert asyncio.run(read_status(task_id)) == "completed"
        assert redis.Redis.from_url(redis_url).exists(f"results:{task_id}")
    assert not list(tmp_path.glob("platform.sqlite*"))
    assert not list(tmp_path.glob("queue.sqlite*"))


@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_on_other_brokers(gnomon: GnomonProcess, tmp_path: Path, broker: str, request: pytest.FixtureRequest) -> None:
    """The queue is theirs, the rest is as by default."""
    with watch(gnomon, tmp_path, broker=request.getfixturevalue(broker)) as platform:
        expect_one_trace(Watched(platform, gnomon), "what are descriptors")
    assert not list(tmp_path.glob("queue.sqlite*"))
