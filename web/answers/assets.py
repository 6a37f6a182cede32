"""The files that came with a source: pictures, tiles of others, point clouds."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from tiles.http.registered import source_key
from twin.errors import NotFound
from twin.model import Asset
from twin.store import Store

SHOWN_AS_THEY_ARE = ("image/", "model/", "application/json", "application/octet-stream")


def assets_by_key(store: Store) -> Mapping[tuple[str, str], Asset]:
    """All assets by their source's key and their name."""
    return {(source_key(asset.source), asset.name): asset for asset in store.assets()}


def asset_path(asset_source: str, name: str) -> str:
    """Where a file of a source is served."""
    return f"/files/{source_key(asset_source)}/{quote(name)}"


def media_type(asset: Asset) -> str:
    """The type a file is served as: nothing a browser would run or show as a page of ours."""
    is_harmless = asset.media_type.startswith(SHOWN_AS_THEY_ARE) and asset.media_type != "image/svg+xml"
    return asset.media_type if is_harmless else "application/octet-stream"


def found(assets: Mapping[tuple[str, str], Asset], key: str, name: str) -> Asset:
    """The asset of that key and name; raises NotFound."""
    asset = assets.get((key, name))
    if asset is None:
        raise NotFound("asset_missing", subject=name)
    return asset
