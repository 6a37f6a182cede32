"""Triangles of many features as one glTF 2.0 binary: what a 3D Tiles 1.1 tile holds.

One mesh with at most two primitives, opaque and translucent. Positions are 16-bit integers on a grid of the tile (KHR_mesh_quantization),
or floats where the grid would be coarser than MAX_STEP_M; normals are those of the facets, and corners are shared where position,
normal, feature and colour agree. `_FEATURE_ID_0` names the feature of each vertex (EXT_mesh_features) and is a row of the property
table (EXT_structural_metadata). Tiles are z-up here; the one node turns them y-up, as glTF demands.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Column = list[str] | NDArray[np.float32] | NDArray[np.int32]
Columns = Mapping[str, Column]

MAX_STEP_M = 0.005  # a coarser position grid would show on window frames and pipes
MIN_STEP_M = 1e-6  # what has no extent still needs a grid
NO_DATA = -9999.0  # stands in number columns where nothing is known
STRIDE = 4  # glTF 2.0, 3.6.2.4: vertex attributes are aligned to 4 bytes
TO_Y_UP = [-(0.5**0.5), 0.0, 0.0, 0.5**0.5]  # quaternion, a quarter turn about x: (x, y, z) -> (x, z, -y)
SCALAR_TYPES = {"f": "FLOAT32", "i": "INT32"}
BYTE, UNSIGNED_BYTE, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5123, 5125, 5126
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963


@dataclass(frozen=True)
class TileMesh:
    """The triangles of one tile, about the tile's own origin, z up."""

    triangles: NDArray[np.float64]  # (f, 3, 3) corners, counter-clockwise seen from outside [m]
    face_feature: NDArray[np.int64]  # (f,) row of the property table
    face_color: NDArray[np.uint8]  # (f, 4) RGBA


@dataclass
class _Binary:
    """The growing binary chunk and what points into it."""

    data: bytearray = field(default_factory=bytearray)
    views: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    accessors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def view(self, content: bytes, **keys: int) -> int:
        self.data += b"\0" * (-len(self.data) % 8)  # EXT_structural_metadata wants 8, all else is content with it
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(content), **keys})
        self.data += content
        return len(self.views) - 1

    def accessor(self, view: int, component: int, count: int, kind: str, **keys: Any) -> int:
        self.accessors.append({"bufferView": view, "componentType": component, "count": count, "type": kind, **keys})
        return len(self.accessors) - 1


@dataclass(frozen=True)
class _Grid:
    """Where positions are rounded to: `step_m` None means they are kept as floats."""

    low: NDArray[np.float64]  # (3,) [m]
    step_m: float | None


def encode_glb(mesh: TileMesh, columns: Columns) -> bytes:
    """The GLB file of one tile.

    Parameters
    ----------
    mesh
        At least one triangle.
    columns
        The property table: column name -> one value a feature; str, float32 or int32.
    """
    binary, grid = _Binary(), _grid(mesh.triangles)
    opaque = mesh.face_color[:, 3] == 255
    count = len(next(iter(columns.values())))
    primitives = [_primitive(binary, grid, mesh, chosen, count) for chosen in (opaque, ~opaque) if chosen.any()]
    materials = [_material(blend) for blend in (False, True) if (~opaque if blend else opaque).any()]
    for i, primitive in enumerate(primitives):
        primitive["material"] = i
    document = {
        "asset": {"version": "2.0", "generator": "parktwin"},
        "extensionsUsed": ["KHR_mesh_quantization", "EXT_mesh_features", "EXT_structural_metadata"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [_node(grid)],
        "meshes": [{"primitives": primitives}],
        "materials": materials,
        "extensions": {"EXT_structural_metadata": _metadata(binary, columns, count)},
        "accessors": binary.accessors,
        "bufferViews": binary.views,
        "buffers": [{"byteLength": len(binary.data)}],
    }
    return _container(document, binary.data)


def _grid(triangles: NDArray[np.float64]) -> _Grid:
    low, high = _bounds(triangles.reshape(-1, 3))
    step = max(float((high - low).max()) / 65535, MIN_STEP_M)
    return _Grid(low, step) if step <= MAX_STEP_M else _Grid(np.zeros(3), None)


@numba.njit(cache=True, nogil=True)
def _bounds(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest coordinates of points (n, 3): numpy's reductions along the long axis take ten times as long."""
    low, high = points[0].copy(), points[0].copy()
    for i in range(1, len(points)):
        for k in range(3):
            low[k], high[k] = min(low[k], points[i, k]), max(high[k], points[i, k])
    return low, high


def _node(grid: _Grid) -> dict[str, Any]:
    x, y, z = (float(v) for v in grid.low)
    node: dict[str, Any] = {"mesh": 0, "rotation": TO_Y_UP, "translation": [x, z, -y]}
    return node if grid.step_m is None else node | {"scale": [grid.step_m] * 3}


def _material(blend: bool) -> dict[str, Any]:
    material: dict[str, Any] = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}, "doubleSided": True}
    return material | {"alphaMode": "BLEND"} if blend else material


def _primitive(binary: _Binary, grid: _Grid, mesh: TileMesh, chosen: NDArray[np.bool_], count: int) -> dict[str, Any]:
    whole = chosen.all()  # the usual case, and then nothing need be copied
    triangles, feature = (mesh.triangles, mesh.face_feature) if whole else (mesh.triangles[chosen], mesh.face_feature[chosen])
    colors = np.ascontiguousarray(mesh.face_color if whole else mesh.face_color[chosen]).view(np.int32)[:, 0]  # (f,)
    rows = _corners(triangles, feature, colors, grid.low, grid.step_m or 0.0)
    if grid.step_m is None:
        rows[:, :3] = triangles.reshape(-1, 3).astype(np.float32).view(np.int32)
    first, index = _unique_rows(rows)
    vertices = rows[first]  # (n, 6)
    attributes = {
        "POSITION": _position_accessor(binary, vertices[:, :3], grid),
        "NORMAL": _packed(binary, vertices[:, 3], BYTE, "VEC3"),
        "COLOR_0": _packed(binary, vertices[:, 5], UNSIGNED_BYTE, "VEC4"),
        "_FEATURE_ID_0": _feature_accessor(binary, vertices[:, 4], count),
    }
    ids = {"featureCount": count, "attribute": 0, "propertyTable": 0}
    return {
        "attributes": attributes,
        "indices": _index_accessor(binary, index, len(vertices)),
        "extensions": {"EXT_mesh_features": {"featureIds": [ids]}},
    }


@numba.njit(cache=True, nogil=True)
def _corners(
    triangles: NDArray[np.float64], feature: NDArray[np.int64], colors: NDArray[np.int32], low: NDArray[np.float64], step: float
) -> NDArray[np.int32]:
    """What makes a corner the same vertex as another (3f, 6): position in steps of the grid, facet normal, feature, colour.

    The normal is three signed bytes of 127ths, packed; triangles without area point up. Without a grid, positions are left to the caller.
    """
    rows = np.zeros((3 * len(triangles), 6), np.int32)
    normal = np.empty(3)
    for f in range(len(triangles)):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            normal[k] = (b[i] - a[i]) * (c[j] - a[j]) - (b[j] - a[j]) * (c[i] - a[i])
        length = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
        packed = 127 << 16
        if length > 0.0:
            packed = 0
            for k in range(3):
                packed |= (int(np.rint(normal[k] / length * 127.0)) & 255) << (8 * k)
        for corner in range(3):
            row = rows[3 * f + corner]
            if step > 0.0:
                for k in range(3):
                    row[k] = int(np.rint((triangles[f, corner, k] - low[k]) / step))
            row[3], row[4], row[5] = packed, feature[f], colors[f]
    return rows


@numba.njit(cache=True, nogil=True)
def _unique_rows(rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Where each different row of (n, 6) first occurs, in that order, and the number of each row's like."""
    n = len(rows)
    size = 16
    while size < 2 * n:
        size *= 2
    table = np.full(size, -1, np.int64)  # open addressing: slot -> number of the different row
    first = np.empty(n, np.int64)
    index = np.empty(n, np.uint32)
    found = 0
    for i in range(n):
        key = np.uint64(14695981039346656037)  # FNV-1a over 32-bit words
        for k in range(6):
            key = (key ^ np.uint64(np.uint32(rows[i, k]))) * np.uint64(1099511628211)
        slot = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(size - 1))
        while True:
            known = table[slot]
            if known < 0:
                table[slot] = found
                first[found] = i
                index[i] = found
                found += 1
                break
            same = True
            for k in range(6):
                if rows[first[known], k] != rows[i, k]:
                    same = False
                    break
            if same:
                index[i] = known
                break
            slot = (slot + 1) & (size - 1)
    return first[:found], index


def _position_accessor(binary: _Binary, words: NDArray[np.int32], grid: _Grid) -> int:
    if grid.step_m is None:
        floats = np.ascontiguousarray(words).view(np.float32)
        view = binary.view(floats.tobytes(), byteStride=12, target=ARRAY_BUFFER)
        bounds = {"min": floats.min(axis=0).tolist(), "max": floats.max(axis=0).tolist()}
        return binary.accessor(view, FLOAT, len(words), "VEC3", **bounds)
    padded = np.zeros((len(words), 4), np.uint16)
    padded[:, :3] = words
    view = binary.view(padded.tobytes(), byteStride=8, target=ARRAY_BUFFER)
    return binary.accessor(view, UNSIGNED_SHORT, len(words), "VEC3", min=words.min(axis=0).tolist(), max=words.max(axis=0).tolist())


def _packed(binary: _Binary, words: NDArray[np.int32], component: int, kind: str) -> int:
    view = binary.view(np.ascontiguousarray(words).tobytes(), byteStride=STRIDE, target=ARRAY_BUFFER)
    return binary.accessor(view, component, len(words), kind, normalized=True)


def _feature_accessor(binary: _Binary, features: NDArray[np.int32], count: int) -> int:
    small = count <= 65536
    content = features.astype("<u4" if small else "<f4").tobytes()  # a little-endian u4 is a u2 and two bytes of padding
    view = binary.view(content, byteStride=STRIDE, target=ARRAY_BUFFER)
    return binary.accessor(view, UNSIGNED_SHORT if small else FLOAT, len(features), "SCALAR")


def _index_accessor(binary: _Binary, index: NDArray[np.uint32], vertices: int) -> int:
    small = vertices < 65535  # the largest number of a type is reserved (glTF 2.0, 3.7.2.1)
    view = binary.view(index.astype("<u2" if small else "<u4").tobytes(), target=ELEMENT_ARRAY_BUFFER)
    return binary.accessor(view, UNSIGNED_SHORT if small else UNSIGNED_INT, len(index), "SCALAR")


def _metadata(binary: _Binary, columns: Columns, count: int) -> dict[str, Any]:
    """The one property table and its schema."""
    kinds: dict[str, dict[str, Any]] = {}
    values: dict[str, dict[str, Any]] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            kinds[name] = {"type": "SCALAR", "componentType": SCALAR_TYPES[column.dtype.kind]}
            if np.isnan(column).any():
                kinds[name] |= {"required": False, "noData": NO_DATA}
            known = np.where(np.isnan(column), NO_DATA, column)
            values[name] = {"values": binary.view(known.astype(f"<{column.dtype.kind}4").tobytes())}
        else:
            kinds[name] = {"type": "STRING"}
            values[name] = _strings(binary, column)
    schema = {"id": "park", "classes": {"feature": {"properties": kinds}}}
    return {"schema": schema, "propertyTables": [{"class": "feature", "count": count, "properties": values}]}


def _strings(binary: _Binary, column: Sequence[str]) -> dict[str, Any]:
    encoded = [text.encode("utf-8", "replace") for text in column]
    offsets = np.zeros(len(encoded) + 1, "<u4")
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    content = b"".join(encoded) or b"\0"  # a view holds one byte at least
    return {"values": binary.view(content), "stringOffsets": binary.view(offsets.tobytes())}


def _container(document: dict[str, Any], data: bytearray) -> bytes:
    data += b"\0" * (-len(data) % 8)
    document["buffers"][0]["byteLength"] = len(data)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(28 + len(text)) % 8)  # the binary chunk's content starts on 8 bytes: header 12, chunk headers 8 each
    total = 12 + 8 + len(text) + 8 + len(data)
    header = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return header + text + struct.pack("<I4s", len(data), b"BIN\0") + bytes(data)
