"""`/health/live|ready|startup|detail`."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/health", tags=["health"])


class HealthResponse(BaseModel):
    """Answer in one word: `ok` with 200, or why not with 503."""

    status: str


class CheckResponse(BaseModel):
    """Tell how the last check of one part ended."""

    name: str
    healthy: bool
    required: bool
    message: str
    duration_s: float
    checked_at_ns: int


class HealthDetailResponse(BaseModel):
    """Tell how every part is."""

    status: str
    ready: bool
    checks: list[CheckResponse]


@router.get("/live", summary="Tell whether the process answers at all")
async def get_live() -> HealthResponse:
    """Answer 200 as long as the process can answer; when it does not, restart it."""
    return HealthResponse(status="ok")


@router.get("/ready", summary="Tell whether requests should be sent here", responses={503: {"model": HealthResponse}})
async def get_ready(services: ServicesDep, response: Response) -> HealthResponse:
    """Answer 200 from the log's line "ready" on; 503 before, while draining, or while a required part is not well."""
    return _answer(response, good=services.health.ready, otherwise=_status(services))


@router.get("/startup", summary="Tell whether the start is over", responses={503: {"model": HealthResponse}})
async def get_startup(services: ServicesDep, response: Response) -> HealthResponse:
    """Answer 200 once every listener accepts requests, for as long as the process lives."""
    return _answer(response, good=services.health.started, otherwise="starting")


@router.get("/detail", summary="Tell how every part is")
async def get_detail(services: ServicesDep) -> HealthDetailResponse:
    """Return the last result of each check; they run in the background every two seconds."""
    checks = [
        CheckResponse(
            name=result.name,
            healthy=result.healthy,
            required=result.required,
            message=result.message,
            duration_s=result.duration_s,
            checked_at_ns=result.checked_at_ns,
        )
        for result in services.health.results
    ]
    return HealthDetailResponse(status=_status(services), ready=services.health.ready, checks=checks)


def _answer(response: Response, *, good: bool, otherwise: str) -> HealthResponse:
    if good:
        return HealthResponse(status="ok")
    response.status_code = 503
    return HealthResponse(status=otherwise)


def _status(services: ServicesDep) -> str:
    if services.health.draining:
        return "draining"
    if not services.health.started:
        return "starting"
    return "ok" if services.health.ready else "failing"
