"""What log lines have in common: facets, fields, values and patterns."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from gnomon.model.any_values import JsonValue
from gnomon.model.filters import EVERYTHING, Filter
from gnomon.model.log_records import (
    Facet,
    Facets,
    FieldInfo,
    FieldKind,
    LogPatterns,
    Pattern,
    ValueCount,
)
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine, Result
from gnomon.storage.filter_sql import LOG_FIELDS, Condition
from gnomon.storage.journal import Journal
from gnomon.storage.log_rows import read_origins, time_bounds
from gnomon.storage.log_sampling import sample_share, sample_slices, sampled_note, slices_sql, split_range
from gnomon.storage.log_store import (
    LEVEL_NUMBER,
    LEVELS,
    STREAMS,
    compile_log_filter,
    counted_lines,
    run_log_query,
)

_SLICES = 16
_MAX_KEYS = 500
_TOP_K = 1000
_VALUE_CHARACTERS = 300
_MOSTLY_DIFFERENT = 0.5
_BODY_CHARACTERS = 600
_TEMPLATES = 3000
_SERVICES = 20

_EVERY_LINE = Condition("1", {})
_OWN_PREFIXES = LOG_FIELDS.prefixes
_RESOURCE_PREFIX = "resource."
_TEXT_COLUMNS = {"severity_text": "severity_text", "event": "event_name", "event_name": "event_name"}

_BUILT_IN = {
    "service": "Name of the service that wrote the line.",
    "level": "trace, debug, info, warn, error or fatal; can be compared: level>=warn.",
    "body": "The line's text; free words look here, too.",
    "trace_id": "Trace that the line belongs to.",
    "span_id": "Span that the line belongs to.",
    "severity_text": "The level as the sender spells it.",
    "event_name": "Name of the event, where the line is one.",
    "scope": "Name of the logger or instrumentation library.",
}

# What varies from line to line becomes a placeholder, longer and stricter things first. Where a character is given, a
# line without it is not searched. Hexadecimal has both a letter and a digit: a word is none, and a number is a number.
_PLACEHOLDERS = (
    ("", r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", "<uuid>"),
    ("", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
    (":", r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
    (":", r"\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b", "<ip>"),
    (".", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b", "<ip>"),
    ("@", r"[\w.+-]+@[\w-]+\.[\w.-]+\b", "<email>"),
    ('"', r'"[^"]*"', "<str>"),
    ("", r"\b(?:0x[0-9a-fA-F]+|(?:[0-9]+[a-fA-F]|[a-fA-F]+[0-9])[0-9a-fA-F]{6,})\b", "<hex>"),
    ("", r"\d+(?:\.\d+)?", "<num>"),
)


class LogStatistics:
    """Count what lines have; satisfies `gnomon.logs.search.LogStatisticsReader`.

    Services and levels are counted exactly. Attributes and patterns are read from a fair sample where the lines are too
    many, and the answer says so.
    """

    def __init__(self, engine: Engine, journal: Journal) -> None:
        """Read from `engine` what `journal` has loaded into it."""
        self._engine = engine
        self._journal = journal

    async def facets(self, tree: Filter, time_range: TimeRange, *, values: int, attributes: int) -> Facets:
        """Return the `values` most frequent values of the built-in fields and of the most frequent attributes."""
        await self._journal.catch_up(*STREAMS)
        condition = await compile_log_filter(self._engine, tree)
        services, levels, matching = await self._count(tree, condition, time_range)
        facets = [_facet("service", services, values), _facet("level", levels, values)]
        if not matching or not attributes:
            return Facets([facet for facet in facets if facet.values], matching)
        sample, parameters = await self._sample(condition, time_range, matching)
        by_origin = await self._count_origins(sample, parameters)
        lines = sum(by_origin.values())
        scale = matching / lines if 0 < lines < matching else 1.0
        own = await self._attribute_facets(sample, parameters, values, scale)
        resources = await self._resource_counts(by_origin)
        taken = {"service.name", *(facet.field for facet in own)}
        facets += [
            _facet(key, _scaled(counts, scale), values)
            for key, counts in sorted(resources.items(), key=lambda item: -sum(item[1].values()))
            if key not in taken and len(counts) <= _TOP_K
        ]
        facets += own
        listed = [facet for facet in facets if facet.values]
        return Facets(
            listed[: 2 + attributes], lines, sampled_note("Counts of attributes are estimated", lines, matching)
        )

    async def fields(self, time_range: TimeRange) -> list[FieldInfo]:
        """Return the fields of the lines in the range."""
        await self._journal.catch_up(*STREAMS)
        condition = _EVERY_LINE
        _, _, matching = await self._count(EVERYTHING, condition, time_range)
        sample, parameters = await self._sample(condition, time_range, matching)
        found = await self._engine.query(
            f"""
            SELECT toValidUTF8(key) AS field, count() AS lines
            FROM (SELECT arrayJoin(mapKeys(attributes)) AS key FROM logs WHERE {sample})
            GROUP BY field ORDER BY lines DESC, field LIMIT {_MAX_KEYS}
            """,
            parameters,
        )
        by_origin = await self._count_origins(sample, parameters)
        resources = await self._resource_counts(by_origin)
        own = dict(zip(found.column("field"), found.column("lines"), strict=True)) if len(found) else {}
        fields = [FieldInfo(name, FieldKind.BUILT_IN, description) for name, description in _BUILT_IN.items()]
        fields += [FieldInfo(key, FieldKind.ATTRIBUTE, "Attribute of the line.", lines) for key, lines in own.items()]
        fields += [
            FieldInfo(
                f"{_RESOURCE_PREFIX}{key}" if key in own else key,
                FieldKind.RESOURCE,
                "Attribute of the sender's resource.",
                sum(counts.values()),
            )
            for key, counts in sorted(resources.items(), key=lambda item: (-sum(item[1].values()), item[0]))
            if key != "service.name"
        ]
        return fields

    async def values(self, field: str, time_range: TimeRange, *, prefix: str, limit: int) -> list[ValueCount]:
        """Return values of a field that begin with `prefix`, most frequent first; none for ids and text."""
        await self._journal.catch_up(*STREAMS)
        condition = _EVERY_LINE
        services, levels, matching = await self._count(EVERYTHING, condition, time_range)
        if field in {"service", "service.name"}:
            return _begin_with(services, prefix, limit)
        if field in {"level", "severity"}:
            return _begin_with({level.value: levels.get(level.value, 0) for level in LEVELS}, prefix, limit)
        sample, parameters = await self._sample(condition, time_range, matching)
        if field in _TEXT_COLUMNS:
            column = _TEXT_COLUMNS[field]
            return _begin_with(
                await self._count_values(column, f"{column} != ''", sample, parameters, prefix, limit), prefix, limit
            )
        if field in LOG_FIELDS.columns:
            return []
        counts: Counter[str] = Counter()
        own_prefix = next((mark for mark in _OWN_PREFIXES if field.startswith(mark)), "")
        if not field.startswith(_RESOURCE_PREFIX):
            own = {**parameters, "key": field.removeprefix(own_prefix)}
            counts.update(
                await self._count_values(
                    "attributes[{key:String}]", "mapContains(attributes, {key:String})", sample, own, prefix, limit
                )
            )
        if not own_prefix:
            resources = await self._resource_counts(await self._count_origins(sample, parameters))
            counts.update(resources.get(field.removeprefix(_RESOURCE_PREFIX), {}))
        return _begin_with(counts, prefix, limit)

    async def patterns(self, tree: Filter, time_range: TimeRange, width_ns: int, *, limit: int) -> LogPatterns:
        """Return templates as the engine finds them, up to `limit` of the most frequent, not yet merged."""
        await self._journal.catch_up(*STREAMS)
        condition = await compile_log_filter(self._engine, tree)
        _, _, matching = await self._count(tree, condition, time_range)
        first, last = time_range.start_ns // width_ns, (time_range.end_ns - 1) // width_ns
        edges = [time_range.start_ns, *(index * width_ns for index in range(first + 1, last + 1)), time_range.end_ns]
        parts = [TimeRange(start, end) for start, end in pairwise(edges)]
        sample, parameters = await self._sample(condition, time_range, matching, parts)
        found = await run_log_query(
            self._engine,
            f"""
            SELECT
                {_template_sql()} AS template,
                count() AS lines,
                sumMap([{LEVEL_NUMBER}], [1]) AS levels,
                sumMap([intDiv(toUnixTimestamp64Nano(ts), {{width_ns:Int64}}) - {{first:Int64}}], [1]) AS trend,
                groupUniqArray({_SERVICES})(toValidUTF8(service)) AS services,
                argMax(text, ts) AS example,
                toUnixTimestamp64Nano(max(ts)) AS example_ts_ns,
                sum(lines) OVER () AS all_lines
            FROM (
                SELECT ts, service, severity, substringUTF8(toValidUTF8(body), 1, {_BODY_CHARACTERS}) AS text
                FROM logs WHERE {sample} AND body_type IN (1, 8)
            )
            GROUP BY template ORDER BY lines DESC, template LIMIT {{limit:UInt64}}
            """,
            {**parameters, "width_ns": width_ns, "first": first, "limit": max(limit, _TEMPLATES)},
        )
        buckets = last - first + 1
        lines = int(found.column("all_lines")[0]) if len(found) else 0
        return LogPatterns(
            patterns=[
                Pattern(
                    template=row["template"],
                    count=row["lines"],
                    levels={LEVELS[number]: lines for number, lines in zip(*row["levels"], strict=True)},
                    services=row["services"],
                    trend=_dense(row["trend"], buckets),
                    example=row["example"],
                    example_ts_ns=row["example_ts_ns"],
                    query="",
                )
                for row in found.rows()
            ],
            starts_ns=[index * width_ns for index in range(first, last + 1)],
            width_ns=width_ns,
            lines=lines,
            matching=matching,
            partial=sampled_note("Patterns are taken", lines, matching),
        )

    async def _count(
        self, tree: Filter, condition: Condition, time_range: TimeRange
    ) -> tuple[dict[str, int], dict[str, int], int]:
        """Return the lines by service and by level, and all of them."""
        source, parameters = counted_lines(tree, condition, time_range)
        found = await run_log_query(
            self._engine,
            f"""
            SELECT toValidUTF8(service) AS name, {LEVEL_NUMBER} AS level, sum(lines) AS all_lines
            FROM ({source}) GROUP BY name, level
            """,
            parameters,
        )
        services: Counter[str] = Counter()
        levels: Counter[str] = Counter()
        for row in found.rows():
            services[row["name"]] += row["all_lines"]
            levels[LEVELS[row["level"]].value] += row["all_lines"]
        return dict(services), dict(levels), sum(levels.values())

    async def _sample(
        self, condition: Condition, time_range: TimeRange, matching: int, parts: list[TimeRange] | None = None
    ) -> tuple[str, dict[str, object]]:
        """Return a condition that keeps a sample of the lines, some from each part, and its parameters."""
        total = matching
        if condition != _EVERY_LINE:
            _, _, total = await self._count(EVERYTHING, _EVERY_LINE, time_range)
        slices = sample_slices(parts or split_range(time_range, _SLICES), sample_share(matching, total))
        bounds, parameters = time_bounds(time_range)
        return f"({bounds} AND ({slices_sql(slices)}) AND ({condition.sql}))", {**parameters, **condition.parameters}

    async def _count_origins(self, sample: str, parameters: Mapping[str, object]) -> dict[str, int]:
        statement = f"SELECT toString(origin_id) AS origin, count() AS lines FROM logs WHERE {sample} GROUP BY origin"
        found = await run_log_query(self._engine, statement, parameters)
        return dict(zip(found.column("origin"), found.column("lines"), strict=True)) if len(found) else {}

    async def _resource_counts(self, by_origin: Mapping[str, int]) -> dict[str, Counter[str]]:
        """Return the lines by resource attribute and value."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for key, origin in (await read_origins(self._engine, by_origin)).items():
            for name, value in origin.resource.items():
                if not isinstance(value, list | dict) and value is not None:
                    counts[name][_as_text(value)] += by_origin[key]
        return counts

    async def _attribute_facets(
        self, sample: str, parameters: Mapping[str, object], values: int, scale: float
    ) -> list[Facet]:
        found = await run_log_query(
            self._engine,
            f"""
            SELECT
                field, count() AS lines, uniq(value) AS different,
                approx_top_k({values}, {_TOP_K})(substringUTF8(toValidUTF8(value), 1, {_VALUE_CHARACTERS})) AS found,
                arrayMap(entry -> (entry.1, entry.2), found) AS top
            FROM (
                SELECT
                    arrayZip(mapKeys(attributes), mapValues(attributes), attribute_types) AS all_entries,
                    arrayJoin(arrayFilter(entry -> entry.3 NOT IN (5, 6, 7), all_entries)) AS one,
                    toValidUTF8(one.1) AS field,
                    one.2 AS value
                FROM logs WHERE {sample}
            )
            GROUP BY field ORDER BY lines DESC, field LIMIT {_MAX_KEYS}
            """,
            parameters,
        )
        facets = []
        for row in found.rows():
            if row["different"] > max(values, row["lines"] * _MOSTLY_DIFFERENT):
                continue  # Nearly every line has its own: a list of them tells nothing.
            top = dict(row["top"])
            other = max(0, row["lines"] - sum(top.values()))
            counts = [ValueCount(value, round(count * scale)) for value, count in top.items()]
            facets.append(Facet(row["field"], counts, round(other * scale)))
        return facets

    async def _count_values(
        self, expression: str, held: str, sample: str, parameters: Mapping[str, object], prefix: str, limit: int
    ) -> dict[str, int]:
        found: Result = await run_log_query(
            self._engine,
            f"""
            SELECT toValidUTF8(toString({expression})) AS value, count() AS lines FROM logs
            WHERE {sample} AND {held}
                AND ({{prefix:String}} = '' OR positionCaseInsensitiveUTF8(value, {{prefix:String}}) = 1)
            GROUP BY value ORDER BY lines DESC, value LIMIT {{limit:UInt64}}
            """,
            {**parameters, "prefix": prefix, "limit": limit},
        )
        return dict(zip(found.column("value"), found.column("lines"), strict=True)) if len(found) else {}


def _template_sql() -> str:
    """Return the expression that puts placeholders into `text`."""
    expression = "text"
    for needed, pattern, placeholder in _PLACEHOLDERS:
        escaped = pattern.replace("\\", "\\\\").replace("'", "\\'")
        replaced = f"replaceRegexpAll({expression}, '{escaped}', '{placeholder}')"
        expression = f"if(position(text, '{needed}') = 0, {expression}, {replaced})" if needed else replaced
    return expression


def _facet(field: str, counts: Mapping[str, int], values: int) -> Facet:
    top = Counter({value: count for value, count in counts.items() if value}).most_common(values)
    listed = sum(count for _, count in top)
    total = sum(count for value, count in counts.items() if value)
    return Facet(field, [ValueCount(value, count) for value, count in top], total - listed)


def _scaled(counts: Mapping[str, int], scale: float) -> dict[str, int]:
    return {value: round(count * scale) for value, count in counts.items()}


def _begin_with(counts: Mapping[str, int], prefix: str, limit: int) -> list[ValueCount]:
    wanted = prefix.lower()
    found = [(value, count) for value, count in counts.items() if value.lower().startswith(wanted)]
    found.sort(key=lambda item: (-item[1], item[0]))
    return [ValueCount(value, count) for value, count in found[:limit]]


def _dense(pairs: tuple[Sequence[int], Sequence[int]], buckets: int) -> list[int]:
    trend = [0] * buckets
    for bucket, count in zip(*pairs, strict=True):
        trend[bucket] = count
    return trend


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
