"""Upright prisms over footprints: what a building is where only its outline and height are known.

A footprint is triangulated once; the triangles are its roof and, turned over, its floor. Walls stand on the edges that only one
triangle has, so every prism is closed by construction, whatever the triangulation did with collinear points:

        roof      +-------+      counter-clockwise seen from above
                  |\\      |
        wall      | \\  ...|      one rectangle an outer edge, a hole's edges too
                  +-------+      floor: the roof's triangles, turned over
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

GRID_M = 1e-4  # footprints no triangulation copes with are snapped to this grid and tried once more


@dataclass(frozen=True)
class Prisms:
    """The closed surfaces of n footprints, normals outward; a footprint without area or height has no faces."""

    vertices: NDArray[np.float64]  # (v, 3) [m, enu]
    faces: NDArray[np.int64]  # (f, 3)
    face_owner: NDArray[np.int64]  # (f,) index of the footprint, ascending


@dataclass(frozen=True)
class _Roofs:
    """Triangles of all footprints in the plane, counter-clockwise, each polygon with vertices of its own."""

    points: NDArray[np.float64]  # (p, 2) [m, enu]
    triangles: NDArray[np.int64]  # (t, 3)
    owner: NDArray[np.int64]  # (t,)


def prism(footprint_enu: Any, z0: float, z1: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (v, 3) [m, enu] and faces (f, 3), normals outward, of the closed body over one footprint.

    Parameters
    ----------
    footprint_enu
        Shapely polygon or multipolygon; holes stay open, invalid rings are mended. [m, enu]
    z0, z1
        Height of floor and roof. [m, enu]
    """
    body = prisms([footprint_enu], [z0], [z1])
    return body.vertices, body.faces


def prisms(footprints_enu: ArrayLike, z0: ArrayLike, z1: ArrayLike) -> Prisms:
    """The closed bodies over many footprints at once.

    Parameters
    ----------
    footprints_enu
        Shapely polygons or multipolygons (n,); other geometry and None give no faces. [m, enu]
    z0, z1
        Height of floor and roof (n,). [m, enu]
    """
    low, high = np.asarray(z0, float), np.asarray(z1, float)  # (n,)
    parts, owner = _polygons(np.asarray(footprints_enu, object))
    tall = high[owner] > low[owner]  # False for NaN, too
    roofs = _roofs(parts[tall], owner[tall])
    if not len(roofs.triangles):
        return Prisms(np.empty((0, 3)), np.empty((0, 3), np.int64), np.empty(0, np.int64))
    return _extrude(_split_pinches(roofs), low, high)


def _extrude(roofs: _Roofs, low: NDArray[np.float64], high: NDArray[np.float64]) -> Prisms:
    n = len(roofs.points)
    owner_of_point = np.empty(n, np.int64)
    owner_of_point[roofs.triangles] = roofs.owner[:, None]
    vertices = np.vstack(
        [
            np.column_stack([roofs.points, low[owner_of_point]]),
            np.column_stack([roofs.points, high[owner_of_point]]),
        ]
    )  # (2p, 3): floor first, roof after
    a, b, triangle = _outer_edges(roofs.triangles)
    walls = np.vstack([np.column_stack([a, b, b + n]), np.column_stack([a, b + n, a + n])])
    faces = np.vstack([roofs.triangles + n, walls, roofs.triangles[:, ::-1]])
    wall_owner = roofs.owner[triangle]
    owner = np.concatenate([roofs.owner, wall_owner, wall_owner, roofs.owner])
    order = np.argsort(owner, kind="stable")
    return Prisms(vertices, faces[order], owner[order])


def _polygons(footprints: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The valid polygons with area in the footprints, and whose they are."""
    flat = shapely.force_2d(footprints)
    flat = np.where(shapely.is_valid(flat), flat, _mended(flat))
    parts, owner = shapely.get_parts(flat, return_index=True)
    nested = shapely.get_type_id(parts) >= 4  # mending may give a collection that holds multipolygons
    if nested.any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    keep = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0)
    return shapely.remove_repeated_points(parts[keep]), owner[keep].astype(np.int64)


def _mended(footprints: NDArray[np.object_]) -> NDArray[np.object_]:
    broken = ~shapely.is_valid(footprints) & ~shapely.is_missing(footprints)
    out = footprints.copy()
    out[broken] = shapely.make_valid(footprints[broken], method="structure", keep_collapsed=False)
    return out


def _roofs(polygons: NDArray[np.object_], owner: NDArray[np.int64]) -> _Roofs:
    triangles, part = _triangulated(polygons)
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]  # (t, 3, 2), rings closed
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    turn = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]  # (t,) twice the area
    if turn.sum() < 0:  # GEOS turns all triangles one way; the sign of a single sliver is noise
        corners = corners[:, ::-1]
    x, y, whose = corners[..., 0].ravel(), corners[..., 1].ravel(), np.repeat(part, 3)
    order = np.lexsort([y, x, whose])
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(x[order]) != 0) | (np.diff(y[order]) != 0) | (np.diff(whose[order]) != 0)
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(fresh) - 1
    points = np.column_stack([x, y])[order[fresh]]
    return _Roofs(points, index.reshape(-1, 3), owner[part])


def _triangulated(polygons: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Triangles of the polygons and the polygon each belongs to."""
    try:
        collections = shapely.constrained_delaunay_triangles(polygons)
    except shapely.errors.GEOSException:  # one polygon spoils the call: find it
        collections = np.array([_triangulated_alone(polygon) for polygon in polygons], object)
    wrong = ~np.isclose(shapely.area(collections), shapely.area(polygons), rtol=1e-6)
    if wrong.any():
        collections[wrong] = [_triangulated_on_grid(polygon) for polygon in polygons[wrong]]
    triangles, part = shapely.get_parts(collections, return_index=True)
    return triangles, part.astype(np.int64)


def _triangulated_alone(polygon: Any) -> Any:
    try:
        return shapely.constrained_delaunay_triangles(polygon)
    except shapely.errors.GEOSException:
        return shapely.GeometryCollection()


def _triangulated_on_grid(polygon: Any) -> Any:
    parts = shapely.get_parts(shapely.set_precision(polygon, GRID_M))
    return shapely.GeometryCollection([t for part in parts for t in shapely.get_parts(_triangulated_alone(part))])


def _outer_edges(triangles: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Start, end and triangle of the directed edges that have no opposite: the footprint lies to their left."""
    start = triangles.ravel()
    end = np.roll(triangles, -1, axis=1).ravel()
    n = int(start.max()) + 1
    outer = ~np.isin(start * n + end, end * n + start)
    return start[outer], end[outer], np.repeat(np.arange(len(triangles)), 3)[outer]


def _split_pinches(roofs: _Roofs) -> _Roofs:
    """The same roofs with points where rings touch doubled, so that no wall edge has more than two faces."""
    start, _, _ = _outer_edges(roofs.triangles)
    pinched = np.flatnonzero(np.bincount(start, minlength=len(roofs.points)) > 1)
    points, triangles = [roofs.points], roofs.triangles.copy()
    n = len(roofs.points)
    for point in pinched:
        touching = np.flatnonzero((roofs.triangles == point).any(axis=1))
        for fan in _fans(roofs.triangles[touching], int(point))[1:]:
            rows = touching[fan]
            triangles[rows] = np.where(roofs.triangles[rows] == point, n, triangles[rows])
            points.append(roofs.points[point : point + 1])
            n += 1
    return _Roofs(np.vstack(points), triangles, roofs.owner)


def _fans(triangles: NDArray[np.int64], point: int) -> list[list[int]]:
    """Groups of the triangles round `point` that hang together by edges."""
    spokes = [set(triangle) - {point} for triangle in triangles.tolist()]
    left, fans = set(range(len(spokes))), list[list[int]]()
    while left:
        fan, reach = [left.pop()], list[int]()
        reach.extend(spokes[fan[0]])
        while reach:
            spoke = reach.pop()
            found = [i for i in left if spoke in spokes[i]]
            left.difference_update(found)
            fan.extend(found)
            reach.extend(other for i in found for other in spokes[i] - {spoke})
        fans.append(fan)
    return fans
