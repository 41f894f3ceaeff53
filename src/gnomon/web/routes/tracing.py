"""`/api/tracing`: find traces, open one, compare two."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from gnomon.model.filter_language import parse_filter
from gnomon.model.filters import Filter
from gnomon.model.llm_content import is_content
from gnomon.traces.search import Brush, Sort
from gnomon.traces.search_results import Differences, Facets, ScatterPoints, SearchPage, TagNames, TagValues
from gnomon.traces.trace_views import Journey, MatchingSpans, SpanDetails, TraceComparison, Waterfall
from gnomon.web.content_access import ContentAccessDep, hide_in_span
from gnomon.web.errors import ForbiddenError
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/tracing", tags=["traces"])

_WATERFALL = TypeAdapter(Waterfall)

QueryText = Annotated[
    str,
    Query(
        description="Conditions on spans in the search language: `service:gateway duration>1s http.status_code>=500`."
    ),
]
TraceId = Annotated[
    str, Path(description="32 or 16 hexadecimal digits; W3C traceparent and Jaeger's spellings work, too.")
]


@router.get("/search", summary="Find traces")
async def search_traces(
    services: ServicesDep,
    time_range: TimeRangeDep,
    q: QueryText = "",
    sort: Annotated[Sort, Query(description="What comes first.")] = Sort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=1000, description="Traces on a page.")] = 50,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
) -> SearchPage:
    """Return the traces that have a span which meets every condition."""
    return await services.tracing.search.search(time_range, _parse(q), sort=sort, limit=limit, cursor=cursor)


@router.get("/points", summary="Show traces as points of latency over time")
async def get_points(
    services: ServicesDep,
    time_range: TimeRangeDep,
    q: QueryText = "",
    limit: Annotated[int, Query(ge=1, le=20_000, description="Most points.")] = 2000,
) -> ScatterPoints:
    """Return start, duration and errors of the traces that a search finds in the whole range: all, or a fair sample."""
    return await services.tracing.search.points(time_range, _parse(q), limit=limit)


@router.get("/facets", summary="Break the matching spans down by field")
async def get_facets(
    services: ServicesDep, content: ContentAccessDep, time_range: TimeRangeDep, q: QueryText = ""
) -> Facets:
    """Return counts by service, operation, status, kind and the most frequent attributes."""
    found = await services.tracing.search.facets(time_range, _parse(q))
    return found if content else replace(found, facets=tuple(f for f in found.facets if not is_content(f.field)))


@router.get("/differences", summary="Compare selected traces with the rest")
async def get_differences(
    services: ServicesDep,
    content: ContentAccessDep,
    time_range: TimeRangeDep,
    brush_from: Annotated[str, Query(description="Start of the selection, a time.")],
    brush_to: Annotated[str, Query(description="End of the selection, a time.")],
    q: QueryText = "",
    min_duration: Annotated[str, Query(description="Shortest trace selected, such as 250ms.")] = "",
    max_duration: Annotated[str, Query(description="Longest trace selected.")] = "",
) -> Differences:
    """Return the fields whose values tell the selected traces from the others, attribute by attribute."""
    brush = Brush.parse(brush_from, brush_to, min_duration, max_duration)
    found = await services.tracing.search.differences(time_range, _parse(q), brush)
    return found if content else replace(found, fields=tuple(f for f in found.fields if not is_content(f.field)))


@router.get("/tags", summary="List the fields that queries can use")
async def get_tag_names(
    services: ServicesDep,
    time_range: TimeRangeDep,
    prefix: Annotated[str, Query(description="Only names that contain this, ignoring case.")] = "",
) -> TagNames:
    """Return built-in fields, then attributes of recent spans and their resources."""
    return await services.tracing.search.tag_names(time_range, prefix)


@router.get("/tags/{name}/values", summary="List the values of a field")
async def get_tag_values(
    services: ServicesDep,
    content: ContentAccessDep,
    time_range: TimeRangeDep,
    name: Annotated[str, Path(description="A field: service, http.route, resource.host.name.")],
    q: QueryText = "",
    prefix: Annotated[str, Query(description="Only values that contain this, ignoring case.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Most values.")] = 50,
) -> TagValues:
    """Return the most frequent values of one field among recent spans that match the query."""
    if not content and is_content(name.removeprefix("span.")):
        raise ForbiddenError(f"{name!r} holds what was said, for which a key needs the scope 'content'.")
    return await services.tracing.search.tag_values(time_range, name, _parse(q), contains=prefix, limit=limit)


@router.get("/compare", summary="Compare two traces")
async def compare_traces(
    services: ServicesDep,
    left: Annotated[str, Query(description="A trace id.")],
    right: Annotated[str, Query(description="Another.")],
) -> TraceComparison:
    """Return both traces aligned by service, operation and ancestors."""
    return await services.tracing.traces.compare(left, right)


@router.get("/trace/{trace_id}", summary="Tell a trace's journey")
async def get_trace(
    services: ServicesDep,
    trace_id: TraceId,
    limit: Annotated[int, Query(ge=1, le=100_000, description="How many steps to return.")] = 5000,
) -> Journey:
    """Return the journey as ordered steps with services, durations, statuses and the critical path."""
    return await services.tracing.traces.journey(trace_id, limit)


@router.get("/trace/{trace_id}/spans", summary="Lay out every span of a trace", response_model=Waterfall)
async def get_waterfall(services: ServicesDep, trace_id: TraceId) -> Response:
    """Return the spans in parallel lists, made for 50,000 of them; attributes come by span."""
    waterfall = await services.tracing.traces.waterfall(trace_id)
    # Straight to JSON: checking 50,000 spans against the model would take longer than all the rest.
    return Response(_WATERFALL.dump_json(waterfall), media_type="application/json")


@router.get("/trace/{trace_id}/matches", summary="Search within a trace")
async def get_matching_spans(services: ServicesDep, trace_id: TraceId, q: QueryText) -> MatchingSpans:
    """Return the ids of the spans that meet the query."""
    return await services.tracing.traces.matches(trace_id, _parse(q))


@router.get("/trace/{trace_id}/spans/{span_id}", summary="Show one span")
async def get_span(
    services: ServicesDep,
    content: ContentAccessDep,
    trace_id: TraceId,
    span_id: Annotated[str, Path(description="16 hexadecimal digits.")],
) -> SpanDetails:
    """Return all that is stored of one span: attributes, events, links, resource and scope."""
    span = await services.tracing.traces.span(trace_id, span_id)
    return span if content else hide_in_span(span)


def _parse(query: str) -> Filter:
    return parse_filter(query, text_field="name")
