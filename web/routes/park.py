"""The park and its scene."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from twin.errors import NotFound
from twin.store import Store
from web.answers.park import ParkAnswer, park_answer
from web.answers.terrain import TerrainAnswer, terrain_answer
from web.memo import reply
from web.scene import scene
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["park"])


@router.get("/park", response_model=ParkAnswer)
def get_park(served: ServedPark, request: Request) -> Response:
    """The park: name, origin, extent, counts, and the view that shows all of it."""
    return reply(request, served.memo.body("park", lambda: park_answer(served.store)))


@router.get("/scene", response_model=dict[str, Any])
def get_scene(served: ServedPark, request: Request) -> Response:
    """The scene as pydeck writes it and `@deck.gl/json` reads it."""
    return reply(request, served.memo.body("scene", lambda: scene(served.store)))


@router.get("/terrain", response_model=TerrainAnswer)
def get_terrain(served: ServedPark, request: Request) -> Response:
    """The ground's heights on a grid; 404 where the park has no terrain."""
    return reply(request, served.memo.body("terrain", lambda: _known_terrain(served.store)))


def _known_terrain(store: Store) -> TerrainAnswer:
    found = terrain_answer(store)
    if found is None:
        raise NotFound("terrain_missing", subject=store.park().name)
    return found
