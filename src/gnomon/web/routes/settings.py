"""`/api/settings` and `/-/reload`: what Gnomon was told, and telling it again."""

from fastapi import APIRouter
from pydantic import BaseModel

from gnomon.web.services import ServicesDep

router = APIRouter(tags=["settings"])


class SettingResponse(BaseModel):
    """Show one effective setting; `source` is `default`, a file with its line, a variable's name or `command line`."""

    key: str
    value: str
    source: str
    description: str
    reloadable: bool


class SettingsResponse(BaseModel):
    """List every setting; secrets are not shown."""

    settings: list[SettingResponse]


class ReloadResponse(BaseModel):
    """Tell which changed settings apply from now on, and which wait for a restart."""

    applied: list[str]
    needs_restart: list[str]


@router.get("/api/settings", summary="List the effective settings")
async def get_settings(services: ServicesDep) -> SettingsResponse:
    """Return each setting with its value and where that comes from."""
    settings = [
        SettingResponse(
            key=setting.key,
            value=setting.value,
            source=setting.source,
            description=setting.description,
            reloadable=setting.reloadable,
        )
        for setting in services.control.settings()
    ]
    return SettingsResponse(settings=settings)


@router.post("/-/reload", summary="Read the configuration again")
async def post_reload(services: ServicesDep) -> ReloadResponse:
    """Apply what can change while the server runs; a wrong configuration changes nothing and is answered with 400."""
    outcome = await services.control.reload()
    return ReloadResponse(applied=list(outcome.applied), needs_restart=list(outcome.needs_restart))
