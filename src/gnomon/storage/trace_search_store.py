"""Many traces at once: search, points, facets, fields and what tells some traces from others.

Newest first walks windows back from the end, small ones first, so that a search over a week touches little. What would
take too long looks at a fair share of the traces (chosen by a hash of their ids) and says so.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import EVERYTHING, And, Comparison, Filter, Operator
from gnomon.model.spans import TraceSummary
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.engine import Engine, Result
from gnomon.storage.errors import StorageError
from gnomon.storage.filter_sql import SPAN_FIELDS, Condition, FieldKind, compile_filter
from gnomon.storage.span_sql import among_ids, during, during_any, moment
from gnomon.storage.trace_store import STREAM, SUMMARY_COLUMNS, Freshness, TraceStore, read_summary

_MINUTE_NS = 60 * NANOSECONDS
_FIRST_WINDOW_SPANS = 50_000
_GROWTH = 6
_BUDGET_S = 4.0
_SAMPLED_SPANS = 2_000_000
_COUNTED_SPANS = 200_000
_BAD_REGEX_CODE = 427
_PIECES = 100
_LONG_SAMPLES = 60
_PIECE_NS = "(toUnixTimestamp64Nano(trace_summaries.end) - toUnixTimestamp64Nano(trace_summaries.start))"
_RESOURCE_KEYS_LIVE_S = 10.0
# Arrays, lists and bytes are kept as protobuf, which is nothing to count.
_PLAIN_ATTRIBUTES = """arrayMap(
    (k, v, t) -> (concat('attributes.', k), v),
    arrayFilter((k, t) -> t BETWEEN 1 AND 4, mapKeys(attributes), attribute_types),
    arrayFilter((v, t) -> t BETWEEN 1 AND 4, mapValues(attributes), attribute_types),
    arrayFilter(t -> t BETWEEN 1 AND 4, attribute_types))"""


@dataclass(frozen=True, slots=True)
class NewestCursor:
    """Continue a search after one trace; no matching span that is still wanted lies at or after `resume_ns`."""

    start_ns: int
    trace_id: str
    resume_ns: int


@dataclass(frozen=True, slots=True)
class SlowestCursor:
    """Continue a search by duration after one trace."""

    duration_ns: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class NewestTraces:
    """Hold one page; `searched_to_ns` is how far back the search came before its time was up, None if it was not."""

    traces: list[TraceSummary]
    cursor: NewestCursor | None
    searched_to_ns: int | None


@dataclass(frozen=True, slots=True)
class ServicePart:
    """Sum up one service's spans in one trace; `own_ns` leaves out the time of their children."""

    trace_id: str
    service: str
    spans: int
    errors: int
    matched: int
    own_ns: int


@dataclass(frozen=True, slots=True)
class TracePoints:
    """Hold matching traces out of `found`; one in `share` was looked at, and `stopped` says that time was up."""

    traces: list[TraceSummary]
    found: int
    share: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Count spans by field and value; `spans` were found and `looked_at` of them counted, in one of `share` traces.

    `partial` says that older spans were left out, or that time was up.
    """

    rows: list[tuple[str, str, int]]
    spans: int
    looked_at: int
    share: int
    partial: bool


class TraceSearchStore:
    """Search traces."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal
        self._traces = TraceStore(engine, journal)
        self._resource_keys: frozenset[str] = frozenset()
        self._resource_keys_read = -_RESOURCE_KEYS_LIVE_S

    async def newest(
        self, time_range: TimeRange, tree: Filter, limit: int, cursor: NewestCursor | None
    ) -> NewestTraces:
        """Return traces with a matching span in the range, those that began last first."""
        condition = await self._compile(tree)
        upper = min(time_range.end_ns, cursor.resume_ns) if cursor else time_range.end_ns
        after = (-cursor.start_ns, cursor.trace_id) if cursor else None
        pool: dict[str, TraceSummary] = {}
        earliest: dict[str, int] = {}
        counts = await self._count_by_minute(TimeRange(time_range.start_ns, upper))
        spans, deadline = _FIRST_WINDOW_SPANS, time.monotonic() + _BUDGET_S
        ready: list[TraceSummary] = []
        while upper > time_range.start_ns:
            began = time.monotonic()
            window = TimeRange(max(time_range.start_ns, _step_back(counts, upper, spans)), upper)
            matches, floor_ns = await self._matches_in(window, condition, max(2 * limit, 100))
            new = [trace_id for trace_id in matches if trace_id not in pool]
            since_ns = min(matches.values(), default=0)
            pool |= {trace.trace_id: trace for trace in await self._traces.summarize(new, since_ns=since_ns)}
            earliest |= matches
            # Whatever began at or after the floor has all its spans there: nothing newer can come.
            floor_ns = 0 if floor_ns <= time_range.start_ns else floor_ns
            ready = _in_order([trace for trace in pool.values() if trace.start_ns >= floor_ns], after)
            upper = floor_ns
            now = time.monotonic()
            if len(ready) > limit or now > deadline:
                break
            affordable = int(spans * (deadline - now) / max(now - began, 0.001))
            spans = max(spans, min(spans * _GROWTH, affordable))
        page = ready[:limit]
        left = upper > time_range.start_ns
        if len(ready) <= limit and not left:
            return NewestTraces(page, None, None)
        last = page[-1] if page else None
        position = (last.start_ns, last.trace_id) if last else (upper, "")
        unseen = [trace for trace in pool.values() if (-trace.start_ns, trace.trace_id) > (-position[0], position[1])]
        resume_ns = max([position[0] + 1, upper, *(earliest[trace.trace_id] + 1 for trace in unseen)])
        return NewestTraces(page, NewestCursor(*position, resume_ns), upper if left and len(ready) <= limit else None)

    async def slowest(
        self, time_range: TimeRange, tree: Filter, limit: int, cursor: SlowestCursor | None
    ) -> tuple[list[TraceSummary], SlowestCursor | None]:
        """Return traces with a matching span in the range, those that took longest first.

        What asks for nothing but services is answered from the summaries alone. Summaries of one trace that arrived in
        pieces are put together for the longest pieces only, many times as many as are asked for.
        """
        condition = await self._compile(tree)
        parameters = dict(condition.parameters)
        after = ""
        if cursor:
            parameters |= {"after_ns": cursor.duration_ns, "after_id": cursor.trace_id}
            after = "AND (took < {after_ns:Int64} OR took = {after_ns:Int64} AND id > {after_id:String})"
        if (services := _asked_services(tree)) is not None:
            parameters = {name: value for name, value in parameters.items() if name.startswith("after")}
            parameters["services"] = list(services)
            chosen = await self._choose_longest(time_range, limit, parameters)
        else:
            chosen = self._with_matching_span(time_range, tree, condition)
        statement = f"""
            SELECT {SUMMARY_COLUMNS}, end_ns - start_ns AS took
            FROM trace_summaries
            WHERE {_days(time_range)} {chosen}
            GROUP BY trace_id
            HAVING start_ns < {time_range.end_ns:d} AND end_ns >= {time_range.start_ns:d} {after}
            ORDER BY took DESC, id
            LIMIT {limit + 1:d}
        """
        found = [read_summary(row) for row in (await self._query(statement, parameters)).rows()]
        page = found[:limit]
        return page, SlowestCursor(page[-1].duration_ns, page[-1].trace_id) if len(found) > limit else None

    async def _choose_longest(self, time_range: TimeRange, limit: int, parameters: dict[str, object]) -> str:
        """Return the condition for traces with the longest pieces of summaries in which all of the services are.

        Of millions of summaries the services are nine tenths of what is to be read, so at first they are read only
        where a piece is long: longer than those of the traces whose ids begin with 0 suggest.
        """
        overlapping = f"""{_days(time_range)} AND trace_summaries.start < {moment(time_range.end_ns)}
            AND trace_summaries.end >= {moment(time_range.start_ns)}
            {f"AND {_PIECE_NS} <= {{after_ns:Int64}}" if "after_ns" in parameters else ""}"""
        pieces = max(_PIECES, 5 * limit)
        sampled = f"""
            SELECT count() AS pieces, min(took) AS long_ns FROM (
                SELECT {_PIECE_NS} AS took FROM trace_summaries
                WHERE {overlapping} AND trace_id < toFixedString(unhex('10'), 16)
                ORDER BY took DESC LIMIT {_LONG_SAMPLES:d}
            )
        """
        sample = (await self._query(sampled, parameters)).rows()[0]
        where = f"WHERE {overlapping} AND hasAll(trace_summaries.services, {{services:Array(String)}})"
        order = f"ORDER BY {_PIECE_NS} DESC LIMIT {pieces:d}"
        if sample["pieces"] == _LONG_SAMPLES:
            long = f"PREWHERE {_PIECE_NS} >= {int(sample['long_ns']):d}"
            found = await self._query(
                f"SELECT lower(hex(trace_id)) AS id FROM trace_summaries {long} {where} {order}", parameters
            )
            if len(found) == pieces:
                return f"AND {among_ids(found.column('id'))}"
        return f"AND trace_id IN (SELECT trace_id FROM trace_summaries {where} {order})"

    async def parts(self, traces: Sequence[TraceSummary], tree: Filter) -> list[ServicePart]:
        """Return what each service did in each of some traces, and how many of its spans match."""
        if not traces:
            return []
        condition = await self._compile(tree)
        when = during_any(TimeRange(trace.start_ns, trace.end_ns + 1) for trace in traces)
        # Every span appears under its own id and under its parent's, so that children are summed in one reading.
        statement = f"""
            SELECT
                lower(hex(trace_id)) AS id, toValidUTF8(own.1) AS service_name, count() AS spans,
                countIf(own.2 = 2) AS errors, countIf(own.3) AS matched,
                sum(own.4 - least(own.4, below)) AS own_ns
            FROM (
                SELECT
                    trace_id, key, groupArrayIf((service, status, hit, duration), role = 0) AS owns,
                    sumIf(duration, role = 1) AS below
                FROM (
                    SELECT trace_id, span_id, parent_span_id, service, status, duration, ({condition.sql}) AS hit
                    FROM spans
                    PREWHERE {among_ids([trace.trace_id for trace in traces])}
                    WHERE {when}
                )
                ARRAY JOIN [span_id, parent_span_id] AS key, [0, 1] AS role
                GROUP BY trace_id, key
            )
            ARRAY JOIN owns AS own
            GROUP BY id, service_name
        """
        return [ServicePart(*row.values()) for row in (await self._query(statement, condition.parameters)).rows()]

    async def points(self, time_range: TimeRange, tree: Filter, limit: int) -> TracePoints:
        """Return all matching traces, or a fair sample of them."""
        condition = await self._compile(tree)
        share = await self._share(time_range)
        chosen = f"AND cityHash64(trace_id) % {share:d} = 0" if share > 1 else ""
        statement = f"""
            SELECT *, count() OVER () AS found FROM (
                SELECT {SUMMARY_COLUMNS} FROM trace_summaries
                WHERE {_days(time_range)} {chosen} {self._with_matching_span(time_range, tree, condition, chosen)}
                GROUP BY trace_id
                HAVING start_ns < {time_range.end_ns:d} AND end_ns >= {time_range.start_ns:d}
            )
            ORDER BY cityHash64(id)
            LIMIT {limit:d}
        """
        result, stopped = await self._query_some(statement, condition.parameters)
        rows = result.rows()
        found = share * rows[0]["found"] if rows else 0
        return TracePoints([read_summary(row) for row in rows], found, share, stopped)

    async def field_counts(self, time_range: TimeRange, tree: Filter, *, per_field: int) -> Counts:
        """Return the most frequent values of built-in fields and of attributes among the matching spans."""
        condition = await self._compile(tree)
        share = await self._share(time_range)
        where = self._sample(time_range, condition, share)
        statement = f"""
            SELECT field, toValidUTF8(value) AS value, spans, total FROM (
                SELECT tupleElement(pair, 1) AS field, tupleElement(pair, 2) AS value, count() AS spans, any(n) AS total
                FROM (
                    SELECT
                        arrayConcat(
                            [('service', toString(service)), ('name', toString(name)), ('status', toString(status)),
                             ('kind', toString(kind))],
                            {_PLAIN_ATTRIBUTES}) AS pairs,
                        count() OVER () AS n
                    FROM spans WHERE {where} LIMIT {_COUNTED_SPANS}
                ) ARRAY JOIN pairs AS pair
                WHERE length(value) <= 200
                GROUP BY field, value
            )
            ORDER BY spans DESC LIMIT {per_field:d} BY field LIMIT 2000
        """
        result, stopped = await self._query_some(statement, condition.parameters)
        rows = result.rows()
        total = rows[0]["total"] if rows else 0
        counted = [(row["field"], row["value"], row["spans"]) for row in rows]
        return Counts(counted, total, min(total, _COUNTED_SPANS), share, stopped)

    async def tag_names(self, time_range: TimeRange, contains: str) -> Counts:
        """Return names of attributes of recent spans (`attribute`) and of resources (`resource`)."""
        recent, narrowed = await self._recent(time_range)
        where = during(recent)
        statement = f"""
            SELECT 'attribute' AS kind, toValidUTF8(k) AS name, count() AS spans
            FROM (SELECT mapKeys(attributes) AS keys FROM spans WHERE {where} LIMIT 300000) ARRAY JOIN keys AS k
            WHERE positionCaseInsensitiveUTF8(k, {{part:String}}) > 0
            GROUP BY k ORDER BY spans DESC LIMIT 500
            UNION ALL
            SELECT 'resource' AS kind, toValidUTF8(k) AS name, uniq(id) AS spans
            FROM (SELECT id, mapKeys(resource) AS keys FROM origins) ARRAY JOIN keys AS k
            WHERE positionCaseInsensitiveUTF8(k, {{part:String}}) > 0
            GROUP BY k ORDER BY spans DESC LIMIT 500
        """
        found, stopped = await self._query_some(statement, {"part": contains})
        counted = [(row["kind"], row["name"], row["spans"]) for row in found.rows()]
        return Counts(counted, 0, 0, 1, narrowed or stopped)

    async def tag_values(self, time_range: TimeRange, field: str, tree: Filter, *, contains: str, limit: int) -> Counts:
        """Return the values of one field among the matching spans, the most frequent first."""
        condition = await self._compile(tree)
        recent, narrowed = await self._recent(time_range)
        where = f"{during(recent)} AND ({condition.sql})"
        key = _bare_name(field)
        await self._refresh_resource_keys()
        of_resource = field.startswith("resource.") or key in self._resource_keys
        origins = "SELECT id, any(resource) AS resource FROM origins GROUP BY id"
        join = f"LEFT JOIN ({origins}) AS o ON o.id = s.origin_id" if of_resource else ""
        statement = f"""
            SELECT toValidUTF8(value) AS text, sum(n) AS spans FROM (
                SELECT {_value_expression(field, of_resource=of_resource)} AS value, count() AS n
                FROM (SELECT * FROM spans WHERE {where} LIMIT 1000000) AS s {join}
                GROUP BY value
            )
            WHERE text != '' AND positionCaseInsensitiveUTF8(text, {{part:String}}) > 0
            GROUP BY text ORDER BY spans DESC, text LIMIT {limit:d}
        """
        found, stopped = await self._query_some(statement, condition.parameters | {"part": contains, "key": key})
        return Counts([("", row["text"], row["spans"]) for row in found.rows()], 0, 0, 1, narrowed or stopped)

    async def differing_counts(
        self, time_range: TimeRange, tree: Filter, brush: TimeRange, min_ns: int, max_ns: int
    ) -> tuple[list[tuple[str, str, int, int]], int, int, bool]:
        """Return (field, value, spans of selected traces, spans of the rest), both totals, and whether it is a sample.

        Traces are selected by start (`brush`) and duration (`min_ns` to `max_ns`).
        """
        condition = await self._compile(tree)
        share = await self._share(time_range)
        where = self._sample(time_range, condition, share)
        chosen = f"AND cityHash64(trace_id) % {share:d} = 0" if share > 1 else ""
        statement = f"""
            WITH picked AS (
                SELECT trace_id FROM trace_summaries WHERE {_days(time_range)} {chosen} GROUP BY trace_id
                HAVING min(start) >= {moment(brush.start_ns)} AND min(start) < {moment(brush.end_ns)}
                    AND dateDiff('nanosecond', min(start), max(end)) BETWEEN {min_ns:d} AND {max_ns:d}
            )
            SELECT
                tupleElement(pair, 1) AS field, toValidUTF8(tupleElement(pair, 2)) AS value,
                countIf(selected) AS selected_spans, countIf(NOT selected) AS rest_spans
            FROM (
                SELECT
                    trace_id IN picked AS selected,
                    arrayConcat(
                        [('service', toString(service)), ('name', toString(name)), ('status', toString(status)),
                         ('kind', toString(kind)), ('', '')],
                        {_PLAIN_ATTRIBUTES},
                        arrayMap((k, v) -> (concat('resource.', k), v), mapKeys(o.resource), mapValues(o.resource))
                    ) AS pairs
                FROM (SELECT * FROM spans WHERE {where} LIMIT 300000) AS s
                LEFT JOIN (SELECT id, any(resource) AS resource FROM origins GROUP BY id) AS o ON o.id = s.origin_id
            ) ARRAY JOIN pairs AS pair
            WHERE length(tupleElement(pair, 2)) <= 200
            GROUP BY field, value
            ORDER BY selected_spans + rest_spans DESC
            LIMIT 40 BY field LIMIT 20000
        """
        result, stopped = await self._query_some(statement, condition.parameters)
        rows = [tuple(row.values()) for row in result.rows()]
        selected, rest = next(((s, r) for field, _, s, r in rows if not field), (0, 0))
        return [row for row in rows if row[0]], selected, rest, share > 1 or stopped

    async def _count_by_minute(self, time_range: TimeRange) -> list[tuple[int, int]]:
        """Return each minute's start with the number of its spans, the last first."""
        statement = f"""
            SELECT toUnixTimestamp(minute) AS at, sum(spans) AS n FROM operation_stats
            WHERE minute >= toStartOfMinute({moment(time_range.start_ns)}) AND minute < {moment(time_range.end_ns)}
            GROUP BY minute ORDER BY minute DESC
        """
        found = await self._query(statement, {})
        if not len(found):
            return []
        return [(at * NANOSECONDS, spans) for at, spans in zip(found.column("at"), found.column("n"), strict=True)]

    async def _matches_in(self, window: TimeRange, condition: Condition, limit: int) -> tuple[dict[str, int], int]:
        """Return the traces that match within a window with their first match, and from when on none are missing."""
        statement = f"""
            SELECT lower(hex(trace_id)) AS id, toUnixTimestamp64Nano(min(ts)) AS first_ns,
                toUnixTimestamp64Nano(max(ts)) AS last_ns
            FROM spans WHERE {during(window)} AND ({condition.sql})
            GROUP BY trace_id ORDER BY last_ns DESC LIMIT {limit:d}
        """
        found = await self._query(statement, condition.parameters)
        if not len(found):
            return {}, window.start_ns
        matches = dict(zip(found.column("id"), found.column("first_ns"), strict=True))
        if len(found) < limit:
            return matches, window.start_ns
        floor_ns = found.column("last_ns")[-1] + 1
        return matches, floor_ns if floor_ns < window.end_ns else floor_ns - 1

    @staticmethod
    def _with_matching_span(time_range: TimeRange, tree: Filter, condition: Condition, chosen: str = "") -> str:
        if tree == EVERYTHING:
            return ""
        matching = f"SELECT trace_id FROM spans WHERE {during(time_range)} {chosen} AND ({condition.sql})"
        return f"AND trace_id IN ({matching})"

    @staticmethod
    def _sample(time_range: TimeRange, condition: Condition, share: int) -> str:
        chosen = f"AND cityHash64(trace_id) % {share:d} = 0" if share > 1 else ""
        return f"{during(time_range)} {chosen} AND ({condition.sql})"

    async def _share(self, time_range: TimeRange) -> int:
        """Return one in how many traces to look at, so that it does not take too long."""
        await self._journal.catch_up(STREAM)
        statement = f"""
            SELECT sum(spans) FROM operation_stats
            WHERE minute >= {moment(time_range.start_ns)} AND minute < {moment(time_range.end_ns)}
        """
        spans = int((await self._query(statement, {})).value())
        return max(1, spans // _SAMPLED_SPANS)

    async def _compile(self, tree: Filter) -> Condition:
        await self._journal.catch_up(STREAM)
        if tree != EVERYTHING:
            await self._refresh_resource_keys()
        return compile_filter(tree, SPAN_FIELDS, resource_keys=self._resource_keys)

    async def _refresh_resource_keys(self) -> None:
        now = time.monotonic()
        if now - self._resource_keys_read > _RESOURCE_KEYS_LIVE_S:
            statement = "SELECT DISTINCT arrayJoin(mapKeys(resource)) AS k FROM origins WHERE isValidUTF8(k)"
            self._resource_keys = frozenset((await self._engine.query(statement)).column("k"))
            self._resource_keys_read = now

    async def _recent(self, time_range: TimeRange) -> tuple[TimeRange, bool]:
        """Return the end of a range that holds as many spans as are looked at, and whether something is left out."""
        await self._journal.catch_up(STREAM)
        counts = await self._count_by_minute(time_range)
        start_ns = max(time_range.start_ns, _step_back(counts, time_range.end_ns, _SAMPLED_SPANS))
        return TimeRange(start_ns, time_range.end_ns), start_ns > time_range.start_ns

    async def _query_some(self, statement: str, parameters: dict[str, object]) -> tuple[Result, bool]:
        """Return what can be found in a few seconds, and whether they were not enough."""
        began = time.monotonic()
        budget: dict[str, str | int | float] = {"max_execution_time": _BUDGET_S, "timeout_overflow_mode": "break"}
        result = await self._query(statement, parameters, budget)
        return result, time.monotonic() - began >= _BUDGET_S

    async def _query(
        self,
        statement: str,
        parameters: dict[str, object],
        settings: Mapping[str, str | int | float] | None = None,
    ) -> Result:
        try:
            return await self._engine.query(statement, parameters, settings=settings)
        except StorageError as error:
            if error.code == _BAD_REGEX_CODE:
                raise InvalidInputError(f"Invalid regular expression: {error}") from error
            raise


def _asked_services(tree: Filter) -> tuple[str, ...] | None:
    """Return the services that a filter asks for where it asks for nothing else, none for everything."""
    match tree:
        case Comparison(field="service", operator=Operator.EQUAL, value=service):
            return (service,)
        case And(operands):
            asked = [_asked_services(operand) for operand in operands]
            if len(operands) > 1 or any(services is None for services in asked):
                # Two services in one filter mean one span of both, which there is not.
                return None
            return next((services for services in asked if services is not None), ())
        case _:
            return None


def _step_back(counts: Sequence[tuple[int, int]], upper_ns: int, spans: int) -> int:
    """Return from when on about so many spans lie before `upper_ns`; 0 where there are not so many."""
    left = float(spans)
    for minute_ns, in_minute in counts:
        if minute_ns >= upper_ns:
            continue
        end_ns = min(minute_ns + _MINUTE_NS, upper_ns)
        found = in_minute * (end_ns - minute_ns) / _MINUTE_NS
        if found > left:
            return min(end_ns - int((end_ns - minute_ns) * left / found), upper_ns - 1)
        left -= found
    return 0


def _in_order(traces: list[TraceSummary], after: tuple[int, str] | None) -> list[TraceSummary]:
    keyed = sorted(((-trace.start_ns, trace.trace_id), trace) for trace in traces)
    return [trace for key, trace in keyed if after is None or key > after]


def _days(time_range: TimeRange) -> str:
    """Return the condition on a summary's day: a trace may have begun the day before, or go on the day after."""
    first, last = time_range.start_ns // NANOSECONDS, time_range.end_ns // NANOSECONDS
    return f"day BETWEEN toDate({first}::UInt32, 'UTC') - 1 AND toDate({min(last, 2**32 - 1)}::UInt32, 'UTC') + 1"


def _bare_name(field: str) -> str:
    for prefix in ("resource.", *SPAN_FIELDS.prefixes):
        if field.startswith(prefix):
            return field.removeprefix(prefix)
    return field


def _value_expression(field: str, *, of_resource: bool) -> str:
    """Return a field's value as SQL text; the parameter `key` is the attribute's name."""
    column = SPAN_FIELDS.columns.get(field)
    if column and not column.of_origin:
        match column.kind:
            case FieldKind.NAMED:
                numbers = ", ".join(str(min(values)) for values in column.names.values())
                names = ", ".join(f"'{name}'" for name in column.names)
                return f"transform(toUInt8({column.expression}), [{numbers}], [{names}], '')"
            case FieldKind.TRACE_ID | FieldKind.SPAN_ID:
                return f"lower(hex({column.expression}))"
            case FieldKind.LIST:
                return f"arrayJoin({column.expression})"
            case _:
                return f"toString({column.expression})"
    own, resource = "attributes[{key:String}]", "o.resource[{key:String}]"
    if field.startswith("resource."):
        return resource
    if of_resource and not field.startswith(SPAN_FIELDS.prefixes):
        return f"if(mapContains(attributes, {{key:String}}), {own}, {resource})"
    return own
