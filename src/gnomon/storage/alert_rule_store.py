"""Alert rules that people make in the UI or by the API, in the state database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from gnomon.lifecycle import Clock
from gnomon.model.errors import ConflictError, NotFoundError
from gnomon.storage.state_store import StateStore

_rules = sa.Table(
    "alert_rules",
    sa.MetaData(),
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as decoded JSON, with a version that rises with every change."""

    id: str
    document: dict[str, Any]
    version: int
    updated_at_ns: int


class AlertRuleStore:
    """Keep rules; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        """Keep them in `state`."""
        self._state = state
        self._clock = clock

    async def all(self) -> list[StoredRule]:
        """Return all rules by id."""
        return [_stored(row) for row in await self._state.execute(sa.select(_rules).order_by(_rules.c.id))]

    async def add(self, rule_id: str, document: Mapping[str, Any]) -> StoredRule:
        """Store a new rule as version 1."""
        values = {"document": orjson.dumps(document).decode(), "updated_at_ns": self._clock.now_ns()}
        rows = await self._state.execute(sa.insert(_rules).values(id=rule_id, version=1, **values).returning(*_rules.c))
        return _stored(rows[0])

    async def replace(self, rule_id: str, version: int, document: Mapping[str, Any]) -> StoredRule:
        """Replace version `version` by the next one; raises NotFoundError and ConflictError."""
        statement = (
            sa.update(_rules)
            .where(_rules.c.id == rule_id, _rules.c.version == version)
            .values(document=orjson.dumps(document).decode(), version=version + 1, updated_at_ns=self._clock.now_ns())
        )
        rows = await self._state.execute(statement.returning(*_rules.c))
        if not rows:
            raise await self._miss(rule_id, version)
        return _stored(rows[0])

    async def remove(self, rule_id: str, version: int) -> None:
        """Remove version `version`; raises NotFoundError and ConflictError."""
        statement = sa.delete(_rules).where(_rules.c.id == rule_id, _rules.c.version == version)
        if not await self._state.execute(statement.returning(_rules.c.id)):
            raise await self._miss(rule_id, version)

    async def _miss(self, rule_id: str, version: int) -> NotFoundError | ConflictError:
        rows = await self._state.execute(sa.select(_rules.c.version).where(_rules.c.id == rule_id))
        if not rows:
            return NotFoundError(f"There is no alert rule {rule_id!r}. Somebody may have deleted it.")
        return ConflictError(
            f"Somebody changed the alert rule meanwhile: version {rows[0].version} stands there, this change is to "
            f"version {version}. Load it again."
        )


def _stored(row: Any) -> StoredRule:
    return StoredRule(row.id, orjson.loads(row.document), row.version, row.updated_at_ns)
