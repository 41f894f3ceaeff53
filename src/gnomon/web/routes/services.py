"""`/api/tracing/services`, `/operations` and `/service_map`: what services do, how well, and who calls whom."""

from typing import Annotated

from fastapi import APIRouter, Query

from gnomon.traces.service_views import OperationList, ServiceList, ServiceMap
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/tracing", tags=["services"])


@router.get("/services", summary="List services")
async def get_services(services: ServicesDep, time_range: TimeRangeDep) -> ServiceList:
    """Return the services seen in the range with rate, errors and durations."""
    return await services.tracing.services.services(time_range)


@router.get("/operations", summary="Show operations over time")
async def get_operations(
    services: ServicesDep,
    time_range: TimeRangeDep,
    service: Annotated[str, Query(description="Only this service; empty for all.")] = "",
    name: Annotated[str, Query(description="Only this operation; empty for all.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Most operations.")] = 100,
    steps: Annotated[int, Query(ge=2, le=500, description="About how many steps to cut the range into.")] = 60,
) -> OperationList:
    """Return rate, errors and duration of each operation, in total and over time."""
    return await services.tracing.services.operations(time_range, service=service, name=name, limit=limit, steps=steps)


@router.get("/service_map", summary="Show who calls whom")
async def get_service_map(services: ServicesDep, time_range: TimeRangeDep) -> ServiceMap:
    """Return services and the calls between them with rate, errors and latency."""
    return await services.tracing.services.service_map(time_range)
