"""Elements of building models."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from web.answers.elements import ElementAnswer, ElementFilter, ElementsAnswer, element_answer, elements_answer
from web.memo import encode, reply
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["elements"])


@router.get("/elements", response_model=ElementsAnswer)
def get_elements(served: ServedPark, request: Request, wanted: Annotated[ElementFilter, Query()]) -> Response:
    """The elements that pass the filter."""
    return reply(request, encode(elements_answer(served.store, served.buildings(), wanted)))


@router.get("/elements/{element_id:path}", response_model=ElementAnswer)
def get_element(served: ServedPark, request: Request, element_id: str) -> Response:
    """One element with all that is said about it, or a building by its id."""
    return reply(request, encode(element_answer(served.store, served.buildings(), element_id)))
