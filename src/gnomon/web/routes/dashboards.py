"""`/api/dashboards`: keep, share, import and export dashboards."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response, status
from pydantic import BaseModel, Field

from gnomon.dashboards.documents import Dashboard, write_dashboard
from gnomon.dashboards.grafana_export import export_dashboard
from gnomon.dashboards.grafana_import import ImportedDashboard, import_dashboard
from gnomon.dashboards.library import DashboardSummary, OpenedDashboard
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/dashboards", tags=["dashboards"])

_DashboardId = Annotated[str, Path(max_length=40, description="The dashboard's id.")]


class DashboardListResponse(BaseModel):
    """List the dashboards, without what is in them."""

    dashboards: list[DashboardSummary]


class DashboardChange(BaseModel):
    """Replace the version that was loaded by this dashboard."""

    version: int = Field(ge=1)
    dashboard: Dashboard


@router.get("", summary="List dashboards")
async def list_dashboards(services: ServicesDep) -> DashboardListResponse:
    """Return all dashboards by title, those that come with Gnomon last."""
    return DashboardListResponse(dashboards=await services.dashboards.summaries())


@router.post("", summary="Create a dashboard", status_code=status.HTTP_201_CREATED)
async def create_dashboard(services: ServicesDep, dashboard: Annotated[Dashboard, Body()]) -> OpenedDashboard:
    """Keep a new dashboard and return it with its id."""
    return await services.dashboards.create(dashboard)


@router.post("/import", summary="Read dashboard JSON")
async def read_dashboard_json(
    document: Annotated[dict[str, Any], Body(description="Gnomon's own export, or Grafana's classic JSON model.")],
) -> ImportedDashboard:
    """Return the dashboard that the JSON describes, and what of Grafana's could not be mapped; nothing is kept yet."""
    return import_dashboard(document)


@router.get("/{dashboard_id}", summary="Show a dashboard")
async def get_dashboard(services: ServicesDep, dashboard_id: _DashboardId) -> OpenedDashboard:
    """Return one dashboard whole."""
    return await services.dashboards.open(dashboard_id)


@router.put("/{dashboard_id}", summary="Change a dashboard", responses={409: {"description": "Changed meanwhile"}})
async def put_dashboard(services: ServicesDep, dashboard_id: _DashboardId, change: DashboardChange) -> OpenedDashboard:
    """Replace a dashboard; refused with 409 when somebody else changed it since it was loaded."""
    return await services.dashboards.change(dashboard_id, change.version, change.dashboard)


@router.delete(
    "/{dashboard_id}",
    summary="Delete a dashboard",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={409: {"description": "Changed meanwhile"}},
)
async def delete_dashboard(
    services: ServicesDep,
    dashboard_id: _DashboardId,
    version: Annotated[int, Query(ge=1, description="The version that was seen.")],
) -> Response:
    """Delete a dashboard; refused with 409 when somebody else changed it since it was loaded."""
    await services.dashboards.delete(dashboard_id, version)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/{dashboard_id}/export", summary="Export a dashboard as JSON")
async def export_dashboard_json(
    services: ServicesDep,
    dashboard_id: _DashboardId,
    as_format: Annotated[Literal["gnomon", "grafana"], Query(alias="format", description="Whose format.")] = "gnomon",
) -> dict[str, Any]:
    """Return the dashboard as Gnomon or Grafana import it."""
    opened = await services.dashboards.open(dashboard_id)
    return write_dashboard(opened.dashboard) if as_format == "gnomon" else export_dashboard(opened.dashboard)
