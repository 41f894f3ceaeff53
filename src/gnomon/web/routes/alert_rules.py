"""`/api/alerting/rules`: alert rules in Gnomon's own form, made by the API and in the UI."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response, status
from pydantic import BaseModel, Field

from gnomon.alerting.rule_library import RuleView, preview_rule
from gnomon.alerting.short_rules import ShortRule
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/alerting/rules", tags=["alerting"])

_RuleId = Annotated[str, Path(max_length=40, description="The rule's id.")]
_CHANGED: dict[int | str, dict[str, Any]] = {409: {"description": "Changed meanwhile, or the name is taken"}}


class AlertRuleListResponse(BaseModel):
    """List alert rules in Gnomon's own form."""

    rules: list[RuleView]


class AlertRuleChange(BaseModel):
    """Replace the version that was loaded by this rule."""

    version: int = Field(ge=1)
    rule: ShortRule


@router.get("", summary="List alert rules")
async def list_alert_rules(services: ServicesDep) -> AlertRuleListResponse:
    """Return all rules in Gnomon's own form, those of files first; rule files are under `/api/v1/rules`."""
    return AlertRuleListResponse(rules=await services.rule_library.views())


@router.post("", summary="Create an alert rule", status_code=status.HTTP_201_CREATED, responses=_CHANGED)
async def create_alert_rule(services: ServicesDep, rule: Annotated[ShortRule, Body()]) -> RuleView:
    """Store a rule; it is evaluated from now on."""
    return await services.rule_library.create(rule)


@router.post("/preview", summary="Show what an alert rule evaluates")
async def preview_alert_rule(rule: Annotated[ShortRule, Body()]) -> RuleView:
    """Return the expression of a rule and, of an anomaly rule, its band; nothing is stored."""
    return preview_rule(rule)


@router.put("/{rule_id}", summary="Change an alert rule", responses=_CHANGED)
async def put_alert_rule(services: ServicesDep, rule_id: _RuleId, change: AlertRuleChange) -> RuleView:
    """Replace a rule; refused with 409 when somebody else changed it since it was loaded."""
    return await services.rule_library.change(rule_id, change.version, change.rule)


@router.delete("/{rule_id}", summary="Delete an alert rule", status_code=status.HTTP_204_NO_CONTENT, responses=_CHANGED)
async def delete_alert_rule(
    services: ServicesDep, rule_id: _RuleId, version: Annotated[int, Query(ge=1, description="The version seen.")]
) -> Response:
    """Delete a rule; its alerts end."""
    await services.rule_library.delete(rule_id, version)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
