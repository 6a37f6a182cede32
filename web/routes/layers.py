"""Layers and their features."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from web.answers.layers import LayerAnswer, feature_answer, layers_answer
from web.memo import encode, reply
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["layers"])


@router.get("/layers", response_model=list[LayerAnswer])
def get_layers(served: ServedPark, request: Request) -> Response:
    """All layers in the order they are drawn, with style, legend and fields."""
    return reply(request, served.memo.body("layers", lambda: layers_answer(served.store)))


@router.get("/layers/{layer_id:path}/features/{feature_id:path}", response_model=dict[str, Any])
def get_feature(served: ServedPark, request: Request, layer_id: str, feature_id: str) -> Response:
    """One feature as GeoJSON."""
    return reply(request, encode(feature_answer(served.store, layer_id, feature_id)))
