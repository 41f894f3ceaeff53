"""The load: personas who use the platform at a rate that follows a day of ten minutes, with bursts."""

import asyncio
import json
import logging
import math
import random
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

import httpx
import websockets

from examples.agent_platform.personas import PERSONAS, Persona
from examples.agent_platform.service import ServiceArguments, stop_with_launcher
from examples.agent_platform.tenants import DAY_S, Tenant, read_tenants

BURST_EVERY_S = 90.0
BURST_S = 4.0
BURST_FACTOR = 3.0
SPIKE_FACTOR = 5.0
WAIT_S = 8.0
MOST_AT_ONCE = 100
UNKNOWN_TASK_CHANCE = 0.01
TURNS = 3
THINKING_S = 1.5
_logger = logging.getLogger(__name__)


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

    def __init__(
        self, gateway: httpx.AsyncClient, tenants: Mapping[str, Tenant], mean_rate: float, chance: random.Random
    ) -> None:
        """Use the client; whoever made it closes it."""
        self._gateway = gateway
        self._tenants = tenants
        self._mean_rate = mean_rate
        self._chance = chance
        self._factor = 1.0

    def begin_spike(self) -> None:
        """Come in crowds from now on."""
        self._factor = SPIKE_FACTOR

    def end_spike(self) -> None:
        """Come as usual again."""
        self._factor = 1.0

    async def run(self) -> None:
        """Start visits at random moments, on average at the rate of the hour, until cancelled."""
        started_s = time.monotonic()
        weights = [persona.weight for persona in PERSONAS]
        tasks_per_visit = sum(persona.weight * persona.bundle for persona in PERSONAS) / sum(weights)
        visits: set[asyncio.Task[None]] = set()
        while True:
            visits_per_s = self._factor * rate_at(time.monotonic() - started_s, self._mean_rate) / tasks_per_visit
            await asyncio.sleep(self._chance.expovariate(visits_per_s))
            if len(visits) < MOST_AT_ONCE:
                persona = self._chance.choices(PERSONAS, weights)[0]
                visit = asyncio.create_task(self._visit(persona))
                visits.add(visit)
                visit.add_done_callback(visits.discard)

    async def _visit(self, persona: Persona) -> None:
        """Converse, or submit what a persona has in hand, all at once."""
        tenant = self._tenants[self._chance.choice(persona.tenants)]
        key = "a-key-of-last-year" if self._chance.random() < persona.forgets_key else tenant.key
        with suppress(httpx.HTTPError, websockets.WebSocketException, OSError, TimeoutError):
            if persona.converses:
                await self._converse(persona, key)
                return
            async with asyncio.TaskGroup() as group:
                for _ in range(persona.bundle):
                    group.create_task(self._submit(persona, key))

    async def _converse(self, persona: Persona, key: str) -> None:
        url = str(self._gateway.base_url).replace("http", "ws", 1).rstrip("/")
        async with websockets.connect(f"{url}/conversations?key={key}&persona={persona.name}") as socket:
            for _turn in range(self._chance.randint(1, TURNS)):
                await socket.send(persona.submit(self._chance)["arguments"]["text"])
                async with asyncio.timeout(WAIT_S * 2):
                    answer = json.loads(await socket.recv())
                if answer.get("error"):
                    _logger.info("A visitor was told: %s", answer["error"])
                await asyncio.sleep(self._chance.expovariate(1 / THINKING_S))

    async def _submit(self, persona: Persona, key: str) -> None:
        """Submit one task, and look for its result if the persona cares."""
        submission = persona.submit(self._chance)
        name = persona.name.replace(" ", "-")
        session_id = f"{name}-{self._chance.randrange(100):02d}"
        submission |= {"session_id": session_id, "persona_id": name, "timeout_s": persona.timeout_s}
        headers = {"Authorization": f"Bearer {key}"}
        with suppress(httpx.HTTPError):
            response = await self._gateway.post("/tasks", json=submission, headers=headers)
            if not response.is_success:
                return
            task_id = response.json()["id"]
            if persona.impatient:
                await self._gateway.delete(f"/tasks/{task_id}", headers=headers)
            elif persona.waits_for_result:
                unknown = self._chance.random() < UNKNOWN_TASK_CHANCE
                wanted = f"{task_id[:-4]}oops" if unknown else task_id
                await self._gateway.get(f"/tasks/{wanted}", params={"wait": WAIT_S}, headers=headers)


async def drive(arguments: ServiceArguments) -> None:
    """Drive load until cancelled; SIGUSR1 begins a spike, SIGUSR2 ends it."""
    async with httpx.AsyncClient(base_url=arguments.urls["gateway"], timeout=20.0) as gateway:
        load = Load(gateway, read_tenants(arguments.state_dir), arguments.rate, random.Random(arguments.seed))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, load.begin_spike)
        loop.add_signal_handler(signal.SIGUSR2, load.end_spike)
        await load.run()


def main(arguments: ServiceArguments) -> None:
    """Run the load's process."""
    stop_with_launcher()
    asyncio.run(drive(arguments))
