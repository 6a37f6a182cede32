"""Which cameras see a point."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from web.answers.sees import SeesAnswer, SeesQuestion, sees_answer
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["sees"])


@router.get("/sees")
def get_sees(served: ServedPark, asked: Annotated[SeesQuestion, Query()]) -> SeesAnswer:
    """Which cameras see the point at height `h` [m, park datum], and what blocks the others; without `h`, a person on the ground."""
    return sees_answer(served.store, asked)
