"""What Prometheus' API tells of the server: build, configuration, flags, runtime, what takes up room; its probes."""

import asyncio
import os
import platform
import socket
import time
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from gnomon import __version__
from gnomon.model.cardinality import Counted
from gnomon.model.errors import InvalidInputError
from gnomon.model.prometheus_durations import format_prometheus_duration
from gnomon.web.prometheus_answers import (
    Parameters,
    PrometheusResponse,
    PrometheusRoute,
    describe,
    format_time,
    succeed,
    to_json,
)
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["prometheus"], route_class=PrometheusRoute)
probes = APIRouter(prefix="/-", tags=["health"])

# Whose API this is: Grafana and others look here for what they may ask.
API_VERSION = "3.9.1"

_TOP, _MOST_TOP = 10, 10_000
_MILLISECONDS = 1_000
_NANOSECONDS_OF_MS = 1_000_000
_NO_TIMES = (2**63 - 1, -(2**63))


@router.get("/status/buildinfo", summary="Tell the version of the API", response_model=PrometheusResponse)
async def get_build() -> Response:
    """Return the version of Prometheus whose API this is; `revision` is Gnomon's own version."""
    build = {
        "version": API_VERSION,
        "revision": f"gnomon-{__version__}",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": f"python{platform.python_version()}",
    }
    return succeed(to_json(build))


@router.get("/status/config", summary="Show the Prometheus configuration", response_model=PrometheusResponse)
async def get_config(services: ServicesDep) -> Response:
    """Return the prometheus.yml that is in use, secrets hidden; an empty mapping if there is none."""
    content = services.control.prometheus_content()
    text = yaml.safe_dump(content if content is not None else {}, sort_keys=False, allow_unicode=True)
    return succeed(to_json({"yaml": text}))


@router.get("/status/flags", summary="Show settings as flags", response_model=PrometheusResponse)
async def get_flags(services: ServicesDep) -> Response:
    """Return Gnomon's settings, and under Prometheus' names those that its clients look for."""
    settings = {setting.key: setting.value for setting in services.control.settings()}
    engine = services.queries.engine.settings
    settings |= {
        "enable-feature": ",".join(sorted(engine.features.enabled)),
        "query.lookback-delta": format_prometheus_duration(engine.lookback_ms),
        "query.max-samples": str(engine.max_samples),
        "query.timeout": format_prometheus_duration(int(engine.timeout_s * _MILLISECONDS)),
        "storage.tsdb.retention.time": _retention(services),
        "web.enable-lifecycle": "true",
        "web.enable-otlp-receiver": "true",
        "web.enable-remote-write-receiver": "true",
    }
    return succeed(to_json(dict(sorted(settings.items()))))


@router.get("/status/runtimeinfo", summary="Describe the process", response_model=PrometheusResponse)
async def get_runtime(services: ServicesDep) -> Response:
    """Return start, working directory, host and retention; Go's own values have Python's nearest ones."""
    started = format_time(services.control.started_at_ns)
    runtime: dict[str, Any] = {
        "startTime": started,
        "CWD": str(Path.cwd()),
        "hostname": socket.gethostname(),
        "serverTime": format_time(time.time_ns()),
        "reloadConfigSuccess": True,
        "lastConfigTime": started,
        "corruptionCount": 0,
        "goroutineCount": len(asyncio.all_tasks()),
        "GOMAXPROCS": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "GOMEMLIMIT": services.settings.max_query_memory_bytes,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": _retention(services),
    }
    return succeed(to_json(runtime))


@router.get(
    "/status/tsdb", summary="Show what takes up the room for series", response_model=PrometheusResponse,
    openapi_extra=describe("limit"),
)  # fmt: skip
async def get_series_statistics(services: ServicesDep, request: Request) -> Response:
    """Return the largest metrics, labels and pairs; there are no chunks, so none are counted."""
    parameters = await Parameters.of(request)
    limit = parameters.number("limit", _TOP, "limit must be a positive number")
    if not 1 <= limit <= _MOST_TOP:
        message = "limit must be a positive number" if limit < 1 else f"limit must not exceed {_MOST_TOP}"
        raise InvalidInputError(message)
    found = await services.metrics.cardinality(limit)
    usage = await services.storage.usage()
    samples = next((table for table in usage.tables if table.name == "samples"), None)
    earliest, latest = _NO_TIMES
    if samples is not None and samples.oldest_ns is not None and samples.newest_ns is not None:
        earliest, latest = samples.oldest_ns // _NANOSECONDS_OF_MS, samples.newest_ns // _NANOSECONDS_OF_MS
    head = {
        "numSeries": found.active_series,
        "numLabelPairs": found.label_pairs,
        "chunkCount": 0,
        "minTime": earliest,
        "maxTime": latest,
    }
    return succeed(
        to_json(
            {
                "headStats": head,
                "seriesCountByMetricName": _counts(found.series_by_metric),
                "labelValueCountByLabelName": _counts(found.values_by_label),
                "memoryInBytesByLabelName": _counts(found.bytes_by_label),
                "seriesCountByLabelValuePair": _counts(found.series_by_pair),
            }
        )
    )


@router.get("/status/walreplay", summary="Tell how far the start is", response_model=PrometheusResponse)
async def get_replay(services: ServicesDep) -> Response:
    """Return done: whoever can be asked has started."""
    progress = int(services.health.started)
    return succeed(to_json({"min": 0, "max": 1, "current": progress}))


@probes.get("/healthy", summary="Tell whether the process answers, for Prometheus' probes", response_class=Response)
async def get_healthy() -> Response:
    """Answer 200 as long as the process can answer."""
    return PlainTextResponse("Gnomon is Healthy.\n")


@probes.get("/ready", summary="Tell whether requests should be sent, for Prometheus' probes", response_class=Response)
async def get_ready(services: ServicesDep) -> Response:
    """Answer 200 when `/health/ready` does."""
    if services.health.ready:
        return PlainTextResponse("Gnomon is Ready.\n")
    return PlainTextResponse("Service Unavailable\n", status_code=503)


def _retention(services: ServicesDep) -> str:
    return format_prometheus_duration(int(services.control.retention_s()["metrics"] * _MILLISECONDS))


def _counts(counted: tuple[Counted, ...]) -> list[dict[str, Any]]:
    return [{"name": one.name, "value": one.count} for one in counted]
