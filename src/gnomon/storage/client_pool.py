"""Statements over clickhouse-connect, in threads: what the two engines have in common."""

import asyncio
import contextlib
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow.ipc
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from prometheus_client import Counter, Histogram

from gnomon.model.errors import GnomonError
from gnomon.storage.engine import ArrowTable, Result, Setting
from gnomon.storage.errors import QueryLimitError, StorageError, StorageUnavailableError
from gnomon.storage.settings import EngineSettings, QuerySettings

QUERY_SECONDS = Histogram(
    "gnomon_engine_query_duration_seconds",
    "Time that the engine took for a statement.",
    ["kind"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUERY_FAILURES = Counter(
    "gnomon_engine_query_failures_total", "Statements that the engine refused, by its error code.", ["code"]
)

_CODE = re.compile(r"Code: (\d+)")
_TIMEOUT = {159, 209}
_MEMORY = {241}
_RESULT = {158, 396}
_CANCELLED = {394}
_UNREACHABLE = {210, 279}

T = TypeVar("T")

_RESERVED_THREADS = 3


def translate_error(error: Exception, query: QuerySettings) -> GnomonError:
    """Return the error of ours that an error of the engine stands for."""
    text = str(error)
    found = _CODE.search(text)
    code = int(found[1]) if found else 0
    QUERY_FAILURES.labels(code or type(error).__name__).inc()
    if code in _TIMEOUT:
        message = (
            f"The query took longer than query.time = {query.time_s:g} s. Narrow the time range or add a condition."
        )
        return QueryLimitError(message, setting="query.time", value=query.time_s)
    if code in _MEMORY:
        message = (
            f"The query needs more memory than query.memory_bytes = {query.memory_bytes} allows. Narrow the time range."
        )
        return QueryLimitError(message, setting="query.memory_bytes", value=query.memory_bytes)
    if code in _RESULT:
        message = f"The result has more rows than query.result_rows = {query.result_rows}. Ask for fewer, or page."
        return QueryLimitError(message, setting="query.result_rows", value=query.result_rows)
    if code in _UNREACHABLE or (not code and isinstance(error, OperationalError)):
        return StorageUnavailableError(f"The engine cannot be reached: {text[:300]}", reason="engine_unreachable")
    return StorageError(text.split("(version", maxsplit=1)[0].strip()[:2000], code=code)


class ClientPool:
    """Run statements in threads, each with a client of its own; a cancelled task cancels its statement.

    `connect` opens a client. Statements of queries carry a tag in `log_comment`, by which they are found and killed.
    """

    def __init__(self, connect: Callable[[], Client], engine: EngineSettings, query: QuerySettings) -> None:
        """Keep how to connect; threads and clients come with the first statements."""
        self._connect = connect
        self._query = query
        self._threads = engine.threads
        self._memory_bytes = engine.memory_bytes
        # Queries wait for each other; the threads beyond them are for the loader, for killing queries and for health.
        self._queries = asyncio.Semaphore(query.concurrency)
        self._executor = ThreadPoolExecutor(query.concurrency + _RESERVED_THREADS, thread_name_prefix="engine")
        self._local = threading.local()
        self._clients: list[Client] = []

    def close(self) -> None:
        """Wait for running statements and close every client."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            with contextlib.suppress(ClickHouseError):
                client.close()
        self._clients.clear()

    def limit(self, query: QuerySettings) -> None:
        """Hold queries to other limits from now on; how many run at the same time stays as it is."""
        self._query = query

    async def query(
        self, statement: str, parameters: Mapping[str, object] | None, settings: Mapping[str, str | int | float] | None
    ) -> Result:
        """Return what a statement selects, within the limits of a query."""
        tag = uuid.uuid4().hex
        limits = self._limits(tag, settings)

        def run(client: Client) -> Result:
            found = client.query(statement, parameters=dict(parameters or {}), settings=limits, column_oriented=True)
            return Result(tuple(found.column_names), found.result_columns)

        async with self._queries:
            with QUERY_SECONDS.labels("query").time():
                return await self._in_thread(run, tag)

    async def query_arrow(
        self, statement: str, parameters: Mapping[str, object] | None, settings: Mapping[str, Setting] | None
    ) -> ArrowTable:
        """Return what a statement selects as an Arrow table, within the limits of a query."""
        bound = dict(parameters or {})

        def run(client: Client, limits: str) -> ArrowTable:
            body = client.raw_query(f"{statement} {limits}", parameters=bound, fmt="ArrowStream")
            return pyarrow.ipc.open_stream(body).read_all()

        return await self.query_tagged(run, settings)

    async def query_tagged(self, run: Callable[[Client, str], T], settings: Mapping[str, Setting] | None) -> T:
        """Return what `run` reads; it is given the limits of a query as a clause to end its statement with.

        Given beside a statement, the embedded client would set each and take it back by statements of their own.
        """
        tag = uuid.uuid4().hex
        limits = ", ".join(f"{name} = '{value}'" for name, value in self._limits(tag, settings).items())
        async with self._queries:
            with QUERY_SECONDS.labels("query").time():
                return await self._in_thread(lambda client: run(client, f"SETTINGS {limits}"), tag)

    async def command(
        self, statement: str, parameters: Mapping[str, object] | None, settings: Mapping[str, str | int | float] | None
    ) -> None:
        """Run a statement that returns nothing."""

        def run(client: Client) -> None:
            client.command(statement, parameters=dict(parameters or {}), settings=dict(settings or {}))

        with QUERY_SECONDS.labels("command").time():
            await self._in_thread(run, "")

    async def run(self, work: Callable[[Client], T], kind: str) -> T:
        """Return what `work` makes of a client, in a thread."""
        with QUERY_SECONDS.labels(kind).time():
            return await self._in_thread(work, "")

    def _limits(self, tag: str, settings: Mapping[str, Setting] | None) -> dict[str, Setting]:
        return {
            "max_execution_time": self._query.time_s,
            "max_memory_usage": self._query.memory_bytes,
            "max_result_rows": self._query.result_rows,
            "log_comment": tag,
            **(settings or {}),
        }

    def _bounds(self) -> dict[str, int]:
        bounds = {"max_memory_usage_for_user": self._memory_bytes, "max_threads": self._threads}
        return {name: value for name, value in bounds.items() if value}

    async def _in_thread(self, work: Callable[[Client], T], tag: str) -> T:
        running = self._executor.submit(self._call, work)
        try:
            return await asyncio.shield(asyncio.wrap_future(running))
        except asyncio.CancelledError:
            if not running.cancel() and tag:
                self._executor.submit(self._call, lambda client: client.command(_kill(tag)))
            raise
        except ClickHouseError as error:
            raise translate_error(error, self._query) from error

    def _call(self, work: Callable[[Client], T]) -> T:
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._connect()
            self._clients.append(client)
            # Once a client: beside each statement, the embedded client would set and take them back by two more.
            for name, value in self._bounds().items():
                client.set_client_setting(name, value)
            self._local.client = client
        return work(client)


def _kill(tag: str) -> str:
    return f"KILL QUERY WHERE Settings['log_comment'] = '{tag}' ASYNC"
