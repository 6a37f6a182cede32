"""Reading built 3D Tiles back: what a viewer gets, for checking that nothing was lost on the way.

Written against glTF 2.0, EXT_mesh_features, EXT_structural_metadata and 3D Tiles 1.1, for what `tiles.glb` writes: triangles with
indices, one property table, no compression.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

_COMPONENT = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_NUMBER = {"FLOAT32": "<f4", "INT32": "<i4"}
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # glTF is y-up, 3D Tiles z-up


@dataclass(frozen=True)
class Decoded:
    """The content of one tile, z up, in the tile's own coordinates."""

    triangles: NDArray[np.float64]  # (f, 3, 3) [m]
    normals: NDArray[np.float64]  # (f, 3, 3) of the corners
    colors: NDArray[np.uint8]  # (f, 3, 4) of the corners
    features: NDArray[np.int64]  # (f, 3) of the corners: rows of the table
    table: Mapping[str, Sequence[Any]]
    document: Mapping[str, Any]  # the glTF JSON


@dataclass(frozen=True)
class Placed:
    """One tile of a tileset with its content and its place on the earth."""

    path: Path
    transform: NDArray[np.float64]  # (4, 4) from the tile's coordinates to earth-centred metres
    box: NDArray[np.float64]  # (4, 3) centre and half axes, in the tile's coordinates
    content: Decoded


def decode_glb(content: bytes) -> Decoded:
    """The triangles, features and property table of a GLB file."""
    size = struct.unpack_from("<I", content, 12)[0]
    document = json.loads(content[20 : 20 + size])
    data = content[28 + size :]
    transform = _Z_UP @ _matrix(document["nodes"][0])
    pieces = [_primitive(document, data, primitive) for primitive in document["meshes"][0]["primitives"]]
    position, normal, color, feature = (np.concatenate(part) for part in zip(*pieces, strict=True))
    turned = normal @ transform[:3, :3].T
    return Decoded(
        triangles=position @ transform[:3, :3].T + transform[:3, 3],
        normals=turned / np.linalg.norm(turned, axis=-1, keepdims=True),
        colors=color.astype(np.uint8),
        features=np.rint(feature[..., 0]).astype(np.int64),
        table=_table(document, data),
        document=document,
    )


def read_tileset(path: Path) -> Iterator[Placed]:
    """All tiles with content below a tileset.json, those of the tilesets it names included."""
    yield from _walk(path.parent, json.loads(path.read_text("utf-8"))["root"], np.eye(4))


def _walk(folder: Path, tile: Mapping[str, Any], above: NDArray[np.float64]) -> Iterator[Placed]:
    transform = above @ np.array(tile.get("transform", np.eye(4).ravel())).reshape(4, 4).T
    uri = tile.get("content", {}).get("uri")
    if uri is not None:
        file = folder / unquote(uri)
        if file.suffix == ".json":
            yield from _walk(file.parent, json.loads(file.read_text("utf-8"))["root"], transform)
        else:
            box = np.array(tile["boundingVolume"]["box"], float).reshape(4, 3)
            yield Placed(file, transform, box, decode_glb(file.read_bytes()))
    for child in tile.get("children", ()):
        yield from _walk(folder, child, transform)


def _matrix(node: Mapping[str, Any]) -> NDArray[np.float64]:
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= node.get("scale", (1.0, 1.0, 1.0))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _primitive(document: Any, data: bytes, primitive: Any) -> tuple[NDArray[np.float64], ...]:
    corners = _accessor(document, data, primitive["indices"])[:, 0].astype(np.int64).reshape(-1, 3)
    names = ("POSITION", "NORMAL", "COLOR_0", "_FEATURE_ID_0")
    return tuple(_accessor(document, data, primitive["attributes"][name])[corners] for name in names)


def _accessor(document: Any, data: bytes, index: int) -> NDArray[np.float64]:
    """The values of an accessor as they are stored (n, width)."""
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind, width = np.dtype(_COMPONENT[accessor["componentType"]]), _WIDTH[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    strides = (view.get("byteStride", kind.itemsize * width), kind.itemsize)
    return np.ndarray((accessor["count"], width), kind, data, start, strides).astype(float)


def _table(document: Any, data: bytes) -> dict[str, list[Any]]:
    metadata = document["extensions"]["EXT_structural_metadata"]
    table = metadata["propertyTables"][0]
    kinds = metadata["schema"]["classes"][table["class"]]["properties"]
    return {name: _column(document, data, kinds[name], values, table["count"]) for name, values in table["properties"].items()}


def _column(document: Any, data: bytes, kind: Any, values: Any, count: int) -> list[Any]:
    content = _view(document, data, values["values"])
    if kind["type"] == "STRING":
        offsets = np.frombuffer(_view(document, data, values["stringOffsets"]), "<u4", count + 1)
        return [content[a:b].decode() for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    numbers = np.frombuffer(content, _NUMBER[kind["componentType"]], count).tolist()
    return [None if "noData" in kind and number == kind["noData"] else number for number in numbers]


def _view(document: Any, data: bytes, index: int) -> bytes:
    view = document["bufferViews"][index]
    return data[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
