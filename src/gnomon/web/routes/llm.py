"""`/api/llm`: what was said in a call of a model, and what it cost."""

from typing import Annotated

from fastapi import APIRouter, Path

from gnomon.costs.cost_views import CallCost
from gnomon.tasks.conversations import Conversation
from gnomon.web.content_access import ContentAccessDep
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/llm", tags=["tasks"])


TraceId = Annotated[str, Path(description="32 or 16 hexadecimal digits.")]
SpanId = Annotated[str, Path(description="16 hexadecimal digits.")]


@router.get("/spans/{trace_id}/{span_id}", summary="Read a conversation")
async def get_conversation(
    services: ServicesDep, content: ContentAccessDep, trace_id: TraceId, span_id: SpanId
) -> Conversation:
    """Return messages, tool calls and results, model, tokens and parameters of a span of a model, agent or tool."""
    return await services.work.conversations.open(trace_id, span_id, content=content)


@router.get("/spans/{trace_id}/{span_id}/cost", summary="Tell what a call of a model cost")
async def get_call_cost(services: ServicesDep, trace_id: TraceId, span_id: SpanId) -> CallCost:
    """Return its cost by kind of token, and the price behind it."""
    return await services.costs.of_call(await services.work.conversations.span(trace_id, span_id))
