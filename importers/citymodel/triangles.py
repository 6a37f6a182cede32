"""Plane surfaces with holes as triangles: cleaned, laid into their best plane, cut by ears.

The best plane has Newell's normal (the area vector of the outer ring), which points outward where the ring runs counter-clockwise seen
from outside, as ISO 19107 asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import mapbox_earcut
import numpy as np
import shapely
from numpy.typing import NDArray

from importers.citymodel.city import Ring, Surface

Points = NDArray[np.float64]
Ints = NDArray[np.int64]
SAME_M = 1e-4  # points nearer than this are one
LEAST_AREA_M2 = 1e-6
_AREA_TOLERANCE = 1e-3  # share of a surface by which its triangles may differ before its ring is held to cross itself
_ONE = 3


@dataclass(frozen=True)
class Cut:
    """The triangles of s surfaces, and what was wrong with those."""

    corners: Points  # (t, 3, 3) [m, enu]
    surface: NDArray[np.int64]  # (t,) ascending
    deviation: Points  # (s,) largest distance of a point from the best plane [m]; NaN for a surface without area
    crossed: NDArray[np.bool_]  # (s,) whether a ring crosses itself

    def areas(self) -> Points:
        """Area of each surface (s,). [m²]"""
        cross = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        total = np.bincount(self.surface, weights=np.linalg.norm(cross, axis=1) / 2, minlength=len(self.deviation))
        return total.astype(np.float64)


def cut(surfaces: Sequence[Surface]) -> Cut:
    """The triangles of the surfaces, each wound as the outer ring of its surface."""
    deviation = np.full(len(surfaces), np.nan)
    crossed = np.zeros(len(surfaces), np.bool_)
    parts: list[Points] = [np.empty((0, 3, 3))]
    owner: list[Ints] = [np.empty(0, np.int64)]
    for size, bulk in ((3, _triangles), (4, _quadrangles)):
        members = [k for k, each in enumerate(surfaces) if len(each.rings) == 1 and len(each.rings[0]) == size]
        if members:
            which = np.array(members)
            corners, of, away = bulk(np.stack([surfaces[k].rings[0][:, :3] for k in members]))
            parts.append(corners)
            owner.append(which[of])
            deviation[which] = away
    done = {k for some in owner for k in some.tolist()}
    slow = [k for k, each in enumerate(surfaces) if k not in done and len(each.rings) and len(each.rings[0]) > 3]
    for k in slow:
        corners, deviation[k], crossed[k] = _cut_one(surfaces[k])
        parts.append(corners)
        owner.append(np.full(len(corners), k))
    of = np.concatenate(owner)
    order = np.argsort(of, kind="stable")
    return Cut(np.concatenate(parts)[order], of[order], deviation, crossed)


def _triangles(rings: Points) -> tuple[Points, Ints, Points]:
    """Rings (n, 3, 3) that are triangles: those with an area (t, 3, 3), which they are (t,), and their deviation, NaN without area (n,)."""
    cross = np.cross(rings[:, 1] - rings[:, 0], rings[:, 2] - rings[:, 0])
    good = np.linalg.norm(cross, axis=1) / 2 > _least(rings)
    return rings[good], np.flatnonzero(good), np.where(good, 0.0, np.nan)


def _quadrangles(rings: Points) -> tuple[Points, Ints, Points]:
    """Rings (n, 4, 3) that are convex in their best plane, cut by the shorter diagonal; others are left for later."""
    p, q = rings[:, 2] - rings[:, 0], rings[:, 3] - rings[:, 1]
    area = np.cross(p, q) / 2
    size = np.linalg.norm(area, axis=1)
    normal = area / np.where(size > 0, size, 1.0)[:, None]
    edge = np.roll(rings, -1, axis=1) - rings
    bend = np.einsum("nij,nj->ni", np.cross(edge, np.roll(edge, -1, axis=1)), normal)
    apart = (np.abs(edge).max(axis=2) > SAME_M).all(axis=1)
    good = (bend > 0).all(axis=1) & (size > _least(rings)) & apart
    rings, normal, long = rings[good], normal[good], np.linalg.norm(p[good], axis=1) > np.linalg.norm(q[good], axis=1)
    pattern = np.where(long[:, None, None], [[0, 1, 3], [1, 2, 3]], [[0, 1, 2], [0, 2, 3]])  # (g, 2, 3)
    corners = rings[np.arange(len(rings))[:, None, None], pattern].reshape(-1, 3, 3)
    away = np.full(len(good), np.nan)
    away[good] = np.abs(np.einsum("nij,nj->ni", rings - rings.mean(axis=1, keepdims=True), normal)).max(axis=1)
    return corners, np.repeat(np.flatnonzero(good), 2), away


def _least(rings: Points) -> Points:
    """The area (n,) below which rings (n, k, 3) have none. [m²]"""
    extent = np.ptp(rings, axis=1).max(axis=1)
    return np.maximum(LEAST_AREA_M2, 1e-7 * extent * extent)


def cleaned(ring: Ring) -> Ring:
    """The ring without points that repeat the one before, or the first at its end."""
    if len(ring) < 2:
        return ring
    step = np.abs(ring[:, :3] - np.roll(ring[:, :3], 1, axis=0)).max(axis=1)
    return ring[step > SAME_M]


def newell(ring: Ring) -> Points:
    """The area vector (3,) of a ring. [m²]"""
    points = ring[:, :3] - ring[0, :3]
    return np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2


def _cut_one(surface: Surface) -> tuple[Points, float, bool]:
    """Triangles (t, 3, 3), deviation from the plane [m], whether a ring crosses itself."""
    rings = [ring for ring in (cleaned(each[:, :3]) for each in surface.rings) if len(ring) >= _ONE]
    nothing = np.empty((0, 3, 3))
    if not rings or len(cleaned(surface.rings[0])) < _ONE:
        return nothing, np.nan, False
    points = np.concatenate(rings)
    normal = _normal(rings[0])
    if normal is None:
        return nothing, np.nan, False
    if len(points) == _ONE:
        return points[None], 0.0, False
    middle = rings[0].mean(axis=0)
    deviation = float(np.abs((points - middle) @ normal).max())
    flat = (points - middle) @ _basis(normal)  # (n, 2)
    ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
    triangles = mapbox_earcut.triangulate_float64(flat, ends).reshape(-1, 3).astype(np.int64)
    if _is_whole(flat, triangles, rings):
        return _wound(points[triangles], normal), deviation, False
    return _mended(flat, rings, middle, normal), deviation, True


def _normal(ring: Ring) -> Points | None:
    """The unit normal (3,) of the best plane of a ring; None where it spans no area."""
    area = newell(ring)
    size = float(np.linalg.norm(area))
    extent = np.ptp(ring, axis=0).max()
    if size > max(LEAST_AREA_M2, 1e-7 * extent * extent):
        return area / size
    spread, axes = np.linalg.svd(ring - ring.mean(axis=0), full_matrices=False)[1:]
    # a figure of eight has no area vector but lies in a plane
    return axes[2] if spread[1] > 1e-3 * spread[0] and len(ring) > _ONE and spread[1] > np.sqrt(LEAST_AREA_M2) else None


def _basis(normal: Points) -> Points:
    """Two unit vectors (3, 2) across a normal, right-handed with it."""
    least = np.zeros(3)
    least[np.argmin(np.abs(normal))] = 1.0
    u = np.cross(normal, least)
    u /= np.linalg.norm(u)
    return np.column_stack([u, np.cross(normal, u)])


def _is_whole(flat: Points, triangles: NDArray[np.int64], rings: Sequence[Ring]) -> bool:
    """Whether the triangles fill what the rings enclose: no less, and no more."""
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    enclosed = [abs(_signed(flat[a:b])) for a, b in pairwise(starts.tolist())]
    wanted = enclosed[0] - sum(enclosed[1:])
    a, b, c = flat[triangles[:, 0]], flat[triangles[:, 1]], flat[triangles[:, 2]]
    made = float(np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])).sum()) / 2
    return abs(made - wanted) <= _AREA_TOLERANCE * max(wanted, made) + LEAST_AREA_M2


def _signed(ring: Points) -> float:
    x, y = ring.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2


def _mended(flat: Points, rings: Sequence[Ring], middle: Points, normal: Points) -> Points:
    """Triangles (t, 3, 3) of what rings that cross themselves enclose, in the best plane."""
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    pieces = [flat[a:b] for a, b in pairwise(starts.tolist())]
    whole = shapely.make_valid(shapely.Polygon(pieces[0]))
    for hole in pieces[1:]:
        whole = shapely.difference(whole, shapely.make_valid(shapely.Polygon(hole)))
    out: list[Points] = []
    for part in shapely.get_parts(whole):
        if part.geom_type != "Polygon" or part.area < LEAST_AREA_M2:
            continue
        loops = [shapely.get_coordinates(loop)[:-1] for loop in (part.exterior, *part.interiors)]
        points = np.concatenate(loops)
        found = mapbox_earcut.triangulate_float64(points, np.cumsum([len(loop) for loop in loops]).astype(np.uint32))
        out.append(points[found.reshape(-1, 3).astype(np.int64)])
    if not out:
        return np.empty((0, 3, 3))
    return _wound(np.concatenate(out) @ _basis(normal).T + middle, normal)


def _wound(corners: Points, normal: Points) -> Points:
    """The triangles turned so that they face along `normal`."""
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    back = cross @ normal < 0
    corners[back] = corners[back][:, ::-1]
    return corners
