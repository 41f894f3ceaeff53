"""`/api/costs`: what work cost, by whom and by what, and how budgets fare."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from gnomon.costs.cost_views import BudgetState, CostPoint, CostReport
from gnomon.model.tasks import CostDimension
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/costs", tags=["costs"])

Only = Annotated[str | None, Query(description="Only work of this one.")]
By = Annotated[CostDimension, Query(description="What to group by.")]


class CostPointsResponse(BaseModel):
    """Hold costs over time: by day, or by hour where the range is three days or shorter."""

    points: list[CostPoint]


class BudgetsResponse(BaseModel):
    """List the budgets that `costs.budgets` sets."""

    budgets: list[BudgetState]


async def get_only(
    tenant: Only = None,
    agent: Only = None,
    type_: Annotated[str | None, Query(alias="type", description="Only work of this one.")] = None,
    model: Only = None,
    queue: Only = None,
) -> dict[CostDimension, str]:
    """Return what a request restricts costs to."""
    given: dict[CostDimension, str | None] = {
        "tenant": tenant,
        "agent": agent,
        "type": type_,
        "model": model,
        "queue": queue,
    }
    return {dimension: value for dimension, value in given.items() if value is not None}


OnlyDep = Annotated[dict[CostDimension, str], Depends(get_only)]


@router.get("", summary="Break costs down")
async def get_costs(services: ServicesDep, time_range: TimeRangeDep, only: OnlyDep, by: By = "tenant") -> CostReport:
    """Return the cost of a range by one dimension, the greatest first, beside the same time a week before."""
    return await services.costs.report(time_range, by, only)


@router.get("/over-time", summary="Show costs over time")
async def get_costs_over_time(
    services: ServicesDep, time_range: TimeRangeDep, only: OnlyDep, by: By = "tenant"
) -> CostPointsResponse:
    """Return what each value of a dimension cost by day or hour."""
    return CostPointsResponse(points=await services.costs.over_time(time_range, by, only))


@router.get("/budgets", summary="Show budgets")
async def get_budgets(services: ServicesDep) -> BudgetsResponse:
    """Return what is spent of each budget in its running period, how fast, and where that leads."""
    return BudgetsResponse(budgets=await services.costs.budgets())
