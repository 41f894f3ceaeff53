"""What Prometheus' API tells of scraping: targets, their metadata, scrape pools."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from gnomon.ingest.scraping.scraper import ActiveTarget, DroppedTarget
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher
from gnomon.promql.parser import parse_selector
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

_NEVER = "0001-01-01T00:00:00Z"
_MILLISECOND_NS = 1_000_000


@router.get(
    "/targets", summary="List scrape targets", response_model=PrometheusResponse,
    openapi_extra=describe("state", "scrapePool"),
)  # fmt: skip
async def list_targets(services: ServicesDep, request: Request) -> Response:
    """Return targets that are scraped, with how the last scrape went, and those that relabeling dropped."""
    parameters = await Parameters.of(request)
    state = parameters.get("state").lower() or "any"
    pool = parameters.get("scrapePool")
    found = services.scraping.targets()
    active: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    counts: dict[str, int] | None = None
    if state in {"any", "active"}:
        active = [_active(target) for target in found.active if pool in {"", target.scrape_pool}]
    if state in {"any", "dropped"}:
        dropped = [_dropped(target) for target in found.dropped if pool in {"", target.scrape_pool}]
        counts = dict(found.dropped_counts)
    return succeed(to_json({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts}))


@router.get("/scrape_pools", summary="List scrape pools", response_model=PrometheusResponse)
async def list_scrape_pools(services: ServicesDep) -> Response:
    """Return the names of all scrape jobs."""
    return succeed(to_json({"scrapePools": sorted(services.scraping.pools)}))


@router.get(
    "/targets/metadata", summary="Describe what targets expose", response_model=PrometheusResponse,
    openapi_extra=describe("match_target", "metric", "limit"),
)  # fmt: skip
async def list_target_metadata(services: ServicesDep, request: Request) -> Response:
    """Return type, help and unit of metrics by target."""
    parameters = await Parameters.of(request)
    limit = parameters.number("limit", -1, "limit must be a number")
    selector = parameters.get("match_target")
    matchers: Sequence[Matcher] = parse_selector(selector).matchers if selector else ()
    metric = parameters.get("metric")
    rows: list[dict[str, Any]] = []
    last: Labels | None = None
    for labels, name, metadata in services.scraping.target_metadata():
        # As in Prometheus, a target is told of as a whole.
        if labels is not last and 0 <= limit <= len(rows):
            break
        last = labels
        if metric not in {"", name} or not _matches(labels, matchers):
            continue
        row: dict[str, Any] = {"target": labels.to_dict()}
        if not metric:
            row["metric"] = name
        rows.append({**row, "type": metadata.type, "help": metadata.help, "unit": metadata.unit})
    return succeed(to_json(rows))


@router.get("/alertmanagers", summary="List Alertmanagers", response_model=PrometheusResponse)
async def list_alertmanagers() -> Response:
    """Return none: Gnomon hands its alerts to no other server."""
    return succeed(to_json({"activeAlertmanagers": [], "droppedAlertmanagers": []}))


def _matches(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    return all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)


def _active(target: ActiveTarget) -> dict[str, Any]:
    last = target.last_scrape_ms
    return {
        "discoveredLabels": target.discovered_labels.to_dict(),
        "labels": target.labels.to_dict(),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.scrape_url,
        "lastError": target.last_error,
        "lastScrape": format_time(last * _MILLISECOND_NS) if last else _NEVER,
        "lastScrapeDuration": target.last_scrape_duration_s,
        "health": target.health,
        "scrapeInterval": target.scrape_interval,
        "scrapeTimeout": target.scrape_timeout,
    }


def _dropped(target: DroppedTarget) -> dict[str, Any]:
    return {"discoveredLabels": target.discovered_labels.to_dict(), "scrapePool": target.scrape_pool}
