"""The share of glass in each facade of a building, from its model: windows and curtain walls along the edges of its footprint.

A body counts by the rectangle it fills on the facade's plane, so that frames belong to their windows and panes one behind the other
count once. Edges that look the same way are one facade. A building without any window in its model is one nothing is known of.

              edge of the footprint, seen from outside
        |  [===]   [===]   [===]  |   glazed = rectangles of windows and of glass
        |  [===]   [===]   [===]  |   share = glazed / (length of the edges x height of the walls on them)
        +-------------------------+
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.coverage.facade import House
from twin.coverage.materials import material_of
from twin.scene import Obstacles

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

GLAZED, OPAQUE = ("window", "glass"), ("wall",)
NEAR_M = 1.2  # a body this near to an edge, and parallel to it, is part of that facade
PARALLEL = 0.95  # cosine between normals of faces and edges that belong together
SIDE_DEG = 15.0  # edges that look the same way but for this are one facade
COATED_WORDS = ("low-e", "lowe", "low e", "coated", "reflect", "solar", "irr", "镀膜", "热反射")
# what a wall's material is in table 7.4.3-1 of TR 38.901
SURFACE_OF = {"concrete": "concrete", "brick": "concrete", "marble": "concrete", "wood": "wood", "plywood": "wood", "chipboard": "wood"}


@dataclass(frozen=True)
class _Faces:
    """Upright faces of some kinds of bodies: their middle, normal, corners and object."""

    middle: FloatArray  # (f, 3) [m, enu]
    normal: FloatArray  # (f, 2) unit, in plan
    corners: FloatArray  # (f, 3, 3) [m, enu]
    object: IntArray  # (f,)


def glazed(houses: Sequence[House | None], obstacles: Obstacles, modelled: set[str]) -> list[House | None]:
    """The same buildings, those in `modelled` with what their models say of their facades."""
    if not modelled or not len(obstacles):
        return list(houses)
    glass, wall = _faces(obstacles, GLAZED), _faces(obstacles, OPAQUE)
    known: dict[str, House] = {}
    for house in houses:
        if house is not None and house.id in modelled and house.id not in known:
            known[house.id] = _glazed(house, glass, wall, obstacles)
    return [None if house is None else known.get(house.id, house) for house in houses]


def _faces(obstacles: Obstacles, kinds: Sequence[str]) -> _Faces:
    chosen = np.isin(np.array(obstacles.object_kind, object), kinds)[obstacles.face_object]
    corners = obstacles.vertices[obstacles.faces[chosen].astype(np.int64)].reshape(-1, 3, 3)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal, axis=1)
    flat = np.linalg.norm(normal[:, :2], axis=1)
    upright = (size > 0) & (flat > PARALLEL * size)
    plan = normal[upright, :2] / flat[upright, None]
    return _Faces(corners[upright].mean(axis=1), plan, corners[upright], obstacles.face_object[chosen][upright].astype(np.int64))


def _glazed(house: House, glass: _Faces, wall: _Faces, obstacles: Obstacles) -> House:
    way = house.edges[:, 2:] - house.edges[:, :2]
    length = np.linalg.norm(way, axis=1)
    along = way / np.maximum(length, 1e-9)[:, None]
    windows, walls = _on_edges(house, along, length, glass), _on_edges(house, along, length, wall)
    if not (windows[1] >= 0).any():
        return house
    side = _sides(along, length)
    panes, rest = _rectangles(house, along, *windows, glass), _heights(house, *walls, wall)
    share = np.full(len(length), np.nan)
    for number in range(int(side.max()) + 1):
        edges = side == number
        area = float((length[edges] * rest[edges]).sum())
        if area > 0:
            share[edges] = min(float(panes[edges].sum()) / area, 1.0)
    names = [str(layer.get("name", "")).lower() for k in np.unique(glass.object[windows[0]]) for layer in obstacles.object_materials[k]]
    coated = True if any(word in name for name in names for word in COATED_WORDS) else None
    return replace(house, glazing=share, coated=coated, opaque=_opaque(obstacles, wall.object[walls[0]]))


def _on_edges(house: House, along: FloatArray, length: FloatArray, faces: _Faces) -> tuple[IntArray, IntArray]:
    """Faces on a building's facades, and the edge each is on."""
    low, high = house.edges.reshape(-1, 2).min(axis=0) - NEAR_M, house.edges.reshape(-1, 2).max(axis=0) + NEAR_M
    z = faces.middle[:, 2]
    here = ((faces.middle[:, :2] >= low) & (faces.middle[:, :2] <= high)).all(axis=1) & (z > house.base_z - 1.0) & (z < house.top_z + 1.0)
    chosen = np.flatnonzero(here)
    best, edge = np.full(len(chosen), NEAR_M), np.full(len(chosen), -1, np.int64)
    for k in range(len(length)):
        offset = faces.middle[chosen, :2] - house.edges[k, :2]
        place = offset @ along[k]
        off = np.abs(offset[:, 0] * along[k, 1] - offset[:, 1] * along[k, 0])
        parallel = np.abs(faces.normal[chosen] @ along[k]) < np.sqrt(1.0 - PARALLEL**2)
        closer = parallel & (place > -NEAR_M) & (place < length[k] + NEAR_M) & (off < best)
        best[closer], edge[closer] = off[closer], k
    on = edge >= 0
    return chosen[on], edge[on]


def _sides(along: FloatArray, length: FloatArray) -> IntArray:
    """A number for each edge (e,): the same for those that look the same way."""
    main = along[int(length.argmax())]
    turn = np.degrees(np.arctan2(along[:, 1], along[:, 0]) - np.arctan2(main[1], main[0])) % 360.0
    _, number = np.unique(np.round(turn / (2 * SIDE_DEG)).astype(int) % round(180.0 / SIDE_DEG), return_inverse=True)
    return np.asarray(number.ravel(), np.int64)


def _rectangles(house: House, along: FloatArray, chosen: IntArray, edge: IntArray, faces: _Faces) -> FloatArray:
    """The area of glazing on each edge (e,): the rectangle that each body fills there. [m2]"""
    area = np.zeros(len(along))
    order = np.lexsort((faces.object[chosen], edge))
    keys = np.column_stack([edge, faces.object[chosen]])[order]
    for group in np.split(order, np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1):
        k = int(edge[group[0]])
        corners = faces.corners[chosen[group]].reshape(-1, 3)
        area[k] += np.ptp((corners[:, :2] - house.edges[k, :2]) @ along[k]) * np.ptp(corners[:, 2])
    return area


def _heights(house: House, chosen: IntArray, edge: IntArray, faces: _Faces) -> FloatArray:
    """How high the walls on each edge stand (e,), the whole building where it has none. [m]"""
    height = np.full(len(house.edges), house.top_z - house.base_z)
    for k in np.unique(edge):
        height[k] = np.ptp(faces.corners[chosen[edge == k], :, 2])
    return height


def _opaque(obstacles: Obstacles, objects: IntArray) -> str | None:
    """What most of the walls are made of, as a surface of the facade tables; None where their materials do not say."""
    found: dict[str, int] = {}
    for k, count in zip(*np.unique(objects, return_counts=True), strict=True):
        names = [material_of(str(layer.get("name", ""))) for layer in obstacles.object_materials[int(k)]]
        surface = next((SURFACE_OF[name] for name in names if name in SURFACE_OF), None)
        if surface:
            found[surface] = found.get(surface, 0) + int(count)
    return max(found, key=lambda name: found[name]) if found else None
