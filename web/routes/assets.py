"""Files that came with a source, and the registered tilesets around them."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json
from starlette.responses import FileResponse

from tiles.http.registered import placed, with_single_contents
from twin.errors import NotFound
from web.answers.assets import assets_by_key, found, media_type
from web.memo import encode, reply
from web.served import ServedPark

router = APIRouter(tags=["assets"])


@router.get("/registered/{key}/tileset.json", response_model=dict)
def get_registered_tileset(served: ServedPark, request: Request, key: str) -> Response:
    """The root around a registered tileset, with the motion to where it belongs."""
    if not served.may_see(request.scope, f"registered/{key}"):
        raise NotFound("tileset_missing", subject=key)
    return reply(request, encode(placed(served.store, key)))


@router.get("/files/{key}/{name:path}", response_class=FileResponse)
def get_asset(served: ServedPark, request: Request, key: str, name: str) -> Response:
    """A file as it came; its content never changes under its tag."""
    if not served.may_see(request.scope, f"registered/{key}"):
        raise NotFound("asset_missing", subject=name)
    assets = served.memo.value("assets", lambda: assets_by_key(served.store))
    asset = found(assets, key, name)
    tag = f'"{asset.sha256[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if asset.name.endswith(".json") and b'"contents"' in (text := served.store.asset_path(asset.sha256).read_bytes()):
        return Response(to_json(with_single_contents(json.loads(text))), media_type="application/json", headers=headers)
    return FileResponse(served.store.asset_path(asset.sha256), media_type=media_type(asset), headers=headers)
