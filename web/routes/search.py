"""The gazetteer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from web.answers.search import SearchAnswer, search_answer
from web.served import Language, ServedPark

router = APIRouter(prefix="/api", tags=["search"])


@router.get("/search")
def search(
    served: ServedPark, lang: Language, q: Annotated[str, Query(max_length=200)], limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> SearchAnswer:
    """Buildings, rooms, devices, features and elements by parts of their names or by their ids, best first."""
    return search_answer(served.gazetteer(), q, limit, lang)
