"""`/api/dead-letters`: what failed alike, one letter, and sending letters anew."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from gnomon.model.api_keys import ApiKey
from gnomon.model.errors import InvalidInputError
from gnomon.tasks.dead_letters import (
    DeadLetterCluster,
    LetterAction,
    LetterStatus,
    LetterSummary,
    OpenedLetter,
    ReplayBatch,
)
from gnomon.web.content_access import ContentAccessDep
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/dead-letters", tags=["dead letters"])

LetterId = Annotated[str, Path(max_length=200, description="The dead letter's id.")]
BatchId = Annotated[str, Path(max_length=40, description="The replay's id.")]


class ClustersResponse(BaseModel):
    """List what failed alike, the latest failure first."""

    clusters: list[DeadLetterCluster]


class LettersResponse(BaseModel):
    """List dead letters, the latest first."""

    letters: list[LetterSummary]


class ActionsResponse(BaseModel):
    """List what was done with dead letters, the latest first."""

    actions: list[LetterAction]


class BatchesResponse(BaseModel):
    """List replays, the latest first."""

    batches: list[ReplayBatch]


class LetterChoice(BaseModel):
    """Name letters, or the fingerprint of a cluster for all of its open ones."""

    ids: list[str] = Field(default=[], max_length=10_000)
    fingerprint: str = ""


class DiscardRequest(LetterChoice):
    """Lay letters to rest, with a word on why."""

    note: str = Field(default="", max_length=2000)


class ReplayRequest(LetterChoice):
    """Send letters anew.

    `canary` of them first, 0 for all at once; the rest follows by itself once those were processed, or where
    `automatic` is false when somebody says so. `body` or `body_base64` take the place of the message of one letter.
    Without a `broker`, the first one of the letter's kind is taken; without a `topic`, the one that it came from.
    """

    broker: str = ""
    topic: str = ""
    canary: int = Field(default=0, ge=0)
    automatic: bool = True
    body: str | None = None
    body_base64: str | None = None


async def get_actor(request: Request) -> str:
    """Return who asks, for the audit log."""
    key: ApiKey | None = getattr(request.state, "api_key", None)
    return f"{key.name} ({key.id})" if key else "local"


ActorDep = Annotated[str, Depends(get_actor)]


@router.get("", summary="List what failed alike")
async def list_clusters(services: ServicesDep, time_range: TimeRangeDep) -> ClustersResponse:
    """Return dead letters in clusters by the fingerprint of their failure."""
    return ClustersResponse(clusters=await services.work.dead_letters.clusters(time_range))


@router.get("/letters", summary="List dead letters")
async def list_letters(
    services: ServicesDep,
    time_range: TimeRangeDep,
    fingerprint: Annotated[str, Query(description="Only this cluster's.")] = "",
    topic: Annotated[str, Query(description="Only those of this topic.")] = "",
    status: Annotated[LetterStatus | None, Query(description="Only those that stand there.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most letters.")] = 100,
) -> LettersResponse:
    """Return the dead letters of a range, without what is in them."""
    letters = await services.work.dead_letters.letters(time_range, fingerprint, topic, status, limit)
    return LettersResponse(letters=letters)


@router.get("/letters/{letter_id}", summary="Inspect a dead letter")
async def get_letter(services: ServicesDep, content: ContentAccessDep, letter_id: LetterId) -> OpenedLetter:
    """Return one letter with its message, stack and history."""
    return await services.work.dead_letters.open(letter_id, content=content)


@router.get("/audit", summary="Read the audit log")
async def list_actions(
    services: ServicesDep, limit: Annotated[int, Query(ge=1, le=5000, description="Most entries.")] = 200
) -> ActionsResponse:
    """Return who did what with dead letters, and when."""
    return ActionsResponse(actions=await services.work.dead_letters.actions(limit))


@router.post("/discard", summary="Discard dead letters")
async def discard_letters(services: ServicesDep, actor: ActorDep, choice: DiscardRequest) -> ActionsResponse:
    """Lay letters to rest; they stay where they are, and can be opened again."""
    letters = services.work.dead_letters
    await letters.discard(await _chosen(services, choice), actor, choice.note)
    return ActionsResponse(actions=await letters.actions(max(1, len(choice.ids))))


@router.post("/reopen", summary="Open dead letters again")
async def reopen_letters(services: ServicesDep, actor: ActorDep, choice: LetterChoice) -> ActionsResponse:
    """Open letters that were discarded or replayed."""
    letters = services.work.dead_letters
    await letters.reopen(choice.ids, actor)
    return ActionsResponse(actions=await letters.actions(max(1, len(choice.ids))))


@router.post("/replay", summary="Replay dead letters", responses={409: {"description": "One of them is not open"}})
async def replay_letters(services: ServicesDep, actor: ActorDep, asked: ReplayRequest) -> ReplayBatch:
    """Send letters to where they came from, each in a new trace that is linked to the old one."""
    return await services.work.dead_letters.replay(
        await _chosen(services, asked),
        actor,
        broker=asked.broker,
        topic=asked.topic,
        body=_body(asked),
        canary=asked.canary,
        automatic=asked.automatic,
    )


@router.get("/replays", summary="List replays")
async def list_batches(services: ServicesDep) -> BatchesResponse:
    """Return replays and what became of each letter."""
    return BatchesResponse(batches=await services.work.dead_letters.batches())


@router.get("/replays/{batch_id}", summary="Watch a replay")
async def get_batch(services: ServicesDep, batch_id: BatchId) -> ReplayBatch:
    """Return one replay as it stands now."""
    return await services.work.dead_letters.batch(batch_id)


@router.post(
    "/replays/{batch_id}/continue", summary="Replay the rest", responses={409: {"description": "All are sent"}}
)
async def continue_batch(services: ServicesDep, actor: ActorDep, batch_id: BatchId) -> ReplayBatch:
    """Send the rest of a replay now, whatever became of its first letters."""
    return await services.work.dead_letters.go_on(batch_id, actor)


@router.post("/replays/{batch_id}/stop", summary="Stop a replay", responses={409: {"description": "All are sent"}})
async def stop_batch(services: ServicesDep, actor: ActorDep, batch_id: BatchId) -> ReplayBatch:
    """Send no more of a replay."""
    return await services.work.dead_letters.stop(batch_id, actor)


async def _chosen(services: ServicesDep, choice: LetterChoice) -> list[str]:
    if choice.fingerprint:
        return await services.work.dead_letters.ids_of(choice.fingerprint)
    if not choice.ids:
        raise InvalidInputError("No letter is named. Give `ids` or a `fingerprint`.")
    return choice.ids


def _body(asked: ReplayRequest) -> bytes | None:
    if asked.body_base64 is None:
        return None if asked.body is None else asked.body.encode()
    try:
        return base64.b64decode(asked.body_base64, validate=True)
    except binascii.Error as error:
        raise InvalidInputError(f"Invalid body_base64: {error}.") from error
