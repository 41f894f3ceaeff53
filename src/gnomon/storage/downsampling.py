"""Put old samples together by five minutes and by the hour, so that they can be kept for long.

    samples ─► samples_5m ─► samples_1h       bucket (ts - resolution, ts], written once it has ended

Where samples came in late, buckets from the oldest of them on are computed again; a later version of a row replaces
an earlier one.
"""

from prometheus_client import Gauge

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.model.series import STALE_BITS
from gnomon.storage.arrivals import Lot
from gnomon.storage.engine import Engine
from gnomon.storage.series_catalog import SeriesCatalog

DOWNSAMPLED_UNTIL = Gauge(
    "gnomon_downsampled_until_timestamp_seconds",
    "Time up to which samples have been put together, by resolution.",
    ["resolution"],
)

FIVE_MINUTES_S, HOUR_S = 300, 3600
DAY_S = 24 * HOUR_S
TABLES = {FIVE_MINUTES_S: "samples_5m", HOUR_S: "samples_1h"}
# What one statement puts together.
_CHUNKS = {FIVE_MINUTES_S: HOUR_S, HOUR_S: DAY_S}
# Samples may be on their way for so long; what comes later is put together anew.
_GRACE_S = 120
# How far back to look where more came in than is remembered.
_FORGOTTEN_S = 2 * DAY_S

Chunk = tuple[int, int]

# What a counter gained between two neighbours: after a reset it began at zero.
_GAINED = "if(next < previous, next, next - previous)"
_FROM_SAMPLES = f"""
INSERT INTO samples_5m
SELECT
    id, bucket,
    if(empty(numbers), nan, arrayMin(numbers)), if(empty(numbers), nan, arrayMax(numbers)),
    arraySum(values), length(values), values[1], times[1], values[-1], times[-1],
    arraySum((previous, next) -> {_GAINED}, arrayPopBack(values), arrayPopFront(values)),
    {{version:UInt64}}
FROM (
    SELECT id, bucket, timeSeriesGroupArray(ts, value) AS pairs, pairs.1 AS times, pairs.2 AS values,
        arrayFilter(v -> NOT isNaN(v), values) AS numbers
    FROM (
        SELECT id, ts, value,
            toDateTime(intDiv(toUnixTimestamp64Milli(ts) + 299999, 300000) * 300, 'UTC') AS bucket
        FROM samples
        WHERE ts > toDateTime({{after:Int64}}, 'UTC') AND ts <= toDateTime({{until:Int64}}, 'UTC')
          AND reinterpretAsUInt64(value) != {STALE_BITS}
    )
    GROUP BY id, bucket
)
"""
_FROM_FIVE_MINUTES = f"""
INSERT INTO samples_1h
SELECT
    id, bucket,
    if(empty(lows), nan, arrayMin(lows)), if(empty(highs), nan, arrayMax(highs)),
    arraySum(rows.4), arraySum(rows.5), firsts[1], (rows.7)[1], lasts[-1], (rows.9)[-1],
    arraySum(rows.10) + arraySum((previous, next) -> {_GAINED}, arrayPopBack(lasts), arrayPopFront(firsts)),
    {{version:UInt64}}
FROM (
    SELECT id, toDateTime(intDiv(toUnixTimestamp(ts) + 3599, 3600) * 3600, 'UTC') AS bucket,
        arraySort(row -> row.1,
            groupArray((ts, min, max, sum, count, first, first_ts, last, last_ts, increase))) AS rows,
        rows.6 AS firsts, rows.8 AS lasts,
        arrayFilter(v -> NOT isNaN(v), rows.2) AS lows, arrayFilter(v -> NOT isNaN(v), rows.3) AS highs
    FROM samples_5m FINAL
    WHERE ts > toDateTime({{after:Int64}}, 'UTC') AND ts <= toDateTime({{until:Int64}}, 'UTC')
    GROUP BY id, bucket
)
"""
_STATEMENTS = {FIVE_MINUTES_S: _FROM_SAMPLES, HOUR_S: _FROM_FIVE_MINUTES}
_PROGRESS = """
SELECT resolution, toUnixTimestamp(argMax(until, noted)) AS until_s FROM downsampling_progress GROUP BY resolution
"""
_NOTE = """
INSERT INTO downsampling_progress SELECT {resolution:UInt32}, toDateTime({until:Int64}, 'UTC'), now64(6)
"""
_DAYS = """
SELECT DISTINCT toUnixTimestamp(toDateTime(toDate(ts), 'UTC')) AS day FROM samples
WHERE ts > toDateTime({after:Int64}, 'UTC')
"""
_GENTLE = {"max_threads": 1, "enable_time_series_aggregate_functions": 1}


class Downsampler:
    """Put samples together, a chunk at a time (a Service)."""

    def __init__(self, engine: Engine, catalog: SeriesCatalog, clock: Clock, *, interval_s: float = 60.0) -> None:
        """Work every `interval_s` seconds."""
        self._engine = engine
        self._catalog = catalog
        self._clock = clock
        self._token = 0
        self._until = catalog.downsampled_until_s
        self._resumed = False
        self._periodic = PeriodicService("downsampling", self.run, interval_s, clock)

    async def start(self) -> None:
        """Begin where the last process ended."""
        await self._periodic.start()

    async def stop(self) -> None:
        """Stop; a chunk that is under way is done anew the next time."""
        await self._periodic.stop()

    async def run(self) -> None:
        """Put together what has ended since the last run, and anew what samples came in late for."""
        token, lots = self._catalog.arrivals.token, self._catalog.arrivals.lots_since(self._token)
        if not self._resumed:
            rows = (await self._engine.query(_PROGRESS)).rows()
            self._until.update({row["resolution"]: row["until_s"] for row in rows})
            self._resumed = True
            # A former process may have ended between the arrival of late samples and its next run.
            done_ms = self._until.get(FIVE_MINUTES_S, 0) * 1000
            lots = [*(lots or []), Lot(done_ms - HOUR_S * 1000, done_ms)] if done_ms else lots
        for resolution_s in TABLES:
            await self._advance(resolution_s, lots)
        self._token = token

    async def _advance(self, resolution_s: int, lots: list[Lot] | None) -> None:
        chunk_s = _CHUNKS[resolution_s]
        now_s = self._clock.now_ns() // 10**9
        done_s = self._until.get(resolution_s, 0)
        target_s = (now_s - _GRACE_S) // resolution_s * resolution_s
        if resolution_s == HOUR_S:
            target_s = min(target_s, self._until.get(FIVE_MINUTES_S, 0) // HOUR_S * HOUR_S)
        chunks = _late_chunks(lots, chunk_s, done_s)
        if target_s > done_s:
            chunks |= await self._new_chunks(resolution_s, done_s, target_s)
        for after_s, until_s in sorted(chunks):
            parameters = {"after": after_s, "until": until_s, "version": self._clock.now_ns()}
            await self._engine.command(_STATEMENTS[resolution_s], parameters, settings=_GENTLE)
        if target_s > done_s:
            await self._engine.command(_NOTE, {"resolution": resolution_s, "until": target_s})
            self._until[resolution_s] = target_s
            DOWNSAMPLED_UNTIL.labels(f"{resolution_s}s").set(target_s)

    async def _new_chunks(self, resolution_s: int, done_s: int, target_s: int) -> set[Chunk]:
        """Return what has ended since the last run; the first time, all there is."""
        chunk_s = _CHUNKS[resolution_s]
        days: set[int] | None = None
        if not done_s or target_s - done_s > 2 * DAY_S:
            found = await self._engine.query(_DAYS, {"after": done_s}, settings={"max_result_rows": 0})
            days = {int(day) for day in found.column("day")}
            if not days:
                return set()
            # A sample at midnight belongs to the bucket that ends then.
            done_s = max(done_s, min(days) - resolution_s)
        ends = range((done_s // chunk_s + 1) * chunk_s, target_s + chunk_s, chunk_s)
        return {
            (max(end - chunk_s, done_s), min(end, target_s))
            for end in ends
            if days is None or days & {(end - chunk_s) // DAY_S * DAY_S, end // DAY_S * DAY_S}
        }


def _late_chunks(lots: list[Lot] | None, chunk_s: int, done_s: int) -> set[Chunk]:
    """Return the chunks for which samples came in after they had been put together."""
    if lots is None:
        lots = [Lot(max(0, done_s - _FORGOTTEN_S) * 1000, done_s * 1000)]
    return {
        (begin, min(begin + chunk_s, done_s))
        for lot in lots
        for begin in range(
            max(0, lot.oldest_ms - 1) // 1000 // chunk_s * chunk_s, min(lot.newest_ms // 1000 + 1, done_s), chunk_s
        )
    }
