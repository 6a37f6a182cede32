"""Tilesets that came as they are (layers of kind `mesh`): a root of ours around each, which carries the motion to where it belongs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin.errors import NotFound
from twin.store import Store

_ALWAYS_REFINED = 1e6  # no view is so far off that a group with this error is drawn itself
_WORLD = {"region": [-3.141592653589793, -1.5707963267948966, 3.141592653589793, 1.5707963267948966, -1000.0, 10000.0]}


@dataclass(frozen=True)
class Registered:
    """One registered tileset: the feature that stands for it, and the key its files are served under."""

    key: str
    layer_id: str
    feature_id: str
    row: Mapping[str, Any]


def source_key(source: str) -> str:
    """The key under which a source's files are served: its name may hold what an address cannot."""
    return hashlib.sha256(source.encode("utf-8")).hexdigest()[:16]


def registered(store: Store) -> Sequence[Registered]:
    """The tilesets of the park that came as they are."""
    found: list[Registered] = []
    for layer in store.layers():
        table = store.features(layer.id) if layer.kind == "mesh" else None
        rows = [] if table is None else [(identity, table.row(k)) for k, identity in enumerate(table.ids)]
        found += [
            Registered(source_key(row["asset_source"]), layer.id, identity, row)
            for identity, row in rows
            if row.get("tileset") and row.get("asset_source")
        ]
    return found


def placed(store: Store, key: str) -> dict[str, Any]:
    """The tileset.json around a registered tileset.

    Raises
    ------
    NotFound
        If no tileset has that key.
    """
    one = next((each for each in registered(store) if each.key == key), None)
    if one is None:
        raise NotFound("tileset_missing", subject=key)
    error = float(one.row.get("geometric_error") or 0.0) or 1e4
    root: dict[str, Any] = {
        # the bounding volume inside is in the tileset's own frame, before its root's transform, as ours is before the motion
        "boundingVolume": _volume(one.row),
        "geometricError": error,
        "refine": "ADD",
        "transform": one.row["motion"],
        "content": {"uri": f"../../files/{key}/{one.row['tileset']}"},
    }
    return {"asset": {"version": "1.1"}, "geometricError": error, "root": root}


def with_single_contents(document: Mapping[str, Any]) -> dict[str, Any]:
    """A tileset.json in which no tile has several contents, which viewers of 3D Tiles 1.0 cannot draw; it shows the same.

    A tile with n contents becomes a group of n tiles with one each. The first keeps the children; the others, where children replace
    their parent, are replaced by nothing at the same error.
    """
    return dict(document) | {"root": _single(document["root"])}


def _single(tile: Mapping[str, Any]) -> dict[str, Any]:
    extension = (tile.get("extensions") or {}).get("3DTILES_multiple_contents") or {}
    contents = tile.get("contents") or extension.get("contents") or extension.get("content") or []
    children = [_single(child) for child in tile.get("children", ())]
    plain = {name: value for name, value in tile.items() if name not in {"contents", "children", "extensions"}}
    if len(contents) < 2 or "implicitTiling" in tile:
        own = {"content": contents[0]} if contents and "implicitTiling" not in tile else {}
        kept = {name: tile[name] for name in ("extensions", *(("contents",) if "implicitTiling" in tile else ())) if name in tile}
        return plain | kept | own | ({"children": children} if children else {})
    error = tile.get("geometricError", 0.0)
    alone = {"boundingVolume": tile["boundingVolume"], "geometricError": error, "refine": tile.get("refine", "REPLACE")}
    gone = [{"boundingVolume": tile["boundingVolume"], "geometricError": 0.0}] if children and alone["refine"] == "REPLACE" else []
    first = alone | {"content": contents[0]} | ({"children": children} if children else {})
    others = [alone | {"content": content} | ({"children": gone} if gone else {}) for content in contents[1:]]
    group = {name: value for name, value in plain.items() if name not in {"content", "refine"}}
    return group | {"geometricError": max(float(error), _ALWAYS_REFINED), "refine": "ADD", "children": [first, *others]}


def _volume(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inner root's volume in the frame of ours: regions are on the ellipsoid and do not move, so a moved one is all the world."""
    said = json.loads(row["bounding_volume"])
    if "region" in said:
        return said if row.get("moved_by") == "none" else _WORLD
    transform = json.loads(row.get("transform") or "null") or [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    columns = [transform[4 * k : 4 * k + 3] for k in range(4)]

    def turned(vector: Sequence[float]) -> list[float]:
        return [sum(columns[k][i] * vector[k] for k in range(3)) for i in range(3)]

    if "sphere" in said:
        x, y, z, radius = said["sphere"]
        scale = max(sum(v * v for v in column) ** 0.5 for column in columns[:3])
        return {"sphere": [*(a + b for a, b in zip(turned([x, y, z]), columns[3], strict=True)), radius * scale]}
    box = said["box"]
    centre = [a + b for a, b in zip(turned(box[:3]), columns[3], strict=True)]
    return {"box": [*centre, *turned(box[3:6]), *turned(box[6:9]), *turned(box[9:12])]}
