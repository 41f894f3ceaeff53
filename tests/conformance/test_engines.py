"""Every engine keeps the contract of `gnomon.storage.engine.Engine`: one suite, run on each that can be reached.

The cluster engine talks to `GNOMON_TEST_CLUSTER_URL` where that is set, and always to a chDB behind ClickHouse's HTTP
interface.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from gnomon.model.errors import GnomonError
from gnomon.storage.cluster import ClusterEngine
from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.engine import Engine
from gnomon.storage.errors import QueryLimitError, SegmentRejectedError, StorageError, StorageUnavailableError
from gnomon.storage.migrations import migrate
from gnomon.storage.segments import encode_frame
from gnomon.storage.settings import EngineSettings, QuerySettings, RetentionSettings
from gnomon.storage.streams import STREAMS
from tests.otlp_requests import make_log_request, make_trace_request

ROOT = Path(__file__).parents[2]
QUERY = QuerySettings(time_s=1.0, result_rows=1000)


@pytest_asyncio.fixture(params=["embedded", "http", "cluster"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """Return each engine in turn, started and empty."""
    server: subprocess.Popen[str] | None = None
    opened: Engine
    if request.param == "embedded":
        opened = EmbeddedEngine(tmp_path, EngineSettings(), QUERY)
    elif request.param == "http":
        command = [sys.executable, "-m", "tests.clickhouse_http", str(tmp_path / "engine")]
        server = subprocess.Popen(  # noqa: ASYNC220 - a test's set-up may block
            # The engine caches schemas that come in statements in its working directory.
            command,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert server.stdout is not None
        port = (await asyncio.to_thread(server.stdout.readline)).strip()
        opened = ClusterEngine(EngineSettings(cluster_url=f"clickhouse://127.0.0.1:{port}/default"), QUERY)
    else:
        url = os.environ.get("GNOMON_TEST_CLUSTER_URL")
        if not url:
            pytest.skip("GNOMON_TEST_CLUSTER_URL is not set: a real ClickHouse cluster was not tested")
        cluster_name = os.environ.get("GNOMON_TEST_CLUSTER_NAME", "")
        opened = ClusterEngine(EngineSettings(cluster_url=url, cluster_name=cluster_name), QUERY)
    await opened.start()
    yield opened
    await opened.stop()
    if server is not None:
        server.terminate()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def _write_segment(path: Path, *bodies: bytes) -> Path:
    path.write_bytes(b"".join(part for body in bodies for part in encode_frame(body, os.urandom(16), 0)))
    return path


async def test_parameters_are_bound_not_pasted(engine: Engine) -> None:
    """Quotes, lists and numbers come back as they were given."""
    result = await engine.query(
        "SELECT {text:String} AS text, {list:Array(UInt32)} AS list, {number:Float64} AS number",
        {"text": 'it\'s \\ "quoted"\n{x:String}', "list": [1, 2], "number": 1.5},
    )
    assert result.rows() == [{"text": 'it\'s \\ "quoted"\n{x:String}', "list": [1, 2], "number": 1.5}]


async def test_a_statement_without_rows_has_columns(engine: Engine) -> None:
    """An empty result keeps its names and has no rows."""
    result = await engine.query("SELECT number FROM numbers(10) WHERE number > 100")
    assert len(result) == 0
    assert result.rows() == []


async def test_segments_are_stored_once_for_each_token(engine: Engine, tmp_path: Path) -> None:
    """The same segment loaded again under its token changes no table, derived ones included."""
    await migrate(engine, RetentionSettings())
    segment = _write_segment(tmp_path / "segment", make_trace_request(7), make_trace_request(5))
    for token in ("first", "first", "second"):
        await engine.load(STREAMS["otlp_traces"], segment, token)
    counts = await engine.query(
        "SELECT (SELECT count() FROM spans) AS spans, (SELECT sum(spans) FROM trace_summaries) AS in_traces,"
        " (SELECT sum(spans) FROM operation_stats) AS in_operations"
    )
    assert counts.rows() == [{"spans": 24, "in_traces": 24, "in_operations": 24}]


async def test_an_unreadable_segment_stores_nothing(engine: Engine, tmp_path: Path) -> None:
    """A malformed request refuses its whole segment, and says so in its own way."""
    await migrate(engine, RetentionSettings())
    segment = _write_segment(tmp_path / "segment", make_log_request(["fine"]), b"\x0a\x05abcde")
    with pytest.raises(SegmentRejectedError):
        await engine.load(STREAMS["otlp_logs"], segment, "token")
    assert (await engine.query("SELECT count() FROM logs")).value() == 0


async def test_limits_stop_a_query_and_name_themselves(engine: Engine) -> None:
    """A query that runs too long or returns too much is refused with the setting and its value."""
    with pytest.raises(QueryLimitError, match=r"query\.time = 1 s"):
        await engine.query("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1")
    with pytest.raises(QueryLimitError, match=r"query\.result_rows = 1000"):
        await engine.query("SELECT number FROM numbers(100000)")
    engine.limit(replace(QUERY, result_rows=200_000))
    assert len(await engine.query("SELECT number FROM numbers(100000)")) == 100_000


async def test_a_wrong_statement_is_an_error_of_ours(engine: Engine) -> None:
    """The engine's own code and words come with the error."""
    with pytest.raises(StorageError) as caught:
        await engine.query("SELECT missing FROM numbers(1)")
    assert caught.value.code == 47
    assert isinstance(caught.value, GnomonError)


async def test_a_cancelled_query_ends_in_the_engine(engine: Engine, tmp_path: Path) -> None:
    """Cancelling the awaiting task leaves no statement running."""
    patient = QuerySettings(time_s=60)
    if isinstance(engine, EmbeddedEngine):
        await engine.stop()
        other: Engine = EmbeddedEngine(tmp_path, EngineSettings(), patient)
    else:
        pytest.skip("the stand-in server has no list of running statements that outlives a connection")
    await other.start()
    running = (
        "SELECT count() FROM system.processes"
        " WHERE query LIKE '%sipHash64(number) = 2%' AND query NOT LIKE '%processes%'"
    )
    task = asyncio.create_task(other.query("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 2"))
    for _ in range(100):
        await asyncio.sleep(0.02)
        if (await other.query(running)).value():
            break
    assert (await other.query(running)).value() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not (await other.query(running)).value():
            break
    assert (await other.query(running)).value() == 0
    await other.stop()


async def test_an_unreachable_server_can_be_tried_again() -> None:
    """Nobody at the address is a matter of time, not a broken statement."""
    engine = ClusterEngine(EngineSettings(cluster_url="clickhouse://127.0.0.1:9/default"), QUERY)
    with pytest.raises(StorageUnavailableError):
        await engine.start()
    await engine.stop()


async def test_arrow_tables_keep_types_and_bits(engine: Engine) -> None:
    """Numbers, NaN with its bits, arrays and maps come as they are; parameters are bound; no rows have columns, too."""
    statement = (
        "SELECT number + {first:UInt64} AS id, reinterpretAsFloat64(9218868437227405314::UInt64) AS marker,"
        " [1.5, NULL] AS list, map('a', 'b') AS pairs FROM numbers({rows:UInt64})"
    )
    table = await engine.query_arrow(statement, {"first": 7, "rows": 2}, settings={"max_block_size": 1})
    assert table.column("id").to_pylist() == [7, 8]
    assert table.column("marker").combine_chunks().to_numpy().view("uint64").tolist() == [9218868437227405314] * 2
    assert table.column("list").to_pylist() == [[1.5, None]] * 2
    assert table.column("pairs").to_pylist() == [[("a", "b")]] * 2
    empty = await engine.query_arrow(statement, {"first": 7, "rows": 0})
    assert empty.num_rows == 0
    assert empty.column_names == ["id", "marker", "list", "pairs"]
    with pytest.raises(QueryLimitError, match=r"query\.result_rows = 1000"):
        await engine.query_arrow("SELECT number FROM numbers(100000)")


async def test_columns_of_numbers_keep_types_and_bits(engine: Engine) -> None:
    """Numbers come as arrays of their own types, also where there are none or many blocks of them."""
    statement = (
        "SELECT number AS id, -toInt64(number) AS time, reinterpretAsFloat64(9218868437227405314::UInt64) AS value"
    )
    found = await engine.query_numbers(f"{statement} FROM numbers(900)", settings={"max_block_size": 7})
    assert found["id"].tolist() == list(range(900))
    assert found["time"].tolist() == [-number for number in range(900)]
    assert set(found["value"].view("uint64").tolist()) == {9218868437227405314}
    assert [str(column.dtype) for column in found.values()] == ["uint64", "int64", "float64"]
    empty = await engine.query_numbers(f"{statement} FROM numbers(9) WHERE number > 100")
    assert [len(column) for column in empty.values()] == [0, 0, 0]
    with pytest.raises(QueryLimitError, match=r"query\.result_rows = 1000"):
        await engine.query_numbers("SELECT number FROM numbers(100000)")
    with pytest.raises(StorageError) as caught:
        await engine.query_numbers("SELECT missing FROM numbers(1)")
    assert caught.value.code == 47
