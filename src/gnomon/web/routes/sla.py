"""`/api/sla`: what was promised, and whether it is kept."""

from fastapi import APIRouter

from gnomon.slo.sla_views import SlaReport
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/sla", tags=["sla"])


@router.get("/status", summary="Tell how promises fare")
async def get_sla_status(services: ServicesDep) -> SlaReport:
    """Return each objective with target, attained, margin, budget left, burn, forecast of exhaustion and state."""
    return await services.slas.report()
