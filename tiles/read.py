"""Reading built 3D Tiles back: what a viewer gets, for checking that nothing was lost on the way.

Written against glTF 2.0, EXT_meshopt_compression, EXT_mesh_gpu_instancing, EXT_mesh_features, EXT_instance_features,
EXT_structural_metadata and 3D Tiles 1.1, for what `tiles.glb` writes: triangles with indices and one property table.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from tiles.glb.meshopt import decode_attributes, decode_exponential, decode_octahedral, decode_sequence, decode_triangles

_COMPONENT = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_NUMBER = {"FLOAT32": "<f4", "INT32": "<i4", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4"}
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # glTF is y-up, 3D Tiles z-up


@dataclass(frozen=True)
class Decoded:
    """The content of one tile, z up, in the tile's own coordinates; instances are expanded."""

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
    is_finest: bool  # nothing below it takes its place


class _File:
    """The JSON of a GLB file and its buffer views, each unpacked once."""

    def __init__(self, content: bytes) -> None:
        size = struct.unpack_from("<I", content, 12)[0]
        self.document: dict[str, Any] = json.loads(content[20 : 20 + size])
        self._data = content[28 + size :]
        self.view = cache(self._view)

    def _view(self, index: int) -> bytes:
        view = self.document["bufferViews"][index]
        packed = view.get("extensions", {}).get("EXT_meshopt_compression")
        start = (packed or view).get("byteOffset", 0)
        content = self._data[start : start + (packed or view)["byteLength"]]
        return content if packed is None else _unpacked(content, packed)

    def accessor(self, index: int) -> NDArray[np.float64]:
        """The values of an accessor as they are stored (n, width)."""
        accessor = self.document["accessors"][index]
        view = self.document["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(_COMPONENT[accessor["componentType"]]), _WIDTH[accessor["type"]]
        strides = (view.get("byteStride", kind.itemsize * width), kind.itemsize)
        data = self.view(accessor["bufferView"])
        return np.ndarray((accessor["count"], width), kind, data, accessor.get("byteOffset", 0), strides).astype(float)


def decode_glb(content: bytes) -> Decoded:
    """The triangles, features and property table of a GLB file."""
    file = _File(content)
    pieces = [piece for node in file.document["nodes"] if "mesh" in node for piece in _pieces(file, node)]
    position, normal, color, feature = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return Decoded(
        triangles=position,
        normals=normal / np.linalg.norm(normal, axis=-1, keepdims=True),
        colors=color.astype(np.uint8),
        features=np.rint(feature).astype(np.int64),
        table=_table(file),
        document=file.document,
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
            yield Placed(file, transform, box, decode_glb(file.read_bytes()), not tile.get("children"))
    for child in tile.get("children", ()):
        yield from _walk(folder, child, transform)


def _unpacked(content: bytes, packed: Mapping[str, Any]) -> bytes:
    """What a view of EXT_meshopt_compression holds."""
    count, stride = packed["count"], packed["byteStride"]
    if packed["mode"] == "ATTRIBUTES":
        rows = decode_attributes(content, count, stride)
        kind = packed.get("filter", "NONE")
        if kind == "EXPONENTIAL":
            return decode_exponential(rows).astype("<f4").tobytes()
        return decode_octahedral(rows).tobytes() if kind == "OCTAHEDRAL" else rows.tobytes()
    indices = decode_triangles(content, count) if packed["mode"] == "TRIANGLES" else decode_sequence(content, count)
    return indices.astype(f"<u{stride}").tobytes()


def _pieces(file: _File, node: Mapping[str, Any]) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Positions, normals, colours and features (f, 3, …) of the corners of each primitive of a node, once for each instance."""
    matrix = _Z_UP @ _matrix(node)
    for primitive in file.document["meshes"][node["mesh"]]["primitives"]:
        corners = file.accessor(primitive["indices"])[:, 0].astype(np.int64).reshape(-1, 3)
        at = {name: file.accessor(index)[corners] for name, index in primitive["attributes"].items()}
        for placement, feature in _instances(file, node):
            whole = matrix @ placement
            ids = at["_FEATURE_ID_0"][..., 0] if feature is None else np.full(corners.shape, feature)
            yield at["POSITION"] @ whole[:3, :3].T + whole[:3, 3], at["NORMAL"] @ whole[:3, :3].T, at["COLOR_0"], ids


def _instances(file: _File, node: Mapping[str, Any]) -> Iterator[tuple[NDArray[np.float64], float | None]]:
    """The placement of each instance and its feature; a node that is shown once tells its features by its vertices."""
    instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
    if instancing is None:
        yield np.eye(4), None
        return
    moved, turned, feature = (file.accessor(instancing["attributes"][name]) for name in ("TRANSLATION", "ROTATION", "_FEATURE_ID_0"))
    for translation, rotation, row in zip(moved, turned, feature[:, 0], strict=True):
        yield _matrix({"translation": translation, "rotation": rotation}), row


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


def _table(file: _File) -> dict[str, list[Any]]:
    metadata = file.document["extensions"]["EXT_structural_metadata"]
    schema, table = metadata["schema"], metadata["propertyTables"][0]
    kinds = schema["classes"][table["class"]]["properties"]
    return {name: _column(file, kind, schema.get("enums", {}), table, name) for name, kind in kinds.items()}


def _column(file: _File, kind: Any, enums: Any, table: Any, name: str) -> list[Any]:
    """One value a row; "" and None where there is none."""
    count, values = table["count"], table["properties"].get(name)
    if values is None:
        return [kind.get("default")] * count
    content = file.view(values["values"])
    if kind["type"] == "STRING":
        width = _NUMBER[values.get("stringOffsetType", "UINT32")]
        offsets = np.frombuffer(file.view(values["stringOffsets"]), width, count + 1).tolist()
        return [content[a:b].decode() for a, b in pairwise(offsets)]
    if kind["type"] == "ENUM":
        enum = enums[kind["enumType"]]
        names = {value["value"]: "" if value["name"] == kind.get("noData") else value["name"] for value in enum["values"]}
        return [names[code] for code in np.frombuffer(content, _NUMBER[enum["valueType"]], count).tolist()]
    numbers = np.frombuffer(content, _NUMBER[kind["componentType"]], count).tolist()
    return [None if "noData" in kind and number == kind["noData"] else number for number in numbers]
