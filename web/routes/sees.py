"""Which cameras see a point."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from web.answers.sees import SeesAnswer, sees_answer
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["sees"])


@router.get("/sees")
def get_sees(
    served: ServedPark,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
    h: Annotated[float | None, Query(ge=-12_000, le=100_000)] = None,
    storey: str | None = None,
) -> SeesAnswer:
    """Which cameras see the point at height `h` [m, park datum], and what blocks the others; without `h`, a person on the ground."""
    return sees_answer(served.store, lon, lat, h, storey)
