"""Buildings, storeys and rooms."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from web.answers.buildings import BuildingAnswer, StoreyAnswer, buildings_answer, storeys_answer
from web.memo import encode, reply
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["buildings"])


@router.get("/buildings", response_model=list[BuildingAnswer])
def get_buildings(served: ServedPark, request: Request) -> Response:
    """All buildings with their footprints."""
    return reply(request, served.memo.body("buildings", lambda: buildings_answer(served.buildings())))


@router.get("/buildings/{building_id:path}/storeys", response_model=list[StoreyAnswer])
def get_storeys(served: ServedPark, request: Request, building_id: str) -> Response:
    """The storeys of a building with their rooms, lowest first."""
    return reply(request, encode(storeys_answer(served.store, served.buildings(), building_id)))
