"""The load: personas who use the platform at a rate that follows a day of ten minutes, with bursts."""

import argparse
import asyncio
import math
import random
import time
from contextlib import suppress

import httpx

from examples.agent_platform.personas import PERSONAS, Persona
from examples.agent_platform.service import stop_with_launcher

DAY_S = 600.0
BURST_EVERY_S = 90.0
BURST_S = 4.0
BURST_FACTOR = 3.0
FIRST_LOOK_S = 0.7
LOOKS = 3
MOST_AT_ONCE = 100
UNKNOWN_TASK_CHANCE = 0.01


def rate_at(elapsed_s: float, mean_rate: float) -> float:
    """Return the tasks per second at a moment.

    A sine over the day swings between half and one and a half times the mean.
    The last seconds of every minute and a half are a burst.
    """
    daily = 1 + 0.5 * math.sin(2 * math.pi * elapsed_s / DAY_S)
    burst = BURST_FACTOR if elapsed_s % BURST_EVERY_S > BURST_EVERY_S - BURST_S else 1.0
    return mean_rate * daily * burst


class Load:
    """Submit tasks as the personas do; nobody waits for anyone else."""

    def __init__(self, gateway: httpx.AsyncClient, mean_rate: float, chance: random.Random) -> None:
        """Use the client; whoever made it closes it."""
        self._gateway = gateway
        self._mean_rate = mean_rate
        self._chance = chance

    async def run(self) -> None:
        """Start visits at random moments, on average at the rate of the hour, until cancelled."""
        started_s = time.monotonic()
        weights = [persona.weight for persona in PERSONAS]
        tasks_per_visit = sum(persona.weight * persona.bundle for persona in PERSONAS) / sum(weights)
        visits: set[asyncio.Task[None]] = set()
        while True:
            visits_per_s = rate_at(time.monotonic() - started_s, self._mean_rate) / tasks_per_visit
            await asyncio.sleep(self._chance.expovariate(visits_per_s))
            if len(visits) < MOST_AT_ONCE:
                persona = self._chance.choices(PERSONAS, weights)[0]
                visit = asyncio.create_task(self._visit(persona))
                visits.add(visit)
                visit.add_done_callback(visits.discard)

    async def _visit(self, persona: Persona) -> None:
        """Submit what a persona has in hand, all at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(persona.bundle):
                group.create_task(self._submit(persona))

    async def _submit(self, persona: Persona) -> None:
        """Submit one task, and look for its result if the persona cares."""
        submission = persona.submit(self._chance)
        submission["tenant_id"] = self._chance.choice(persona.tenants)
        submission["session_id"] = f"{persona.name.replace(' ', '-')}-{self._chance.randrange(100):02d}"
        with suppress(httpx.HTTPError):
            response = await self._gateway.post("/tasks", json=submission)
            if not response.is_success:
                return
            task_id = response.json()["id"]
            if persona.impatient:
                await self._gateway.delete(f"/tasks/{task_id}")
            elif persona.waits_for_result:
                await self._look_for(task_id)

    async def _look_for(self, task_id: str) -> None:
        wanted = f"{task_id[:-4]}oops" if self._chance.random() < UNKNOWN_TASK_CHANCE else task_id
        for look in range(LOOKS):
            await asyncio.sleep(FIRST_LOOK_S * 2**look)
            response = await self._gateway.get(f"/tasks/{wanted}")
            if not response.is_success or response.json()["final"]:
                return


async def drive(gateway_url: str, mean_rate: float, seed: int | None) -> None:
    """Drive load until cancelled."""
    async with httpx.AsyncClient(base_url=gateway_url, timeout=10.0) as gateway:
        await Load(gateway, mean_rate, random.Random(seed)).run()


def main() -> None:
    """Run the load's process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway-url", required=True)
    parser.add_argument(
        "--rate", type=float, required=True, help="tasks per second, averaged over a day of ten minutes"
    )
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    stop_with_launcher()
    asyncio.run(drive(arguments.gateway_url, arguments.rate, arguments.seed))
