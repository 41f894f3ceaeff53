"""Keep the data directory within its budget, and the engine's memory within its own.

Age is the engine's business: every table has a TTL (migrations.py), and parts past it are dropped whole. What no TTL
knows is size: when the tables outgrow `max_bytes`, the oldest day of the largest signal goes, and when only one day
is left, its oldest part.
"""

import structlog
from prometheus_client import Counter, Gauge

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.storage.engine import Engine, Row

log = structlog.get_logger(__name__)

STORED_BYTES = Gauge("gnomon_storage_bytes", "Bytes on the disk, by table.", ["table"])
STORED_ROWS = Gauge("gnomon_storage_rows", "Rows, by table.", ["table"])
REDACTED_VALUES = Gauge(
    "gnomon_redacted_values", "Values in what is stored that hold a masked secret, by table.", ["table"]
)
BUDGET_DROPS = Counter(
    "gnomon_storage_budget_drops_total", "Times that the oldest data was dropped to stay within the budget.", ["table"]
)

_TABLES = """
SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
"""
_DAYS = """
SELECT table, partition, sum(bytes_on_disk) AS bytes, sum(rows) AS rows
FROM system.parts
WHERE active AND database = currentDatabase()
  AND replaceRegexpOne(table, '_local$', '') IN (
    'spans', 'logs', 'trace_summaries', 'samples', 'native_histograms', 'exemplars')
GROUP BY table, partition
ORDER BY partition, bytes DESC
"""
_AGE = {
    "spans": "ts",
    "logs": "ts",
    "trace_summaries": "start",
    "samples": "ts",
    "native_histograms": "ts",
    "exemplars": "ts",
}
_REDACTED = ("spans", "logs")
_STEPS = 100


class Retention:
    """Watch the sizes of tables and hold them to a budget (a Service)."""

    def __init__(self, engine: Engine, max_bytes: int, clock: Clock, *, interval_s: float = 30.0) -> None:
        """Take the budget in bytes, 0 for none."""
        self._engine = engine
        self._max_bytes = max_bytes
        self._periodic = PeriodicService("retention", self.enforce, interval_s, clock)

    async def start(self) -> None:
        """Begin to watch."""
        await self._periodic.start()

    async def stop(self) -> None:
        """Stop watching."""
        await self._periodic.stop()

    async def enforce(self) -> None:
        """Publish sizes, and drop the oldest data until the budget holds."""
        for _ in range(_STEPS):
            tables = (await self._engine.query(_TABLES)).rows()
            for row in tables:
                STORED_BYTES.labels(row["table"]).set(row["bytes"])
                STORED_ROWS.labels(row["table"]).set(row["rows"])
                if row["table"].removesuffix("_local") in _REDACTED:
                    masked = await self._engine.query(f"SELECT sum(redacted) FROM {row['table']} WHERE redacted > 0")
                    REDACTED_VALUES.labels(row["table"]).set(masked.value())
            excess = sum(row["bytes"] for row in tables) - self._max_bytes
            if not self._max_bytes or excess <= 0 or not await self._drop_oldest(excess):
                return

    async def _drop_oldest(self, excess: int) -> bool:
        """Drop the oldest day, or a part of the only one; returns whether anything could be dropped."""
        days = (await self._engine.query(_DAYS)).rows()
        if not days:
            return False
        oldest = [day for day in days if day["partition"] == days[0]["partition"]]
        lone = len({day["partition"] for day in days}) == 1
        for day in oldest:
            if lone:
                await self._drop_share(day, min(1.0, excess / sum(d["bytes"] for d in oldest) + 0.1))
            else:
                await self._engine.command(
                    f"ALTER TABLE {day['table']} {self._on_cluster()} DROP PARTITION '{day['partition']}'"
                )
            BUDGET_DROPS.labels(day["table"]).inc()
            log.warning(
                "oldest data dropped to stay within storage.max_bytes",
                table=day["table"],
                day=day["partition"],
                excess=excess,
            )
        return True

    async def _drop_share(self, day: Row, share: float) -> None:
        """Delete the oldest share of a day's rows, and wait until the space is free."""
        table, column = day["table"], _AGE[day["table"].removesuffix("_local")]
        statement = (
            f"SELECT toUnixTimestamp64Nano(toDateTime64(quantile({share})({column}), 9)) FROM {table}"
            f" WHERE toDate({column}) = {{day:Date}}"
        )
        cut = (await self._engine.query(statement, {"day": day["partition"]})).value()
        await self._engine.command(
            f"ALTER TABLE {table} {self._on_cluster()} DELETE WHERE {column} <= fromUnixTimestamp64Nano({cut})",
            settings={"mutations_sync": 1},
        )

    def _on_cluster(self) -> str:
        cluster = self._engine.dialect.cluster_name
        return f"ON CLUSTER '{cluster}'" if cluster else ""
