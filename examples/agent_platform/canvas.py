"""The canvas service: documents of blocks that agents write and people read, in the database behind a cache."""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import gnomon
from examples.agent_platform.cache import Cache, open_store
from examples.agent_platform.database import Database
from examples.agent_platform.service import ServiceArguments, make_app, serve

CACHED_S = 20.0
KEPT = 200
SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS canvas (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        tenant TEXT NOT NULL,
        version BIGINT NOT NULL,
        blocks TEXT NOT NULL
    )
    """,
)
_logger = logging.getLogger(__name__)


class CanvasService:
    """The endpoints over the table and its cache."""

    def __init__(self, database: Database, cache: Cache) -> None:
        """Use them; whoever opened them closes them."""
        self._database = database
        self._cache = cache

    async def draw(self, request: Request) -> JSONResponse:
        """Make a canvas of `title` and `blocks`: 201 with its id."""
        wanted = await request.json()
        canvas_id = uuid.uuid4().hex[:12]
        await self._database.execute(
            "INSERT INTO canvas (id, title, tenant, version, blocks) VALUES (:id, :title, :tenant, 1, :blocks)",
            id=canvas_id,
            title=str(wanted["title"]),
            tenant=gnomon.current().tenant_id or "",
            blocks=json.dumps(wanted["blocks"]),
        )
        _logger.info("Drew %r with %d blocks", wanted["title"], len(wanted["blocks"]))
        return JSONResponse({"id": canvas_id, "version": 1}, status_code=201)

    async def show(self, request: Request) -> JSONResponse:
        """Answer a canvas, 404 when there is none of that id."""
        canvas_id = request.path_params["canvas_id"]
        found = await self._cache.get(canvas_id)
        if found is None:
            rows = await self._database.execute(
                "SELECT id, title, version, blocks FROM canvas WHERE id = :id", id=canvas_id
            )
            if not rows:
                return JSONResponse({"error": "There is no such canvas."}, status_code=404)
            found = rows[0] | {"blocks": json.loads(rows[0]["blocks"])}
            await self._cache.put(canvas_id, found)
        return JSONResponse(found)

    async def list_titles(self, _request: Request) -> JSONResponse:
        """Answer ids and titles of some canvases."""
        rows = await self._database.execute("SELECT id, title FROM canvas ORDER BY title LIMIT 20")
        return JSONResponse(rows)


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the canvas service; its database is opened when it starts."""
    opened: list[CanvasService] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        database = await Database.open(arguments.database, "canvas", SCHEMA)
        store = open_store(arguments.cache)
        opened.append(CanvasService(database, Cache("canvases", store, CACHED_S)))
        health.check("database", loop=asyncio.get_running_loop())(database.ping)
        yield
        await store.close()
        await database.close()

    async def draw(request: Request) -> JSONResponse:
        return await opened[0].draw(request)

    async def show(request: Request) -> JSONResponse:
        return await opened[0].show(request)

    async def list_titles(request: Request) -> JSONResponse:
        return await opened[0].list_titles(request)

    return make_app(
        [
            Route("/canvases", draw, methods=["POST"]),
            Route("/canvases", list_titles, methods=["GET"]),
            Route("/canvases/{canvas_id}", show, methods=["GET"]),
        ],
        lifespan,
    )


def main(arguments: ServiceArguments) -> None:
    """Run the canvas service's process."""
    serve("canvas-service", create_app, arguments)
