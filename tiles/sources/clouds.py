"""Point clouds: a tileset for each layer of them, of the points that were kept when they were read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from tiles.content.points import cloud_tiles
from tiles.files import folder_name
from tiles.source import Contents, Input
from tiles.tileset import Tile, gather
from twin.model import Layer
from twin.points import SUFFIX, read_points
from twin.store import Store


def inputs(store: Store) -> Iterator[Input]:
    """The layers of clouds whose points are kept."""
    for layer in store.layers():
        if layer.kind == "point_cloud" and (kept := kept_clouds(store, layer)):
            yield Input(folder_name(layer.id), layer.id, partial(_contents, store, layer, kept), is_listed=False)


def kept_clouds(store: Store, layer: Layer) -> Mapping[str, str]:
    """Feature -> SHA-256 of the file its points are in; of a cloud imported before points were kept there is only the outline."""
    table = store.features(layer.id)
    found: dict[str, str] = {}
    for identity, source, name in zip(table.ids, table.column("asset_source"), table.column("asset"), strict=True):
        assets = store.assets(source) if source else ()
        for asset in (asset for asset in assets if asset.name == f"{name}{SUFFIX}"):
            found[identity] = asset.sha256
    return found


def _contents(store: Store, layer: Layer, kept: Mapping[str, str]) -> Contents:
    digest = hashlib.blake2b(" ".join(kept.values()).encode(), digest_size=16).digest()
    return Contents(store.features(layer.id).ids, list(kept), 0, digest, partial(_tree, store, list(kept.values())))


def _tree(store: Store, files: Sequence[str]) -> Tile | None:
    made = [cloud_tiles(read_points(store.asset_path(sha256)), store.path / "tiles") for sha256 in files]
    trees = [tree for tree in made if tree is not None]
    return replace(gather(trees), refine="ADD") if len(trees) > 1 else next(iter(trees), None)
