"""Triangles of many features as one glTF 2.0 binary: what a 3D Tiles 1.1 tile holds.

One mesh with at most two primitives, opaque and translucent, and one such mesh more for each shape that is repeated
(EXT_mesh_gpu_instancing). Positions lie on a grid of 2**POSITION_EXPONENT metres whose axes follow the walls, so nowhere is one off by
more than 1 mm; normals are those of the facets, and corners are shared where position, normal, feature and colour agree. All geometry
is packed by EXT_meshopt_compression, in the same few views for all meshes, as a view takes more room than a small mesh: positions as
floats under its filter EXPONENTIAL, which packs within 2 % of 16-bit integers but has no limit of extent, normals under OCTAHEDRAL.
`_FEATURE_ID_0` names the feature of each vertex (EXT_mesh_features) or instance (EXT_instance_features) and is a row of the property
table (EXT_structural_metadata). Tiles are z-up here; the nodes turn them y-up, as glTF demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tiles.glb.binary import BYTE, FLOAT, MATERIAL, TO_Y_UP, UNSIGNED_BYTE, UNSIGNED_INT, UNSIGNED_SHORT, Binary
from tiles.glb.meshopt import MAX_EXPONENTIAL, encode_exponential
from tiles.glb.table import Column, Columns, metadata
from tiles.glb.vertices import COLOR, FEATURE, NORMAL, Grid, Vertices, bounds, direction, lowest_and_highest, vertices

__all__ = ["POSITION_EXPONENT", "REPEAT_EXPONENT", "Column", "Columns", "Repeat", "TileMesh", "encode_glb"]

POSITION_EXPONENT = -10  # half a step along each of three axes is 0.85 mm together
REPEAT_EXPONENT = -11  # leaves room for what instances differ from their shape
_MOST_SHORT = 1 << 16  # numbers that two bytes hold
_POSITIONS, _NORMALS, _MARKS, _CORNERS = range(4)  # the views that all meshes share; a mark is a colour and a feature
_STRIDES = (12, 4, 8)  # of the first three [bytes]
_INSTANCE = np.dtype([("translation", "<f4", 3), ("rotation", "<f4", 4), ("feature", "<u4")])


@dataclass(frozen=True)
class TileMesh:
    """The triangles of one tile, about the tile's own origin, z up; may be none where there are repeats."""

    triangles: NDArray[np.float64]  # (f, 3, 3) corners, counter-clockwise seen from outside [m]
    face_feature: NDArray[np.int64]  # (f,) row of the property table
    face_color: NDArray[np.uint8]  # (f, 4) RGBA


@dataclass(frozen=True)
class Repeat:
    """A shape that occurs more than once, each time a feature of its own, turned and moved but never mirrored or scaled."""

    triangles: NDArray[np.float64]  # (f, 3, 3) corners about the shape's own origin, counter-clockwise seen from outside [m]
    face_color: NDArray[np.uint8]  # (f, 4) RGBA
    placements: NDArray[np.float64]  # (n, 4, 4) from the shape's coordinates to the tile's
    features: NDArray[np.int64]  # (n,) row of the property table


@dataclass(frozen=True)
class _Shape:
    """One mesh of the file: its opaque triangles and its translucent ones, as far as there are any."""

    grid: Grid
    parts: list[tuple[bool, Vertices]]  # whether it is translucent, and what it is made of


def encode_glb(mesh: TileMesh, columns: Columns, repeats: Sequence[Repeat] = (), exponent: int = POSITION_EXPONENT) -> bytes:
    """The GLB file of one tile: the same bytes for the same input, triangles and corners in an order of its own.

    Parameters
    ----------
    mesh
        The triangles that occur once.
    columns
        The property table: column name -> one value a feature; str, float32 or int32. The first column tells features apart.
    repeats
        Shapes that occur more than once. There must be a triangle in `mesh` or here.
    exponent
        Positions of `mesh` are rounded to whole steps of 2**exponent metres.
    """
    binary, count = Binary(), len(next(iter(columns.values())))
    shapes = [_shape(mesh, _grid(mesh.triangles, exponent))] if len(mesh.triangles) else []
    shapes += [_shape(_once(repeat), Grid(np.zeros(3), REPEAT_EXPONENT)) for repeat in repeats]
    is_short = _add_geometry(binary, shapes, count)
    nodes = [_node(shapes[0].grid)] if len(mesh.triangles) else []
    nodes += _repeated_nodes(binary, repeats, count, first=len(nodes))
    materials = sorted({is_translucent for shape in shapes for is_translucent, _ in shape.parts})
    used = [*(["EXT_mesh_features"] if len(mesh.triangles) else []), *(["EXT_instance_features"] if repeats else [])]
    document = {
        "extensionsUsed": [*used, "EXT_structural_metadata"],
        "extensionsRequired": ["EXT_mesh_gpu_instancing"] if repeats else [],
        "nodes": nodes,
        "meshes": _meshes(binary, shapes, materials, _Numbers(count, is_short, has_once=len(mesh.triangles) > 0)),
        "materials": [_material(is_translucent) for is_translucent in materials],
        "extensions": {"EXT_structural_metadata": metadata(binary, columns)},
    }
    return binary.glb(document)


def _grid(triangles: NDArray[np.float64], exponent: int) -> Grid:
    """The position grid of a tile: from its lowest corner or, where numbers would get too large, its middle; coarser beyond 16 km."""
    turn = direction(triangles)
    low, high = bounds(triangles, turn)
    steps = float((high - low).max()) * 2.0**-exponent
    if steps < MAX_EXPONENTIAL:
        return Grid(low, exponent, turn)
    coarser = max(0, int(np.ceil(np.log2(steps / (2 * MAX_EXPONENTIAL)))))
    return Grid((low + high) / 2, exponent + coarser, turn)


def _once(repeat: Repeat) -> TileMesh:
    """A repeated shape as a mesh; its features are those of its places."""
    return TileMesh(repeat.triangles, np.zeros(len(repeat.triangles), np.int64), repeat.face_color)


def _shape(mesh: TileMesh, grid: Grid) -> _Shape:
    opaque = mesh.face_color[:, 3] == 255
    chosen = ((False, np.flatnonzero(opaque)), (True, np.flatnonzero(~opaque)))
    made = [(kind, vertices(mesh.triangles, mesh.face_feature, mesh.face_color, grid, faces)) for kind, faces in chosen if len(faces)]
    return _Shape(grid, made)


def _add_geometry(binary: Binary, shapes: Sequence[_Shape], count: int) -> bool:
    """The first four views, with all vertices and all corners; whether two bytes are enough for the number of a corner."""
    parts = [(shape.grid, made) for shape in shapes for _, made in shape.parts]
    positions = [encode_exponential(made.rows[:, :3], grid.exponent) for grid, made in parts]
    rows = np.concatenate([made.rows for _, made in parts])
    binary.rows(np.concatenate(positions), filtered="EXPONENTIAL")
    binary.rows(_bytes(rows[:, NORMAL]), filtered="OCTAHEDRAL")
    binary.rows(np.concatenate([_bytes(rows[:, COLOR]), _bytes(_feature_words(rows[:, FEATURE], count))], axis=1))
    is_short = max(len(made.rows) for _, made in parts) < _MOST_SHORT  # the largest number of a type is reserved (glTF 2.0, 3.7.2.1)
    binary.triangles(np.concatenate([made.index for _, made in parts]), is_short=is_short)
    return is_short


@dataclass(frozen=True)
class _Numbers:
    """How wide numbers are told."""

    count: int  # of features
    is_short: bool  # corners
    has_once: bool  # the first mesh tells features by its vertices


def _meshes(binary: Binary, shapes: Sequence[_Shape], materials: Sequence[bool], numbers: _Numbers) -> list[dict[str, Any]]:
    """The meshes of the document, each part with accessors of its own into the views that all share."""
    meshes: list[dict[str, Any]] = []
    row = corner = 0
    for k, shape in enumerate(shapes):
        primitives: list[dict[str, Any]] = []
        for is_translucent, made in shape.parts:
            primitive = _primitive(binary, made, shape.grid, row, numbers if k == 0 and numbers.has_once else None)
            component, size = (UNSIGNED_SHORT, 2) if numbers.is_short else (UNSIGNED_INT, 4)
            primitive["indices"] = binary.accessor(_CORNERS, component, len(made.index), "SCALAR", **_offset(corner * size))
            primitives.append(primitive | {"material": materials.index(is_translucent)})
            row, corner = row + len(made.rows), corner + len(made.index)
        meshes.append({"primitives": primitives})
    return meshes


def _primitive(binary: Binary, made: Vertices, grid: Grid, row: int, numbers: _Numbers | None) -> dict[str, Any]:
    """The attributes of a part whose vertices start at `row`; it tells features where `numbers` says how."""
    n = len(made.rows)
    starts = [row * stride for stride in _STRIDES]
    low, high = ((steps * 2.0**grid.exponent).tolist() for steps in lowest_and_highest(made.rows))
    attributes = {
        "POSITION": binary.accessor(_POSITIONS, FLOAT, n, "VEC3", min=low, max=high, **_offset(starts[_POSITIONS])),
        "NORMAL": binary.accessor(_NORMALS, BYTE, n, "VEC3", normalized=True, **_offset(starts[_NORMALS])),
        "COLOR_0": binary.accessor(_MARKS, UNSIGNED_BYTE, n, "VEC4", normalized=True, **_offset(starts[_MARKS])),
    }
    if numbers is None:
        return {"attributes": attributes}
    component = _feature_component(numbers.count)
    attributes["_FEATURE_ID_0"] = binary.accessor(_MARKS, component, n, "SCALAR", byteOffset=starts[_MARKS] + 4)
    return {"attributes": attributes, "extensions": {"EXT_mesh_features": {"featureIds": [_feature_ids(numbers.count)]}}}


def _offset(start: int) -> dict[str, int]:
    return {"byteOffset": start} if start else {}


def _material(is_translucent: bool) -> dict[str, Any]:
    return MATERIAL | {"doubleSided": True} | ({"alphaMode": "BLEND"} if is_translucent else {})


def _node(grid: Grid) -> dict[str, Any]:
    """Where the grid counts from, and how its axes are turned to glTF's."""
    x, y, z = Rotation.from_rotvec([0.0, 0.0, grid.turn]).apply(grid.origin).tolist()
    rotation = (Rotation.from_quat(TO_Y_UP) * Rotation.from_rotvec([0.0, 0.0, grid.turn])).as_quat().tolist()
    return {"mesh": 0, "rotation": rotation, "translation": [x, z, -y]}


def _feature_ids(count: int) -> dict[str, int]:
    return {"featureCount": count, "attribute": 0, "propertyTable": 0}


def _feature_component(count: int) -> int:
    return UNSIGNED_SHORT if count <= _MOST_SHORT else FLOAT


def _feature_words(features: NDArray[np.integer[Any]], count: int) -> NDArray[np.int32]:
    """Four bytes each: a little-endian u4 is a u2 and two bytes of padding."""
    return features.astype("<i4") if count <= _MOST_SHORT else features.astype("<f4").view("<i4")


def _bytes(words: NDArray[np.int32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(words, "<i4").view(np.uint8).reshape(len(words), -1)


def _repeated_nodes(binary: Binary, repeats: Sequence[Repeat], count: int, *, first: int) -> list[dict[str, Any]]:
    """A node for each repeated shape, whose meshes are numbered from `first`; the places of all share one view."""
    if not repeats:
        return []
    rows = _places(repeats, count)
    view = binary.rows(rows.view(np.uint8).reshape(len(rows), -1), target=None)
    nodes: list[dict[str, Any]] = []
    offset = 0
    for k, repeat in enumerate(repeats):
        n = len(repeat.features)
        attributes = {
            "TRANSLATION": binary.accessor(view, FLOAT, n, "VEC3", **_offset(offset)),
            "ROTATION": binary.accessor(view, FLOAT, n, "VEC4", byteOffset=offset + 12),
            "_FEATURE_ID_0": binary.accessor(view, _feature_component(count), n, "SCALAR", byteOffset=offset + 28),
        }
        extensions = {
            "EXT_mesh_gpu_instancing": {"attributes": attributes},
            "EXT_instance_features": {"featureIds": [_feature_ids(count)]},
        }
        nodes.append({"mesh": first + k, "rotation": list(TO_Y_UP), "extensions": extensions})
        offset += n * _INSTANCE.itemsize
    return nodes


def _places(repeats: Sequence[Repeat], count: int) -> NDArray[Any]:
    """All instances one after another."""
    placements = np.concatenate([repeat.placements for repeat in repeats])
    rows = np.zeros(len(placements), _INSTANCE)
    rows["translation"] = placements[:, :3, 3]
    rows["rotation"] = Rotation.from_matrix(placements[:, :3, :3]).as_quat(canonical=True)
    rows["feature"] = _feature_words(np.concatenate([repeat.features for repeat in repeats]), count).view("<u4")
    return rows
