"""`/metrics`: Gnomon's own metrics for Prometheus."""

import platform

from fastapi import APIRouter, Request, Response
from prometheus_client import REGISTRY, Info
from prometheus_client.exposition import choose_encoder

from gnomon import __version__

router = APIRouter(tags=["health"])

BUILD = Info("gnomon_build", "Version of Gnomon and of the Python that runs it.")
BUILD.info({"version": __version__, "python_version": platform.python_version()})


@router.get("/metrics", summary="Expose Gnomon's own metrics", response_class=Response)
async def get_metrics(request: Request) -> Response:
    """Return all metrics in the Prometheus or OpenMetrics text format, whichever the scraper asks for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"Content-Type": content_type})
