"""What a problem's type means, at the address it has."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from twin.errors import NotFound
from twin.i18n import catalogue
from web.problems import RESPONSES

router = APIRouter(tags=["problems"], responses=RESPONSES)


@router.get("/problems/{code}")
async def get_problem(code: str) -> Mapping[str, str]:
    """The sentences of a problem in both languages, with the places that each case fills in braces."""
    if code not in catalogue():
        raise NotFound("http_not_found", subject=f"/problems/{code}")
    return {"type": f"/problems/{code}", **catalogue()[code]}
