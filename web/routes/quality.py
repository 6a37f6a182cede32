"""How good the park's models are: the report as JSON, and as a page whose findings open in the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from importers.quality import Quality, quality
from importers.quality.deliveries import delivery_set
from importers.quality.page import quality_html
from web.memo import reply
from web.served import Language, Served, ServedPark

router = APIRouter(tags=["quality"])
Sets = Annotated[Sequence[str], Query(description="Delivery sets that come along, by name; the models' files are held against them")]


@router.get("/api/quality", response_model=dict[str, Any])
def get_quality(served: ServedPark, request: Request, lang: Language, ids: Sets = ()) -> Response:
    """The quality of the park's models, its sentences in the language asked for."""
    return reply(request, served.memo.body(f"quality {lang} {ids}", lambda: _quality(served, ids).document(lang)))


@router.get("/quality", response_class=HTMLResponse)
def get_quality_page(
    served: ServedPark, accepted: Language, ids: Sets = (), lang: Annotated[Literal["en", "zh"] | None, Query()] = None
) -> HTMLResponse:
    """The same as a page; each finding opens the thing it is about in the viewer."""
    spoken = lang or accepted
    page = served.memo.value(f"quality page {spoken} {ids}", lambda: quality_html(_quality(served, ids), spoken, viewer="."))
    return HTMLResponse(page, headers={"cache-control": "no-cache", "vary": "accept-language"})


def _quality(served: Served, ids: Sequence[str]) -> Quality:
    """Asked of the park once a revision."""
    return served.memo.value(f"quality {ids}", lambda: quality(served.store, [delivery_set(name, only_own=True) for name in ids]))
