"""Alerts on their way to people in the state database, so that a restart forgets none."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from gnomon.storage.state_store import StateStore

_alerts = sa.Table(
    "fired_alerts",
    sa.MetaData(),
    sa.Column("fingerprint", sa.String(16), primary_key=True),
    sa.Column("labels", sa.Text, nullable=False),
    sa.Column("annotations", sa.Text, nullable=False),
    sa.Column("starts_at_ns", sa.BigInteger, nullable=False),
    sa.Column("ends_at_ns", sa.BigInteger, nullable=False),
    sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
    sa.Column("generator_url", sa.Text, nullable=False),
    sa.Column("timed_out", sa.Boolean, nullable=False),
)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert; times are Unix nanoseconds."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at_ns: int
    ends_at_ns: int
    updated_at_ns: int
    generator_url: str
    timed_out: bool


class FiredAlertStore:
    """Keep alerts; raises UnavailableError when the state database does not answer."""

    def __init__(self, state: StateStore) -> None:
        """Keep them in `state`."""
        self._state = state

    async def load(self) -> list[StoredAlert]:
        """Return all alerts."""
        return [
            StoredAlert(
                fingerprint=row.fingerprint,
                labels=orjson.loads(row.labels),
                annotations=orjson.loads(row.annotations),
                starts_at_ns=row.starts_at_ns,
                ends_at_ns=row.ends_at_ns,
                updated_at_ns=row.updated_at_ns,
                generator_url=row.generator_url,
                timed_out=row.timed_out,
            )
            for row in await self._state.execute(sa.select(_alerts))
        ]

    async def save(self, alerts: Sequence[StoredAlert]) -> None:
        """Store alerts, in place of those with the same fingerprint, all or none."""
        statements: list[sa.Executable] = []
        for start in range(0, len(alerts), _BATCH):
            part = alerts[start : start + _BATCH]
            statements += (
                sa.delete(_alerts).where(_alerts.c.fingerprint.in_([alert.fingerprint for alert in part])),
                sa.insert(_alerts).values([_values(alert) for alert in part]),
            )
        if statements:
            await self._state.transact(statements)

    async def forget(self, fingerprints: Sequence[str]) -> None:
        """Remove alerts."""
        statements: list[sa.Executable] = [
            sa.delete(_alerts).where(_alerts.c.fingerprint.in_(fingerprints[start : start + _BATCH]))
            for start in range(0, len(fingerprints), _BATCH)
        ]
        if statements:
            await self._state.transact(statements)


def _values(alert: StoredAlert) -> dict[str, object]:
    return {
        "fingerprint": alert.fingerprint,
        "labels": orjson.dumps(alert.labels).decode(),
        "annotations": orjson.dumps(alert.annotations).decode(),
        "starts_at_ns": alert.starts_at_ns,
        "ends_at_ns": alert.ends_at_ns,
        "updated_at_ns": alert.updated_at_ns,
        "generator_url": alert.generator_url,
        "timed_out": alert.timed_out,
    }
