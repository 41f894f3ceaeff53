"""Silences in the state database."""

from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from gnomon.storage.state_store import StateStore

_silences = sa.Table(
    "silences",
    sa.MetaData(),
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("matchers", sa.Text, nullable=False),
    sa.Column("starts_at_ns", sa.BigInteger, nullable=False),
    sa.Column("ends_at_ns", sa.BigInteger, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredSilence:
    """A silence; each matcher is a name, an operator and a value, times are Unix nanoseconds."""

    id: str
    matchers: tuple[tuple[str, str, str], ...]
    starts_at_ns: int
    ends_at_ns: int
    updated_at_ns: int
    created_by: str
    comment: str


class SilenceStore:
    """Keep silences; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore) -> None:
        """Keep them in `state`."""
        self._state = state

    async def load(self) -> list[StoredSilence]:
        """Return all silences."""
        return [
            StoredSilence(
                id=row.id,
                matchers=tuple(tuple(matcher) for matcher in orjson.loads(row.matchers)),
                starts_at_ns=row.starts_at_ns,
                ends_at_ns=row.ends_at_ns,
                updated_at_ns=row.updated_at_ns,
                created_by=row.created_by,
                comment=row.comment,
            )
            for row in await self._state.execute(sa.select(_silences))
        ]

    async def save(self, *silences: StoredSilence) -> None:
        """Store silences, in place of those with the same id, all or none."""
        statements: list[sa.Executable] = [
            sa.delete(_silences).where(_silences.c.id.in_([silence.id for silence in silences]))
        ]
        for silence in silences:
            values = {
                "id": silence.id,
                "matchers": orjson.dumps(silence.matchers).decode(),
                "starts_at_ns": silence.starts_at_ns,
                "ends_at_ns": silence.ends_at_ns,
                "updated_at_ns": silence.updated_at_ns,
                "created_by": silence.created_by,
                "comment": silence.comment,
            }
            statements.append(sa.insert(_silences).values(**values))
        await self._state.transact(statements)

    async def forget(self, ended_before_ns: int) -> None:
        """Remove silences that ended before a time."""
        await self._state.execute(sa.delete(_silences).where(_silences.c.ends_at_ns < ended_before_ns))
