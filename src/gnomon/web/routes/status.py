"""`/api/status`, `/api/storage` and `/api/ingest`: how Gnomon itself is doing."""

import time
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from gnomon import __version__
from gnomon.model.storage_usage import TableUsage
from gnomon.web.services import IngestRate, ServicesDep

router = APIRouter(prefix="/api", tags=["status"])

_INGEST_WINDOW_S = 60.0
_OWN_PROTOCOL = "internal"
_NANOSECONDS = 1_000_000_000


class EndpointsResponse(BaseModel):
    """Tell where senders and browsers reach this process: URLs, and host:port for gRPC."""

    ui: str
    otlp_http: str
    otlp_grpc: str
    remote_write: str
    loki_push: str
    jsonl: str
    jaeger_query: str


class LimitsResponse(BaseModel):
    """List what one request may cost."""

    body_bytes: int
    query_time_s: float
    query_memory_bytes: int
    result_rows: int


class RetentionResponse(BaseModel):
    """Tell how long each signal is kept, in seconds."""

    traces_s: float
    logs_s: float
    metrics_s: float


class IngestRateResponse(BaseModel):
    """Tell what one protocol and signal brought over the window."""

    protocol: str
    signal: str
    items_per_s: float
    bytes_per_s: float
    requests_per_s: float
    refused_per_s: float
    refusals: dict[str, float]


class IngestResponse(BaseModel):
    """Tell what comes in: totals by signal, then every protocol."""

    window_s: float
    spans_per_s: float
    log_records_per_s: float
    refused_per_s: float
    protocols: list[IngestRateResponse]


class StatusResponse(BaseModel):
    """Describe this process."""

    version: str
    started_at_ns: int
    uptime_s: float
    ready: bool
    keys_required: bool
    endpoints: EndpointsResponse
    retention: RetentionResponse
    limits: LimitsResponse
    ingest: IngestResponse


class TableResponse(BaseModel):
    """Measure one table; `compression_ratio` is uncompressed over compressed bytes, null while it is empty."""

    name: str
    rows: int
    compressed_bytes: int
    uncompressed_bytes: int
    compression_ratio: float | None
    oldest_ns: int | None
    newest_ns: int | None


class JournalResponse(BaseModel):
    """Measure what is acknowledged, but not loaded yet; `set_aside` segments could not be read and are kept."""

    segments: int
    backlog_bytes: int
    oldest_age_s: float
    set_aside: int


class StorageResponse(BaseModel):
    """Measure the store; `budget_bytes` is null when the disk alone is the limit."""

    engine: str
    used_bytes: int
    budget_bytes: int | None
    disk_free_bytes: int
    disk_total_bytes: int
    retention: RetentionResponse
    journal: JournalResponse
    tables: list[TableResponse]


@router.get("/status", summary="Describe this process")
async def get_status(services: ServicesDep) -> StatusResponse:
    """Return version, uptime, endpoints with their real ports, retention, limits and a summary of ingest."""
    control, settings = services.control, services.settings
    endpoints = control.endpoints
    return StatusResponse(
        version=__version__,
        started_at_ns=control.started_at_ns,
        uptime_s=time.time() - control.started_at_ns / _NANOSECONDS,
        ready=services.health.ready,
        keys_required=settings.keys_required,
        endpoints=EndpointsResponse(
            ui=endpoints.ui,
            otlp_http=endpoints.otlp_http,
            otlp_grpc=endpoints.otlp_grpc,
            remote_write=f"{endpoints.ui}/api/v1/write",
            loki_push=f"{endpoints.ui}/loki/api/v1/push",
            jsonl=f"{endpoints.ui}/ingest/jsonl",
            jaeger_query=endpoints.ui,
        ),
        retention=_retention(services),
        limits=LimitsResponse(
            body_bytes=settings.max_body_bytes,
            query_time_s=settings.max_query_time_s,
            query_memory_bytes=settings.max_query_memory_bytes,
            result_rows=settings.max_result_rows,
        ),
        ingest=_ingest(services, _INGEST_WINDOW_S),
    )


@router.get("/storage", summary="Measure the store")
async def get_storage(services: ServicesDep) -> StorageResponse:
    """Return rows, sizes and oldest data of each table, room on the disk, and what waits in the journal."""
    usage = await services.storage.usage()
    return StorageResponse(
        engine=usage.engine,
        used_bytes=usage.used_bytes,
        budget_bytes=usage.budget_bytes,
        disk_free_bytes=usage.disk_free_bytes,
        disk_total_bytes=usage.disk_total_bytes,
        retention=_retention(services),
        journal=JournalResponse(
            segments=usage.journal.segments,
            backlog_bytes=usage.journal.backlog_bytes,
            oldest_age_s=usage.journal.oldest_age_s,
            set_aside=usage.journal.set_aside,
        ),
        tables=[_table(table) for table in usage.tables],
    )


@router.get("/ingest", summary="Tell what comes in")
async def get_ingest(
    services: ServicesDep,
    window_s: Annotated[float, Query(gt=0, le=300, description="How far to look back, in seconds.")] = _INGEST_WINDOW_S,
) -> IngestResponse:
    """Return rates and refusals of each protocol over the last minutes."""
    return _ingest(services, window_s)


def _retention(services: ServicesDep) -> RetentionResponse:
    retention_s = services.control.retention_s()
    return RetentionResponse(
        traces_s=retention_s["traces"], logs_s=retention_s["logs"], metrics_s=retention_s["metrics"]
    )


def _ingest(services: ServicesDep, window_s: float) -> IngestResponse:
    rates = services.ingest.rates(window_s)
    # Gnomon's own spans are listed, but nobody sends them.
    sent = [rate for rate in rates if rate.protocol != _OWN_PROTOCOL]
    return IngestResponse(
        window_s=window_s,
        spans_per_s=sum(rate.items_per_s for rate in sent if rate.signal == "traces"),
        log_records_per_s=sum(rate.items_per_s for rate in sent if rate.signal == "logs"),
        refused_per_s=sum(rate.refused_per_s for rate in rates),
        protocols=[_rate(rate) for rate in rates],
    )


def _rate(rate: IngestRate) -> IngestRateResponse:
    return IngestRateResponse(
        protocol=rate.protocol,
        signal=rate.signal,
        items_per_s=rate.items_per_s,
        bytes_per_s=rate.bytes_per_s,
        requests_per_s=rate.requests_per_s,
        refused_per_s=rate.refused_per_s,
        refusals=rate.refusals,
    )


def _table(table: TableUsage) -> TableResponse:
    ratio = table.uncompressed_bytes / table.compressed_bytes if table.compressed_bytes else None
    return TableResponse(
        name=table.name,
        rows=table.rows,
        compressed_bytes=table.compressed_bytes,
        uncompressed_bytes=table.uncompressed_bytes,
        compression_ratio=ratio,
        oldest_ns=table.oldest_ns,
        newest_ns=table.newest_ns,
    )
