"""What was done with dead letters, in the state database: where each stands, replays in batches, and who did what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gnomon.lifecycle import Clock
from gnomon.model.errors import ConflictError
from gnomon.storage.state_store import StateStore

_MOST = 100_000
_metadata = sa.MetaData()
_states = sa.Table(
    "dead_letter_states",
    _metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
)
_batches = sa.Table(
    "dead_letter_batches",
    _metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
_actions = sa.Table(
    "dead_letter_actions",
    _metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("letter_id", sa.String(200), nullable=False),
    sa.Column("batch_id", sa.String(40), nullable=False),
    sa.Column("details", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class LetterState:
    """Say where a dead letter stands that is not open, since when."""

    state: str
    changed_at_ns: int


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """Hold replays that belong together; the document is the feature's own."""

    id: str
    state: str
    actor: str
    created_at_ns: int
    document: dict[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class StoredAction:
    """Tell one thing that somebody did with a dead letter."""

    number: int
    at_ns: int
    actor: str
    action: str
    letter_id: str
    batch_id: str
    details: dict[str, Any]


class DeadLetterLog:
    """Keep what was done; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        """Keep it in `state`."""
        self._state = state
        self._clock = clock

    async def states(self, letter_ids: Sequence[str] | None = None) -> dict[str, LetterState]:
        """Return where dead letters stand, those that are not open: some, or all that changed last."""
        statement = sa.select(_states).order_by(_states.c.changed_at_ns.desc()).limit(_MOST)
        if letter_ids is not None:
            statement = statement.where(_states.c.id.in_(list(letter_ids)[:_MOST]))
        rows = await self._state.execute(statement)
        return {row.id: LetterState(row.state, row.changed_at_ns) for row in rows}

    async def set_state(self, letter_id: str, state: str) -> None:
        """Say where a dead letter stands from now on; an empty state is open."""
        await self._state.execute(sa.delete(_states).where(_states.c.id == letter_id))
        if state:
            values = {"id": letter_id, "state": state, "changed_at_ns": self._clock.now_ns()}
            await self._state.execute(sa.insert(_states).values(**values))

    async def record(
        self, actor: str, action: str, letter_id: str, details: Mapping[str, Any], batch_id: str = ""
    ) -> None:
        """Write down what somebody did."""
        await self._state.execute(
            sa.insert(_actions).values(
                at_ns=self._clock.now_ns(),
                actor=actor,
                action=action,
                letter_id=letter_id,
                batch_id=batch_id,
                details=orjson.dumps(dict(details)).decode(),
            )
        )

    async def actions(self, letter_id: str = "", batch_id: str = "", limit: int = 200) -> list[StoredAction]:
        """Return what was done, the latest first: with one letter, in one batch, or at all."""
        statement = sa.select(_actions).order_by(_actions.c.number.desc()).limit(limit)
        if letter_id:
            statement = statement.where(_actions.c.letter_id == letter_id)
        if batch_id:
            statement = statement.where(_actions.c.batch_id == batch_id)
        return [
            StoredAction(
                row.number, row.at_ns, row.actor, row.action, row.letter_id, row.batch_id, orjson.loads(row.details)
            )
            for row in await self._state.execute(statement)
        ]

    async def add_batch(self, batch_id: str, state: str, actor: str, document: Mapping[str, Any]) -> StoredBatch:
        """Keep a new batch and return it."""
        batch = StoredBatch(batch_id, state, actor, self._clock.now_ns(), dict(document), 1)
        await self._state.execute(
            sa.insert(_batches).values(
                id=batch.id,
                state=state,
                actor=actor,
                created_at_ns=batch.created_at_ns,
                document=orjson.dumps(batch.document).decode(),
                version=1,
            )
        )
        return batch

    async def change_batch(self, batch: StoredBatch, state: str, document: Mapping[str, Any]) -> StoredBatch:
        """Keep the next version of a batch and return it; raises ConflictError if somebody else changed it."""
        statement = (
            sa.update(_batches)
            .where(_batches.c.id == batch.id, _batches.c.version == batch.version)
            .values(state=state, document=orjson.dumps(dict(document)).decode(), version=batch.version + 1)
        )
        if not await self._state.execute(statement.returning(_batches.c.id)):
            raise ConflictError(f"Somebody else went on with the replay {batch.id!r} meanwhile. Load it again.")
        return StoredBatch(batch.id, state, batch.actor, batch.created_at_ns, dict(document), batch.version + 1)

    async def batches(self, batch_id: str = "", state: str = "", limit: int = 100) -> list[StoredBatch]:
        """Return batches, the latest first: one, those in a state, or all."""
        statement = sa.select(_batches).order_by(_batches.c.created_at_ns.desc()).limit(limit)
        if batch_id:
            statement = statement.where(_batches.c.id == batch_id)
        if state:
            statement = statement.where(_batches.c.state == state)
        return [
            StoredBatch(row.id, row.state, row.actor, row.created_at_ns, orjson.loads(row.document), row.version)
            for row in await self._state.execute(statement)
        ]
