"""Questions about logs: from the text that people type to answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from gnomon.logs.buckets import round_width_ns
from gnomon.logs.completion import suggest_fields, suggest_operators, suggest_values
from gnomon.logs.patterns import merge_patterns
from gnomon.model.errors import NotFoundError
from gnomon.model.filter_language import parse_filter, refine_filter
from gnomon.model.filter_text import Completion, CompletionKind, complete_at
from gnomon.model.filters import Comparison, Filter, Operator
from gnomon.model.log_records import (
    Facets,
    FieldInfo,
    LevelHistogram,
    LogPage,
    LogPatterns,
    LogRecord,
    Origin,
    Surroundings,
    ValueCount,
)
from gnomon.model.time_ranges import TimeRange

_EXPORT_PAGE = 5_000
_COMPLETION_VALUES = 20
_COMPLETION_RANGE_NS = 6 * 3_600_000_000_000


class LogReader(Protocol):
    """Read stored lines.

    Every method sees all lines acknowledged half a second before it was called, and raises InvalidInputError with a
    position when a filter makes no sense for logs, LimitExceededError when a limit stops it and UnavailableError when
    storage cannot answer.
    """

    async def search(
        self, tree: Filter, time_range: TimeRange, *, limit: int, cursor: str = "", newest_first: bool = True
    ) -> LogPage:
        """Return up to `limit` lines after `cursor`; raises InvalidInputError for a cursor that it did not give out."""

    async def histogram(self, tree: Filter, time_range: TimeRange, width_ns: int) -> LevelHistogram:
        """Return counts in buckets of `width_ns`, aligned to multiples of it, without gaps."""

    async def line(self, line_id: str) -> tuple[LogRecord, Origin] | None:
        """Return a line and its sender, or None when there is none; raises InvalidInputError for what is no id."""

    async def around(self, line_id: str, *, before: int, after: int) -> Surroundings | None:
        """Return the neighbours of a line from the same service and resource, or None when there is no such line."""


class LogStatisticsReader(Protocol):
    """Count what stored lines have in common; sees and raises what LogReader does."""

    async def facets(self, tree: Filter, time_range: TimeRange, *, values: int, attributes: int) -> Facets:
        """Return the `values` most frequent values of the built-in fields and of the most frequent attributes."""

    async def fields(self, time_range: TimeRange) -> list[FieldInfo]:
        """Return the fields of the lines in the range."""

    async def values(self, field: str, time_range: TimeRange, *, prefix: str, limit: int) -> list[ValueCount]:
        """Return values of a field that begin with `prefix`, most frequent first."""

    async def patterns(self, tree: Filter, time_range: TimeRange, width_ns: int, *, limit: int) -> LogPatterns:
        """Return templates as the engine finds them, up to `limit`, not yet merged."""


class LogSearch:
    """Answer what the logs page asks."""

    def __init__(self, reader: LogReader, statistics: LogStatisticsReader) -> None:
        """Read lines from `reader` and counts from `statistics`."""
        self._reader = reader
        self._statistics = statistics

    async def find(self, text: str, time_range: TimeRange, *, limit: int, cursor: str, newest_first: bool) -> LogPage:
        """Return a page of the lines that a query finds."""
        tree = parse_filter(text)
        return await self._reader.search(tree, time_range, limit=limit, cursor=cursor, newest_first=newest_first)

    async def histogram(self, text: str, time_range: TimeRange, *, buckets: int) -> LevelHistogram:
        """Return counts by level in about `buckets` round buckets."""
        tree = parse_filter(text)
        return await self._reader.histogram(tree, time_range, round_width_ns(time_range.duration_ns, buckets))

    async def facets(self, text: str, time_range: TimeRange, *, values: int, attributes: int) -> Facets:
        """Return the most frequent values among the lines that a query finds."""
        return await self._statistics.facets(parse_filter(text), time_range, values=values, attributes=attributes)

    async def fields(self, time_range: TimeRange) -> list[FieldInfo]:
        """Return the fields that can be searched."""
        return await self._statistics.fields(time_range)

    async def values(self, field: str, time_range: TimeRange, *, prefix: str, limit: int) -> list[ValueCount]:
        """Return values of a field, most frequent first."""
        return await self._statistics.values(field, time_range, prefix=prefix, limit=limit)

    async def line(self, line_id: str) -> tuple[LogRecord, Origin]:
        """Return a line and its sender; raises NotFoundError."""
        found = await self._reader.line(line_id)
        if found is None:
            raise _no_line(line_id)
        return found

    async def around(self, line_id: str, *, before: int, after: int) -> Surroundings:
        """Return a line amid its neighbours; raises NotFoundError."""
        found = await self._reader.around(line_id, before=before, after=after)
        if found is None:
            raise _no_line(line_id)
        return found

    async def patterns(self, text: str, time_range: TimeRange, *, limit: int, buckets: int) -> LogPatterns:
        """Return similar lines as templates with counts and trend."""
        width_ns = round_width_ns(time_range.duration_ns, buckets)
        found = await self._statistics.patterns(parse_filter(text), time_range, width_ns, limit=2 * limit)
        return await asyncio.to_thread(merge_patterns, found, limit)

    async def export(
        self, text: str, time_range: TimeRange, *, newest_first: bool, limit: int | None
    ) -> AsyncIterator[LogPage]:
        """Return all lines that a query finds, a page at a time; the first page is read before this returns."""
        first = await self.find(
            text, time_range, limit=min(limit or _EXPORT_PAGE, _EXPORT_PAGE), cursor="", newest_first=newest_first
        )
        return self._pages(first, text, time_range, newest_first=newest_first, limit=limit)

    async def complete(
        self, text: str, offset: int, time_range: TimeRange
    ) -> tuple[Completion, Sequence[tuple[str, str]]]:
        """Return what is being typed at an offset and what could stand there, as text and detail."""
        completion = complete_at(text, offset)
        recent = TimeRange(max(time_range.start_ns, time_range.end_ns - _COMPLETION_RANGE_NS), time_range.end_ns)
        if completion.kind is CompletionKind.VALUE:
            values = await self._statistics.values(
                completion.field, recent, prefix=completion.prefix.lstrip("\"'"), limit=_COMPLETION_VALUES
            )
            return completion, suggest_values(values)
        fields = await self._statistics.fields(recent)
        if completion.kind is CompletionKind.OPERATOR and any(field.name == completion.field for field in fields):
            return completion, suggest_operators()
        return completion, suggest_fields(fields, completion.prefix)

    def refine(self, text: str, field: str, value: str, *, keep: bool) -> str:
        """Return the query that keeps only, or drops, the lines whose field has a value."""
        return refine_filter(text, Comparison(field, Operator.EQUAL if keep else Operator.NOT_EQUAL, value))

    async def _pages(
        self, page: LogPage, text: str, time_range: TimeRange, *, newest_first: bool, limit: int | None
    ) -> AsyncIterator[LogPage]:
        left = limit
        while True:
            yield page
            left = None if left is None else left - len(page.records)
            if not page.cursor or left == 0:
                return
            page = await self.find(
                text,
                time_range,
                limit=min(left or _EXPORT_PAGE, _EXPORT_PAGE),
                cursor=page.cursor,
                newest_first=newest_first,
            )


def _no_line(line_id: str) -> NotFoundError:
    return NotFoundError(f"There is no log line {line_id!r}. It may be older than the retention of logs.")
