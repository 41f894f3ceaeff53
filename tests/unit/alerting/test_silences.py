"""Silences: what may be changed, what becomes of the rest, and what a restart finds."""

from pathlib import Path

import pytest

from gnomon.alerting.matcher_syntax import parse_matchers
from gnomon.alerting.silences import Silence, Silences, SilenceState
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.model.labels import Labels
from gnomon.storage.silence_store import SilenceStore
from gnomon.storage.state_store import StateStore

HOUR = 3_600_000_000_000
LABELS = Labels.of({"alertname": "Down", "job": "x"})


class SetClock(SystemClock):
    now = 1_000_000 * HOUR // 2

    def now_ns(self) -> int:
        return self.now


def silence(clock: SetClock, text: str = 'job="x"', starts: int = 0, ends: int = HOUR) -> Silence:
    return Silence("", parse_matchers(text), clock.now + starts, clock.now + ends, "me", "why")


async def test_silences_last_are_changed_and_survive_a_restart(tmp_path: Path) -> None:
    clock = SetClock()
    state = StateStore(tmp_path, None, clock)
    await state.start()
    silences = Silences(SilenceStore(state), clock)
    first = await silences.set(silence(clock))
    assert silences.silencing(LABELS, clock.now) == [first.id]
    assert silences.silencing(LABELS.replace({"job": "y"}), clock.now) == []

    longer = Silence(first.id, first.matchers, first.starts_at_ns, clock.now + 3 * HOUR, "me", "longer")
    assert (await silences.set(longer)).id == first.id

    other = Silence(first.id, parse_matchers("job=~y|z"), first.starts_at_ns, clock.now + HOUR, "me", "other")
    replaced = await silences.set(other)
    assert replaced.id != first.id
    assert silences.get(first.id).state(clock.now) is SilenceState.EXPIRED

    again = Silences(SilenceStore(state), clock)
    await again.load()
    assert again.silencing(LABELS.replace({"job": "z"}), clock.now) == [replaced.id]
    await again.expire(replaced.id)
    assert again.silencing(LABELS.replace({"job": "z"}), clock.now) == []
    clock.now += 121 * HOUR
    await again.load()
    assert again.all() == []
    await state.stop()


async def test_wrong_silences_are_refused(tmp_path: Path) -> None:
    clock = SetClock()
    state = StateStore(tmp_path, None, clock)
    await state.start()
    silences = Silences(SilenceStore(state), clock)
    for wrong in (
        silence(clock, "job="),
        silence(clock, ends=-HOUR, starts=-2 * HOUR),
        silence(clock, starts=HOUR, ends=HOUR),
        Silence("", (), clock.now, clock.now + HOUR, "me", ""),
    ):
        with pytest.raises(InvalidInputError):
            await silences.set(wrong)
    with pytest.raises(NotFoundError):
        await silences.expire("none")
    await state.stop()
