"""Silences: alerts that match one are told to nobody while it lasts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gnomon.alerting.fired_alerts import format_time
from gnomon.alerting.matcher_syntax import Matchers, all_match
from gnomon.lifecycle import Clock
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.storage.silence_store import SilenceStore, StoredSilence

_NS = 1_000_000_000
# As long as Alertmanager keeps silences that are over.
_KEPT_NS = 120 * 3600 * _NS


class SilenceState(StrEnum):
    """Whether a silence is to come, lasts, or is over."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence with its author and reason; times are Unix nanoseconds."""

    id: str
    matchers: Matchers
    starts_at_ns: int
    ends_at_ns: int
    created_by: str
    comment: str
    updated_at_ns: int = 0

    def state(self, now_ns: int) -> SilenceState:
        """Return what it is at a time."""
        if now_ns < self.starts_at_ns:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now_ns < self.ends_at_ns else SilenceState.EXPIRED


class Silences:
    """Hold all silences; what is changed is stored before anybody is told that it is."""

    def __init__(self, store: SilenceStore, clock: Clock) -> None:
        """Hold none yet."""
        self._store = store
        self._clock = clock
        self._silences: dict[str, Silence] = {}

    async def load(self) -> None:
        """Read what is stored and forget what has been over for days."""
        await self._store.forget(self._clock.now_ns() - _KEPT_NS)
        self._silences = {stored.id: _from_stored(stored) for stored in await self._store.load()}

    def all(self) -> list[Silence]:
        """Return all: those that last first (the next to end first), then those to come, then those that are over."""
        now_ns = self._clock.now_ns()
        return sorted(self._silences.values(), key=lambda silence: _order(silence, now_ns))

    def get(self, silence_id: str) -> Silence:
        """Return one; raises NotFoundError."""
        if silence_id not in self._silences:
            raise NotFoundError(f"There is no silence {silence_id!r}.")
        return self._silences[silence_id]

    def silencing(self, labels: Labels, now_ns: int) -> list[str]:
        """Return the ids of the silences that silence an alert at a time, sorted."""
        return sorted(
            silence.id
            for silence in self._silences.values()
            if silence.starts_at_ns <= now_ns < silence.ends_at_ns and all_match(silence.matchers, labels)
        )

    async def set(self, silence: Silence) -> Silence:
        """Store a new silence (no id) or change one, and return it with its id.

        What has begun keeps its matchers and start: a change of these ends it, and a new one begins.
        Raises NotFoundError and InvalidInputError.
        """
        now_ns = self._clock.now_ns()
        _check(silence, now_ns)
        before = self.get(silence.id) if silence.id else None
        if before is not None and _can_change(before, silence, now_ns):
            changed = replace(silence, updated_at_ns=now_ns)
            await self._save(changed)
            return changed
        starts_at_ns = max(silence.starts_at_ns, now_ns)
        new = replace(silence, id=str(uuid.uuid4()), starts_at_ns=starts_at_ns, updated_at_ns=now_ns)
        ended = [] if before is None or before.state(now_ns) is SilenceState.EXPIRED else [_ended(before, now_ns)]
        await self._save(*ended, new)
        return new

    async def expire(self, silence_id: str) -> None:
        """End a silence now; raises NotFoundError."""
        silence, now_ns = self.get(silence_id), self._clock.now_ns()
        if silence.state(now_ns) is not SilenceState.EXPIRED:
            await self._save(_ended(silence, now_ns))

    async def forget_old(self) -> None:
        """Forget what has been over for days."""
        before_ns = self._clock.now_ns() - _KEPT_NS
        await self._store.forget(before_ns)
        self._silences = {key: silence for key, silence in self._silences.items() if silence.ends_at_ns >= before_ns}

    async def _save(self, *silences: Silence) -> None:
        await self._store.save(*map(_to_stored, silences))
        self._silences.update((silence.id, silence) for silence in silences)


def _check(silence: Silence, now_ns: int) -> None:
    if not silence.matchers:
        raise InvalidInputError("invalid silence: at least one matcher required")
    if any(not matcher.name for matcher in silence.matchers):
        raise InvalidInputError('invalid silence: invalid label name ""')
    if all(matcher.matches_empty for matcher in silence.matchers):
        raise InvalidInputError("invalid silence: at least one matcher must not match the empty string")
    if silence.starts_at_ns >= silence.ends_at_ns:
        raise InvalidInputError("Failed to create silence: start time must be before end time")
    if silence.ends_at_ns < now_ns:
        ends = format_time(silence.ends_at_ns)
        raise InvalidInputError(f"Failed to create silence: end time can't be in the past ({ends})")


def _can_change(before: Silence, after: Silence, now_ns: int) -> bool:
    if before.matchers != after.matchers:
        return False
    match before.state(now_ns):
        case SilenceState.ACTIVE:
            return before.starts_at_ns // _NS == after.starts_at_ns // _NS
        case SilenceState.PENDING:
            return after.starts_at_ns >= now_ns
        case SilenceState.EXPIRED:
            return False


def _ended(silence: Silence, now_ns: int) -> Silence:
    return replace(silence, starts_at_ns=min(silence.starts_at_ns, now_ns), ends_at_ns=now_ns, updated_at_ns=now_ns)


def _order(silence: Silence, now_ns: int) -> tuple[int, int]:
    match silence.state(now_ns):
        case SilenceState.ACTIVE:
            return 0, silence.ends_at_ns
        case SilenceState.PENDING:
            return 1, silence.starts_at_ns
        case SilenceState.EXPIRED:
            return 2, -silence.ends_at_ns


def _from_stored(stored: StoredSilence) -> Silence:
    matchers = tuple(Matcher(name, MatchOperator(operator), value) for name, operator, value in stored.matchers)
    return Silence(
        stored.id,
        matchers,
        stored.starts_at_ns,
        stored.ends_at_ns,
        stored.created_by,
        stored.comment,
        stored.updated_at_ns,
    )


def _to_stored(silence: Silence) -> StoredSilence:
    matchers: Sequence[tuple[str, str, str]] = [
        (matcher.name, matcher.operator.value, matcher.value) for matcher in silence.matchers
    ]
    return StoredSilence(
        silence.id,
        tuple(matchers),
        silence.starts_at_ns,
        silence.ends_at_ns,
        silence.updated_at_ns,
        silence.created_by,
        silence.comment,
    )
