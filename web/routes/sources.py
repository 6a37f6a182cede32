"""Sources, their versions, and what changed between two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse

from twin.diff import chosen
from twin.errors import NotFound
from web.answers.assets import media_type
from web.answers.versions import (
    DifferenceAnswer,
    ModelVersionAnswer,
    SourceAnswer,
    VersionAnswer,
    VersionLine,
    bodies_glb,
    bodies_of,
    bodies_tileset,
    difference_answer,
    file_of,
    layer_answer,
    left_behind,
    model_answer,
    model_of,
    sources_answer,
    version_answer,
    versions_answer,
)
from web.memo import encode, reply
from web.served import Language, Served, ServedPark

router = APIRouter(prefix="/api", tags=["sources"])
_OF_VERSION = "/sources/{source:path}/versions/{number}"
_GLB = "model/gltf-binary"


@router.get("/sources", response_model=Mapping[str, list[SourceAnswer]])
def get_sources(served: ServedPark, request: Request) -> Response:
    """All sources with what they hold, those imported last first."""
    return reply(request, served.memo.body("sources", lambda: sources_answer(served.store)))


@router.get("/diff", response_model=DifferenceAnswer)
def get_difference(
    served: ServedPark,
    request: Request,
    source: Annotated[str, Query(description="A source, or a model or layer that came from one, by id or name")],
    old: Annotated[int | None, Query(alias="from", description="The earlier version; the one before the later")] = None,
    new: Annotated[int | None, Query(alias="to", description="The later version; the newest")] = None,
) -> Response:
    """What changed between two versions of a source, the last two unless told otherwise."""
    name, before, after = chosen(served.store, source, old, new)
    found = served.versions.difference(name, before, after)
    contents = (served.versions.content(name, number) for number in (before, after))
    return reply(request, encode(difference_answer(served.store, found, *contents)))


@router.get(_OF_VERSION + "/layers/{layer_id:path}", response_model=dict[str, Any])
def get_layer_of_version(served: ServedPark, request: Request, source: str, number: int, layer_id: str) -> Response:
    """A layer as a version held it, or its `devices`, as GeoJSON."""
    return reply(request, encode(layer_answer(served.versions.content(source, number), layer_id)))


@router.get(_OF_VERSION + "/models/{model_id:path}/tileset.json", response_model=dict[str, Any])
def get_tileset_of_version(served: ServedPark, request: Request, source: str, number: int, model_id: str) -> Response:
    """The tileset that places the model of a version on the earth."""
    model_of(served.versions.content(source, number), model_id)
    bodies = bodies_of(served.versions.content(source, number), model_id=model_id)
    return reply(request, encode(bodies_tileset(served.store, bodies, "model.glb")))


@router.get(_OF_VERSION + "/models/{model_id:path}/model.glb", response_class=Response)
def get_glb_of_version(served: ServedPark, source: str, number: int, model_id: str) -> Response:
    """The bodies of the model of a version as one GLB."""
    model_of(served.versions.content(source, number), model_id)
    bodies = bodies_of(served.versions.content(source, number), model_id=model_id)
    if bodies is None:
        raise NotFound("model_without_bodies", subject=model_id)
    return Response(bodies_glb(bodies), media_type=_GLB, headers={"cache-control": "no-cache"})


@router.get(_OF_VERSION + "/models/{model_id:path}", response_model=ModelVersionAnswer)
def get_model_of_version(served: ServedPark, request: Request, source: str, number: int, model_id: str) -> Response:
    """A model as a version held it: storeys, rooms and elements."""
    return reply(request, encode(model_answer(served.versions.content(source, number), model_id)))


@router.get(_OF_VERSION + "/until/{later}/tileset.json", response_model=dict[str, Any])
def get_tileset_of_gone(served: ServedPark, request: Request, source: str, number: int, later: int) -> Response:
    """The tileset of the bodies that a later version removed, moved or reshaped, as they were."""
    return reply(request, encode(bodies_tileset(served.store, _gone(served, source, number, later), "model.glb")))


@router.get(_OF_VERSION + "/until/{later}/model.glb", response_class=Response)
def get_glb_of_gone(served: ServedPark, source: str, number: int, later: int) -> Response:
    """The bodies that a later version removed, moved or reshaped, as they were, as one GLB."""
    bodies = _gone(served, source, number, later)
    if bodies is None:
        raise NotFound("model_without_bodies", subject=source)
    return Response(bodies_glb(bodies), media_type=_GLB, headers={"cache-control": "no-cache"})


@router.get(_OF_VERSION + "/file", response_class=FileResponse)
def get_file_of_version(served: ServedPark, source: str, number: int) -> FileResponse:
    """The file that a version was read from, as it came, where the park keeps it."""
    asset = file_of(served.store, served.versions.content(source, number), source, number)
    name = asset.name.rpartition("/")[2]
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}", "cache-control": "no-cache"}
    return FileResponse(served.store.asset_path(asset.sha256), media_type=media_type(asset), headers=headers)


@router.get(_OF_VERSION, response_model=VersionAnswer)
def get_version(served: ServedPark, request: Request, lang: Language, source: str, number: int) -> Response:
    """One import of a source with its report."""
    return reply(request, encode(version_answer(served.store, served.versions.content(source, number), source, number, lang)))


@router.get("/sources/{source:path}/versions", response_model=Mapping[str, list[VersionLine]])
def get_versions(served: ServedPark, request: Request, source: str) -> Response:
    """The imports of a source, oldest first."""
    return reply(request, encode(versions_answer(served.store, source)))


def _gone(served: Served, source: str, number: int, later: int) -> Any:
    found = served.versions.difference(source, number, later)
    return bodies_of(served.versions.content(source, number), left_behind(found))
