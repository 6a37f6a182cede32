"""The server: `create_app` puts a park behind HTTP. Nothing happens at import.

tiles in memory (`web.front`) ─ faults told ─ requests counted ─ host and origin checked ─┬─ /tiles /3dtiles /terrain   `tiles.http.router`
                                                                                          └─ everything else            FastAPI
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import cast

import anyio.to_thread
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from tiles.http.router import TileApp
from twin.store import Store, open_store
from web import problems, routes
from web.front import TILE_TREES, answered_first, at_once
from web.metrics import counted
from web.openapi import describe_by
from web.problems import faults_told
from web.security import guarded
from web.served import Served, serve
from web.settings import Settings

PARK_VARIABLE, SETTINGS_VARIABLE = "PARKTWIN_PARK", "PARKTWIN_SETTINGS"


def create_app(park: Store | str | Path, settings: Settings | None = None) -> FastAPI:
    """The server of one park, given open or by its address.

    Raises
    ------
    NotFound
        If there is no park at the address.
    """
    settings = settings or Settings()
    store = open_store(park) if isinstance(park, str | Path) else park
    app = FastAPI(
        title="Parktwin",
        version=version("parktwin"),
        openapi_url="/api/openapi.json",
        docs_url=None,  # those pages load from another origin
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.served = served = serve(store, settings)
    problems.install(app)
    routes.include(app)
    describe_by(app)
    app.state.tiles = tiles = TileApp(store, served.may_see)
    app.state.at_once = first = at_once(tiles, settings, served.metrics)
    app.add_middleware(tiles_in_front, tile_app=tiles)  # the last one added is asked first
    app.add_middleware(guarded, settings=settings)
    app.add_middleware(counted, metrics=served.metrics)
    app.add_middleware(faults_told)
    app.add_middleware(answered_first, answer=first)
    return app


def from_environment() -> FastAPI:
    """The server a worker process runs: park and settings are in its environment."""
    return create_app(os.environ[PARK_VARIABLE], Settings.from_json(os.environ[SETTINGS_VARIABLE]))


def tiles_in_front(app: ASGIApp, tile_app: ASGIApp) -> ASGIApp:
    """`app`, with the trees of tiles answered before it."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = tile_app if scope["type"] == "http" and scope["path"].startswith(TILE_TREES) else app
        await chosen(scope, receive, send)

    return front


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[Mapping[str, object]]:
    served = cast("Served", app.state.served)
    anyio.to_thread.current_default_thread_limiter().total_tokens = served.settings.threads
    tail = asyncio.create_task(served.tail.run())
    try:
        yield {"at_once": app.state.at_once}  # for `web.protocol`
    finally:
        served.tail.end()
        tail.cancel()
        with suppress(asyncio.CancelledError):
            await tail
        await anyio.to_thread.run_sync(app.state.tiles.close)
        await anyio.to_thread.run_sync(served.close)
