"""Find traces, and what tells some of them from the others."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import Filter
from gnomon.model.spans import KINDS, STATUSES, TraceSummary
from gnomon.model.time_ranges import NANOSECONDS, TimeRange, parse_time_range
from gnomon.storage.trace_search_store import NewestCursor, ServicePart, SlowestCursor, TraceSearchStore
from gnomon.traces.search_results import (
    Differences,
    DifferingField,
    DifferingValue,
    Facet,
    Facets,
    ScatterPoints,
    SearchPage,
    ServiceShare,
    TagName,
    TagNames,
    TagValues,
    TraceRow,
    ValueCount,
)

_BUILT_IN = ("service", "name", "status", "kind")
_FIELDS = (
    "service", "name", "status", "error", "duration", "kind", "root", "event", "status_message", "scope",
    "scope_version", "trace_id", "span_id", "parent_id", "events", "links",
)  # fmt: skip
_VALUES_PER_FACET = 10
_FACETS = 24
_FIELDS_THAT_DIFFER = 40
_VALUES_THAT_DIFFER = 8
_LONGEST_NS = (1 << 63) - 1
_CURSOR = re.compile(r"(n)\.(-?\d+)\.([0-9a-f]*)\.(\d+)|(s)\.(\d+)\.([0-9a-f]+)")


class Sort(StrEnum):
    """Order of results."""

    NEWEST = "newest"
    SLOWEST = "slowest"


@dataclass(frozen=True, slots=True)
class Brush:
    """Select traces by start and duration (nanoseconds, both ends inclusive)."""

    starts: TimeRange
    min_duration_ns: int
    max_duration_ns: int

    @classmethod
    def parse(cls, start: str, end: str, min_duration: str, max_duration: str) -> "Brush":
        """Return the selection that four texts mean; an empty duration sets no limit. Raises InvalidInputError."""
        return cls(
            starts=parse_time_range(start, end, now_ns=time.time_ns()),
            min_duration_ns=parse_duration_ns(min_duration) if min_duration else 0,
            max_duration_ns=parse_duration_ns(max_duration) if max_duration else _LONGEST_NS,
        )


class TraceSearch:
    """Answer questions about many traces."""

    def __init__(self, store: TraceSearchStore) -> None:
        """Search in `store`."""
        self._store = store

    async def search(self, time_range: TimeRange, tree: Filter, *, sort: Sort, limit: int, cursor: str) -> SearchPage:
        """Return a page of the traces that have a matching span; raises InvalidInputError for a foreign cursor."""
        note = ""
        following = None
        if sort is Sort.NEWEST:
            newest = await self._store.newest(time_range, tree, limit, _read_newest_cursor(cursor))
            found = newest.traces
            if newest.cursor:
                following = f"n.{newest.cursor.start_ns}.{newest.cursor.trace_id}.{newest.cursor.resume_ns}"
            if newest.searched_to_ns is not None:
                moment = datetime.fromtimestamp(newest.searched_to_ns / NANOSECONDS, UTC)
                note = f"Searched back to {moment:%Y-%m-%d %H:%M:%S} UTC so far; the next page goes on from there."
        else:
            found, slowest = await self._store.slowest(time_range, tree, limit, _read_slowest_cursor(cursor))
            if slowest:
                following = f"s.{slowest.duration_ns}.{slowest.trace_id}"
        parts: dict[str, list[ServicePart]] = {}
        for part in await self._store.parts(found, tree):
            parts.setdefault(part.trace_id, []).append(part)
        rows = tuple(_row(trace, parts.get(trace.trace_id, [])) for trace in found)
        return SearchPage(rows, complete=not note, note=note, next_cursor=following)

    async def points(self, time_range: TimeRange, tree: Filter, *, limit: int) -> ScatterPoints:
        """Return the matching traces as points, or a fair sample of them."""
        points = await self._store.points(time_range, tree, limit)
        notes = []
        if points.stopped:
            notes.append("Time was up before every trace was looked at: narrow the range for all.")
        if points.share > 1:
            notes.append(f"Estimated from one in {points.share} traces.")
        if points.found > len(points.traces):
            notes.append(f"Shows {len(points.traces)} of {points.found} traces, chosen by chance.")
        traces = sorted(points.traces, key=lambda trace: trace.start_ns)
        return ScatterPoints(
            trace_id=tuple(trace.trace_id for trace in traces),
            start_ms=tuple(trace.start_ns / 1e6 for trace in traces),
            duration_ns=tuple(trace.duration_ns for trace in traces),
            errors=tuple(trace.errors for trace in traces),
            found=points.found,
            complete=not notes,
            note=" ".join(notes),
        )

    async def facets(self, time_range: TimeRange, tree: Filter) -> Facets:
        """Return how many matching spans carry which values."""
        counts = await self._store.field_counts(time_range, tree, per_field=_VALUES_PER_FACET)
        scale = counts.share * counts.spans / max(counts.looked_at, 1)
        total = counts.spans * counts.share
        values: dict[str, list[ValueCount]] = {}
        for field, value, spans in counts.rows:
            values.setdefault(field, []).append(ValueCount(_readable(field, value), round(spans * scale)))
        ordered = sorted(values, key=lambda field: _interest(field, values[field], total))
        facets = tuple(
            Facet(_short(field), tuple(values[field]), max(0, total - sum(value.spans for value in values[field])))
            for field in ordered[:_FACETS]
        )
        return Facets(total, facets, sampled=scale > 1 or counts.partial)

    async def differences(self, time_range: TimeRange, tree: Filter, brush: Brush) -> Differences:
        """Return which values are more or less frequent among the selected traces than among the rest."""
        rows, selected, rest, sampled = await self._store.differing_counts(
            time_range, tree, brush.starts, brush.min_duration_ns, brush.max_duration_ns
        )
        fields: dict[str, list[DifferingValue]] = {}
        for field, value, of_selected, of_rest in rows:
            fields.setdefault(field, []).append(
                DifferingValue(
                    value=_readable(field, value),
                    selected=of_selected,
                    rest=of_rest,
                    selected_share=of_selected / max(selected, 1),
                    rest_share=of_rest / max(rest, 1),
                )
            )
        differing = [_differing(field, values) for field, values in fields.items()]
        differing = sorted((field for field in differing if field.score > 0), key=lambda field: -field.score)
        return Differences(selected, rest, tuple(differing[:_FIELDS_THAT_DIFFER]), sampled=sampled)

    async def tag_names(self, time_range: TimeRange, contains: str) -> TagNames:
        """Return the fields that queries can use."""
        counts = await self._store.tag_names(time_range, contains)
        built_in = [TagName(name, "builtin", 0) for name in _FIELDS if contains.lower() in name]
        found = [TagName(name, kind, spans) for kind, name, spans in counts.rows]
        return TagNames((*built_in, *found), sampled=counts.partial)

    async def tag_values(
        self, time_range: TimeRange, name: str, tree: Filter, *, contains: str, limit: int
    ) -> TagValues:
        """Return the most frequent values of a field among the matching spans."""
        counts = await self._store.tag_values(time_range, name, tree, contains=contains, limit=limit)
        values = tuple(ValueCount(value, spans) for _, value, spans in counts.rows)
        return TagValues(values, sampled=counts.partial)


def _row(trace: TraceSummary, parts: Iterable[ServicePart]) -> TraceRow:
    ordered = sorted(parts, key=lambda part: (-part.own_ns, part.service))
    own_ns = sum(part.own_ns for part in ordered)
    return TraceRow(
        trace_id=trace.trace_id,
        root_service=trace.root_service,
        root_name=trace.root_name,
        start_ns=trace.start_ns,
        duration_ns=trace.duration_ns,
        spans=trace.spans,
        errors=trace.errors,
        matched_spans=sum(part.matched for part in ordered),
        services=tuple(
            ServiceShare(part.service, part.spans, part.errors, part.own_ns / own_ns if own_ns else 1 / len(ordered))
            for part in ordered
        ),
    )


def _differing(field: str, values: list[DifferingValue]) -> DifferingField:
    """Return how differently a field is distributed: half the sum of the differences, absence counted as a value."""
    absent = abs(sum(value.selected_share for value in values) - sum(value.rest_share for value in values))
    score = (sum(abs(value.selected_share - value.rest_share) for value in values) + absent) / 2
    ordered = sorted(values, key=lambda value: -abs(value.selected_share - value.rest_share))
    return DifferingField(_short(field), min(score, 1.0), tuple(ordered[:_VALUES_THAT_DIFFER]))


def _interest(field: str, values: list[ValueCount], total: int) -> tuple[int, float]:
    """Return a sort key: built-in fields, then attributes that most spans have and that tell them apart."""
    if field in _BUILT_IN:
        return _BUILT_IN.index(field), 0.0
    listed = sum(value.spans for value in values)
    # An id differs from span to span and a constant never does: neither helps to narrow a search.
    tells_apart = len(values) > 1 and values[0].spans > 1 and listed > total / 100
    return len(_BUILT_IN) + (0 if tells_apart else 1), -listed


def _readable(field: str, value: str) -> str:
    names = {"kind": KINDS, "status": STATUSES}.get(field)
    return names[int(value)] if names and value.isdecimal() and int(value) < len(names) else value


def _short(field: str) -> str:
    return field.removeprefix("attributes.")


def _read_newest_cursor(text: str) -> NewestCursor | None:
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if not found or not found[1]:
        raise _foreign_cursor(text)
    return NewestCursor(int(found[2]), found[3], int(found[4]))


def _read_slowest_cursor(text: str) -> SlowestCursor | None:
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if not found or not found[5]:
        raise _foreign_cursor(text)
    return SlowestCursor(int(found[6]), found[7])


def _foreign_cursor(text: str) -> InvalidInputError:
    return InvalidInputError(f"Invalid cursor: {text!r}. Take next_cursor of the page before, with the same sort.")
