"""The delegation gateway: knows the agents and how far each is trusted, and passes work on from one to another."""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import gnomon
from examples.agent_platform.database import Database
from examples.agent_platform.policies import check_delegation
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tasks import ROLE_BY_TYPE, InvalidTaskError, Task
from examples.agent_platform.work_headers import connect

DEEPEST = 2
ROUTER_TIMEOUT_S = 3.0
WITHIN_S = 20.0
FIRST_TRUST = 0.8
MEMORY = 0.05
"""How much the last run of an agent counts for its trust."""
AGENTS = {
    "librarian-1": "librarian",
    "librarian-2": "librarian",
    "mathematician-1": "mathematician",
    "accountant-1": "accountant",
    "archivist-1": "archivist",
    "researcher-1": "researcher",
    "concierge-1": "concierge",
    "concierge-2": "concierge",
}
SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS agent (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        trust DOUBLE PRECISION NOT NULL,
        runs BIGINT NOT NULL DEFAULT 0
    )
    """,
)
_logger = logging.getLogger(__name__)
_requests = gnomon.counter("gateway_requests_total")


class DelegationGateway:
    """The endpoints over the agents' table and a client of the router."""

    def __init__(self, name: str, database: Database, router: httpx.AsyncClient) -> None:
        """Use them; whoever opened them closes them."""
        self._name = name
        self._database = database
        self._router = router

    async def register(self) -> None:
        """Enter the agents that are not known yet, with the trust that everybody begins with."""
        for agent_id, role in AGENTS.items():
            await self._database.execute(
                "INSERT INTO agent (id, role, trust) VALUES (:id, :role, :trust) ON CONFLICT (id) DO NOTHING",
                id=agent_id,
                role=role,
                trust=FIRST_TRUST,
            )
        await self.report_trust()

    async def report_trust(self) -> None:
        """Tell how many agents there are, and how far each is trusted."""
        rows = await self._database.execute("SELECT id, trust FROM agent")
        gnomon.report_agents(len(rows), {row["id"]: row["trust"] for row in rows})

    async def list_agents(self, request: Request) -> JSONResponse:
        """Answer the agents of a `?role=`, with their trust."""
        rows = await self._database.execute(
            "SELECT id, role, trust, runs FROM agent WHERE role = :role ORDER BY id",
            role=request.query_params.get("role", ""),
        )
        return JSONResponse(rows)

    async def take_outcome(self, request: Request) -> JSONResponse:
        """Let an agent's trust follow how its runs end."""
        told = await request.json()
        rows = await self._database.execute(
            "UPDATE agent SET trust = trust * CAST(:kept AS DOUBLE PRECISION) + CAST(:gained AS DOUBLE PRECISION),"
            " runs = runs + 1 WHERE id = :id RETURNING id, trust",
            id=request.path_params["agent_id"],
            kept=1 - MEMORY,
            gained=MEMORY if told["succeeded"] else 0.0,
        )
        if not rows:
            return JSONResponse({"error": "There is no such agent."}, status_code=404)
        gnomon.report_agents(len(AGENTS), {rows[0]["id"]: rows[0]["trust"]})
        return JSONResponse(rows[0])

    async def delegate(self, request: Request) -> JSONResponse:
        """Pass a piece of work on as a task of its own: 202 with its id and the agent who gets it."""
        answer = await self._delegate(await request.json())
        _requests.labels(self._name, "POST", str(answer.status_code)).inc()
        return answer

    async def _delegate(self, wanted: dict[str, Any]) -> JSONResponse:
        depth = int(wanted.get("depth", 0)) + 1
        if reason := check_delegation(depth, DEEPEST):
            return JSONResponse({"error": reason}, status_code=403)
        child_id = uuid.uuid4().hex
        agent = await self.choose(ROLE_BY_TYPE.get(wanted.get("type", ""), ""))
        try:
            task = Task.from_json(
                child_id, wanted | {"agent_id": agent, "depth": depth, "deadline": time.time() + WITHIN_S}
            )
        except InvalidTaskError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        gnomon.hand_off(agent)
        gnomon.submit_task(
            task.type,
            id=task.id,
            priority=task.priority_name,
            tenant_id=task.tenant_id,
            session_id=task.session_id,
            deadline=task.deadline,
        )
        with gnomon.bind(task_id=task.id, task_type=task.type, agent_id=None):
            response = await self._router.post(f"/tasks/{task.id}", json=task.to_json())
        if not response.is_success:
            gnomon.mark_task("cancelled", task.id, type=task.type)
            return JSONResponse(response.json(), status_code=response.status_code)
        return JSONResponse({"id": task.id, "agent_id": agent}, status_code=202)

    async def choose(self, role: str) -> str:
        """Return an agent of a role; who is trusted more is chosen more often."""
        rows = await self._database.execute("SELECT id, trust FROM agent WHERE role = :role", role=role)
        if not rows:
            return ""
        chosen: str = random.choices([row["id"] for row in rows], [row["trust"] ** 2 + 0.01 for row in rows])[0]
        return chosen


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the delegation gateway; its database is opened when it starts."""
    router = connect(arguments.urls["router"], ROUTER_TIMEOUT_S)
    opened: list[DelegationGateway] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        database = await Database.open(arguments.database, "delegation", SCHEMA)
        gateway = DelegationGateway(arguments.instance, database, router)
        await gateway.register()
        opened.append(gateway)
        health.check("database", loop=asyncio.get_running_loop())(database.ping)
        health.add_detail("agents", lambda: {"registered": len(AGENTS)})
        async with router:
            yield
        await database.close()

    async def list_agents(request: Request) -> JSONResponse:
        return await opened[0].list_agents(request)

    async def take_outcome(request: Request) -> JSONResponse:
        return await opened[0].take_outcome(request)

    async def delegate(request: Request) -> JSONResponse:
        return await opened[0].delegate(request)

    return make_app(
        [
            Route("/agents", list_agents, methods=["GET"]),
            Route("/agents/{agent_id}/outcome", take_outcome, methods=["POST"]),
            Route("/delegations", delegate, methods=["POST"]),
        ],
        lifespan,
    )


def main(arguments: ServiceArguments) -> None:
    """Run the delegation gateway's process."""
    serve("delegation-gateway", create_app, arguments)
