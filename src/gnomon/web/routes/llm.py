"""`/api/llm`: what was said in a call of a model."""

from typing import Annotated

from fastapi import APIRouter, Path

from gnomon.tasks.conversations import Conversation
from gnomon.web.content_access import ContentAccessDep
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/llm", tags=["tasks"])


@router.get("/spans/{trace_id}/{span_id}", summary="Read a conversation")
async def get_conversation(
    services: ServicesDep,
    content: ContentAccessDep,
    trace_id: Annotated[str, Path(description="32 or 16 hexadecimal digits.")],
    span_id: Annotated[str, Path(description="16 hexadecimal digits.")],
) -> Conversation:
    """Return messages, tool calls and results, model, tokens and parameters of a span of a model, agent or tool."""
    return await services.work.conversations.open(trace_id, span_id, content=content)
