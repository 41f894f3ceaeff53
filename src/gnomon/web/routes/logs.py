"""`/api/logs/…`: search, histogram, facets, fields, patterns, surroundings, live tail and export."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from gnomon.logs.search import LogSearch
from gnomon.logs.tail import TailBatch
from gnomon.model.llm_content import is_content
from gnomon.model.log_records import LogPage
from gnomon.web.content_access import ContentAccessDep, remember_content_access
from gnomon.web.errors import ForbiddenError
from gnomon.web.routes import log_responses as responses
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/logs", tags=["logs"], dependencies=[Depends(remember_content_access)])

_HEARTBEAT = b": still here\n\n"

SearchText = Annotated[
    str, Query(description="What to find; see the search language.", examples=["service:gateway level>=warn"])
]
LineId = Annotated[str, Path(description="`id` of a line that a search found.")]
Order = Annotated[Literal["newest", "oldest"], Query(description="Which end of the range comes first.")]


async def get_search(services: ServicesDep) -> LogSearch:
    """Return the search over logs."""
    return services.logs


SearchDep = Annotated[LogSearch, Depends(get_search)]


@router.get("/search", summary="Find lines")
async def get_logs_search(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: SearchText = "",
    limit: Annotated[int, Query(ge=1, le=5000, description="How many lines at most.")] = 200,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
    order: Order = "newest",
) -> responses.LogSearchResponse:
    """Return lines in the order asked for, a page at a time."""
    began = time.perf_counter()
    page = await search.find(q, time_range, limit=limit, cursor=cursor, newest_first=order == "newest")
    return responses.show_page(page, time_range, _elapsed_ms(began))


@router.get("/histogram", summary="Count lines by time and level")
async def get_logs_histogram(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: SearchText = "",
    buckets: Annotated[int, Query(ge=1, le=1000, description="About how many buckets; their width is round.")] = 60,
) -> responses.LogHistogramResponse:
    """Return counts in round, aligned buckets."""
    began = time.perf_counter()
    histogram = await search.histogram(q, time_range, buckets=buckets)
    return responses.show_histogram(histogram, time_range, _elapsed_ms(began))


@router.get("/facets", summary="Count values of fields")
async def get_logs_facets(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: SearchText = "",
    values: Annotated[int, Query(ge=1, le=100, description="How many values of each field.")] = 10,
    fields: Annotated[int, Query(ge=0, le=50, description="How many attributes beside the built-in fields.")] = 12,
) -> responses.LogFacetsResponse:
    """Return the most frequent values of service, level and the most frequent attributes."""
    began = time.perf_counter()
    facets = await search.facets(q, time_range, values=values, attributes=fields)
    return responses.show_facets(facets, _elapsed_ms(began))


@router.get("/fields", summary="List the fields that can be searched")
async def get_logs_fields(search: SearchDep, time_range: TimeRangeDep) -> responses.LogFieldsResponse:
    """Return built-in fields and the attributes seen in the time range."""
    return responses.LogFieldsResponse(
        fields=[responses.show_field(field) for field in await search.fields(time_range)]
    )


@router.get("/fields/{name:path}/values", summary="List values of a field")
async def get_logs_field_values(
    search: SearchDep,
    content: ContentAccessDep,
    time_range: TimeRangeDep,
    name: Annotated[str, Path(description="The field's name, as in a query.")],
    prefix: Annotated[str, Query(description="Only values that begin with this, whatever its case.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="How many values at most.")] = 50,
) -> responses.FieldValuesResponse:
    """Return values of one field in the time range, most frequent first."""
    if not content and is_content(name):
        raise ForbiddenError(f"{name!r} holds what was said, for which a key needs the scope 'content'.")
    values = await search.values(name, time_range, prefix=prefix, limit=limit)
    return responses.FieldValuesResponse(field=name, values=responses.show_values(name, values))


@router.get("/line/{line_id}", summary="Show one line")
async def get_logs_line(search: SearchDep, line_id: LineId) -> responses.LogLineDetailResponse:
    """Return a line by its id."""
    record, origin = await search.line(line_id)
    return responses.LogLineDetailResponse(line=responses.show_line(record), resource=responses.show_resource(origin))


@router.get("/around/{line_id}", summary="Show what stands around a line")
async def get_logs_around(
    search: SearchDep,
    line_id: LineId,
    before: Annotated[int, Query(ge=0, le=1000, description="How many earlier lines.")] = 20,
    after: Annotated[int, Query(ge=0, le=1000, description="How many later lines.")] = 20,
) -> responses.LogSurroundingsResponse:
    """Return lines of the same service instance before and after a line."""
    return responses.show_surroundings(await search.around(line_id, before=before, after=after))


@router.get("/patterns", summary="Group similar lines")
async def get_logs_patterns(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: SearchText = "",
    limit: Annotated[int, Query(ge=1, le=500, description="How many patterns at most.")] = 100,
    buckets: Annotated[int, Query(ge=1, le=200, description="About how many buckets in the trend.")] = 30,
) -> responses.LogPatternsResponse:
    """Return templates with counts, level mix and trend."""
    began = time.perf_counter()
    patterns = await search.patterns(q, time_range, limit=limit, buckets=buckets)
    return responses.show_patterns(patterns, _elapsed_ms(began))


@router.get("/complete", summary="Complete a query that is being typed")
async def get_logs_complete(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: Annotated[str, Query(description="The query as far as it is typed; it need not be valid.")] = "",
    offset: Annotated[int | None, Query(ge=0, description="Where the cursor stands; at the end by default.")] = None,
) -> responses.CompletionResponse:
    """Return what is being typed at the cursor (field, operator or value) and what could stand there."""
    completion, suggestions = await search.complete(q, len(q) if offset is None else offset, time_range)
    return responses.show_completion(completion, suggestions)


@router.get("/refine", summary="Add a condition to a query")
async def get_logs_refine(
    search: SearchDep,
    field: Annotated[str, Query(min_length=1, description="The field to refine by.")],
    value: Annotated[str, Query(description="Its value.")],
    q: SearchText = "",
    keep: Annotated[bool, Query(description="True for *only this*, false for *not this*.")] = True,  # noqa: FBT002
) -> responses.RefinedQueryResponse:
    """Return the query that keeps only, or drops, the lines where a field has a value."""
    return responses.RefinedQueryResponse(q=search.refine(q, field, value, keep=keep))


@router.get(
    "/tail",
    summary="Follow new lines",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "model": responses.LogTailBatch}},
)
async def get_logs_tail(services: ServicesDep, q: SearchText = "") -> StreamingResponse:
    """Send lines as they are stored, as server-sent events.

    Each `lines` event carries a batch (LogTailBatch), oldest first. Lines that come faster than they can be sent are
    skipped and counted in the next event. Comments keep the connection open while nothing comes. The
    stream ends when the server goes down.
    """
    batches = await services.log_tail.follow(q)
    return StreamingResponse(
        _tail_events(batches),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get(
    "/export",
    summary="Export lines as JSON Lines",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}, "description": "One line (LogLineResponse) a line."}},
)
async def get_logs_export(
    search: SearchDep,
    time_range: TimeRangeDep,
    q: SearchText = "",
    order: Order = "newest",
    limit: Annotated[int | None, Query(ge=1, description="How many lines at most; all by default.")] = None,
) -> StreamingResponse:
    """Stream every line that the search finds, each with its resource's attributes as `resource`."""
    pages = await search.export(q, time_range, newest_first=order == "newest", limit=limit)
    name = f"logs-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(time_range.end_ns / 1e9))}.jsonl"
    return StreamingResponse(
        _export_lines(pages),
        media_type="application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _export_lines(pages: AsyncIterator[LogPage]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield await asyncio.to_thread(_write_lines, page)


def _write_lines(page: LogPage) -> bytes:
    resources = {key: responses.show_resource(origin).attributes for key, origin in page.origins.items()}
    lines = (
        responses.show_line(record).model_dump(exclude_none=True) | {"resource": resources.get(record.origin_id, {})}
        for record in page.records
    )
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


async def _tail_events(batches: AsyncIterator[TailBatch | None]) -> AsyncIterator[bytes]:
    yield _HEARTBEAT
    async for batch in batches:
        yield _HEARTBEAT if batch is None else await asyncio.to_thread(_write_event, batch)


def _write_event(batch: TailBatch) -> bytes:
    return b"event: lines\ndata: " + orjson.dumps(_show_batch(batch)) + b"\n\n"


def _show_batch(batch: TailBatch) -> dict[str, object]:
    return {
        "lines": [responses.show_line(record).model_dump() for record in batch.records],
        "resources": {key: responses.show_resource(origin).model_dump() for key, origin in batch.origins.items()},
        "skipped": batch.skipped,
        "skipped_total": batch.skipped_total,
    }


def _elapsed_ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
