"""The load follows its day, and every persona submits what the platform understands."""

import random

import pytest

from examples.agent_platform.load import BURST_EVERY_S, BURST_FACTOR, rate_at
from examples.agent_platform.personas import PERSONAS, Persona
from examples.agent_platform.tasks import Task
from examples.agent_platform.tenants import DAY_S


def test_the_rate_swings_around_its_mean() -> None:
    assert rate_at(0.0, 4.0) == pytest.approx(4.0)
    assert rate_at(DAY_S / 4, 4.0) == pytest.approx(6.0)
    assert rate_at(3 * DAY_S / 4, 4.0) == pytest.approx(2.0)


def test_a_burst_ends_every_minute_and_a_half() -> None:
    before, within = (rate_at(BURST_EVERY_S - seconds, 4.0) for seconds in (5.0, 3.9))
    assert within / before == pytest.approx(BURST_FACTOR, rel=0.05)


@pytest.mark.parametrize("persona", [p for p in PERSONAS if p.name != "newcomer"], ids=lambda p: p.name)
def test_personas_submit_valid_tasks(persona: Persona) -> None:
    chance = random.Random(1)
    for number in range(200):
        Task.from_json(str(number), persona.submit(chance))
