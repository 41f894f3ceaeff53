"""`/api/overview`: whether anything is wrong, and since when."""

from typing import Annotated

from fastapi import APIRouter, Query

from gnomon.traces.service_views import Overview
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api", tags=["overview"])


@router.get("/overview", summary="Tell how the system does")
async def get_overview(
    services: ServicesDep,
    time_range: TimeRangeDep,
    steps: Annotated[int, Query(ge=2, le=200, description="About how many steps to cut the range into.")] = 40,
) -> Overview:
    """Return services against the range before, the operations that stand out, recent errors and what changed."""
    return await services.tracing.overview.overview(time_range, steps)
