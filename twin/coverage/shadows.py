"""What cameras see of a plane, as polygons: the footprint of the image less the shadow of every triangle in the way.

From the lens each triangle between it and the plane throws a shadow that is a polygon of at most five corners. What is seen is exact but
for two things, both inside the bounds: circles (range, steepness) are polygons drawn inside and outside of them, and ground that is not
quite the plane lies within `Plane.sag_m` of it.

        lens ●
              ╲╲          clipped to heights 0 … just below the lens, then projected:
               ╲ ╲   ▲    what projects beyond the reach does not matter
        ────────╲──╲─┸━━━━━━━━━  plane

No samples are taken. Where a view has too many triangles in reach, or asks what is no polygon, the answer is None and
`twin.coverage.visibility` speaks alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, pack, reach
from twin.coverage.inview import ANY_WAY, AT_HALF_CONE, AT_HAS_MORE, AT_SIGN, FISHEYE, N_PLANES, PLANE, PLANES, REACHABLE

FloatArray = NDArray[np.float64]
Ground = Callable[[FloatArray], FloatArray]  # x y (n, 2) to z (n,) [m, enu]

MOST_TRIANGLES = 3000  # that throw shadows into what one view may see; with more of them the other engine is faster
MOST_IN_REACH = 100_000
FARTHEST_M = 2000.0  # a reach beyond this is no park's
CORNERS = 512  # of the polygons that stand for circles
LEAST_M = 1e-3  # a lens this near to the plane of the targets throws no shadows worth drawing
THINNEST_M2 = 1e-12  # shadows of triangles seen edge on

_Polygon = Any  # shapely (Multi)Polygon, x y [m, enu]


@dataclass(frozen=True)
class Plane:
    """The plane of the targets, z = z0 + gx·x + gy·y [m, enu], and how far the targets lie from it at most."""

    z0: float
    gx: float = 0.0
    gy: float = 0.0
    sag_m: float = 0.0

    @property
    def slope(self) -> float:
        """Rise over run of the steepest way up. [1]"""
        return math.hypot(self.gx, self.gy)

    def z(self, xy: FloatArray) -> FloatArray:
        """Height (n,) of the plane at points (n, 2). [m, enu]"""
        return self.z0 + self.gx * xy[:, 0] + self.gy * xy[:, 1]

    def moved(self, up: float) -> Plane:
        """The same plane, higher by so much. [m]"""
        return Plane(self.z0 + up, self.gx, self.gy, self.sag_m)


@dataclass(frozen=True)
class Seen:
    """What is seen of a plane: surely, by best knowledge, at most."""

    lower: _Polygon
    value: _Polygon
    upper: _Polygon


@dataclass(frozen=True)
class Triangles:
    """Triangles in the way, findable by place."""

    corners: FloatArray  # (t, 3, 3) [m, enu]
    tree: shapely.STRtree


def triangles_of(vertices: FloatArray, faces: NDArray[Any]) -> Triangles:
    """Triangles (t, 3) over vertices (v, 3) [m, enu], ready to be asked for by place; those with a corner nowhere are left out."""
    corners = vertices[faces]
    corners = corners[np.isfinite(corners).all(axis=(1, 2))]
    low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
    return Triangles(corners, shapely.STRtree(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])))


def level_plane(ground: Ground, view: View, height: float, far: float) -> Plane:
    """The plane nearest to ground without terrain within `far` of a lens, `height` above it, and how far the ground is from it. [m]"""
    x, y, _ = view.position
    r = max(far, LEAST_M)
    angle = np.arange(16) * math.pi / 8
    ring = np.column_stack([x + r * np.cos(angle), y + r * np.sin(angle)])
    around, middle = ground(ring), float(ground(np.array([[x, y]]))[0])
    gx, gy = float(around @ np.cos(angle)) / (8 * r), float(around @ np.sin(angle)) / (8 * r)
    off = around - (middle + gx * (ring[:, 0] - x) + gy * (ring[:, 1] - y))
    rise = (float(off.min()) + float(off.max())) / 4  # ground falls away from its tangent: half way between touching it and its rim
    sag = max(float(np.abs(off - rise).max()), abs(rise))
    return Plane(middle + rise - gx * x - gy * y + height, gx, gy, sag)


def is_drawn(view: View, criteria: Criteria) -> bool:
    """Whether what a view may see of a plane is bounded by straight lines and circles about the lens."""
    packed = pack(view, criteria)
    straight_down = abs(view.tilt_rad - math.pi / 2) < 1e-9
    is_cone = not straight_down if view.lens == FISHEYE else math.isfinite(packed[AT_HALF_CONE])
    is_sure = view.lens != REACHABLE and not packed[AT_SIGN] and not view.is_dark
    return is_sure and not is_cone and not packed[AT_HAS_MORE] and math.isfinite(reach(view, criteria))


def seen(view: View, criteria: Criteria, plane: Plane, triangles: Triangles) -> Seen | None:
    """What a view sees of a plane; None where it takes other means to say.

    A view that may look any way sees nothing surely; what it may see is in `upper` alone.
    """
    doubts = [each or view for each in (view.least, view.most)]
    if not all(is_drawn(each, criteria) for each in (view, *doubts)):
        return None
    if view.least is not None or view.most is not None:
        least, known, most = (
            seen(replace(each, least=None, most=None), criteria, plane, triangles) for each in (doubts[0], view, doubts[1])
        )
        if least is None or known is None or most is None:
            return None
        return Seen(shapely.intersection(least.lower, known.lower), known.value, shapely.union(most.upper, known.upper))
    if plane.sag_m > 0:
        parts = [_seen(view, criteria, plane.moved(up), triangles) for up in (-plane.sag_m, 0.0, plane.sag_m)]
        low, middle, high = parts
        if low is None or middle is None or high is None:
            return None
        lower = shapely.intersection(shapely.intersection(low.lower, middle.lower), high.lower)
        return Seen(lower, middle.value, shapely.union_all([low.upper, middle.upper, high.upper]))
    return _seen(view, criteria, plane, triangles)


def _seen(view: View, criteria: Criteria, plane: Plane, triangles: Triangles) -> Seen | None:
    x, y, z = view.position
    above = z - float(plane.z(np.array([[x, y]]))[0])
    if abs(above) < LEAST_M:
        return None
    footprint = _footprint(view, criteria, plane)
    if footprint.upper.is_empty:
        return footprint
    west, south, east, north = footprint.upper.bounds
    hull = shapely.box(min(west, x), min(south, y), max(east, x), max(north, y))
    near = triangles.corners[triangles.tree.query(hull)]
    shadow = _shadow(np.array(view.position), near, plane, footprint.upper, reach(view, criteria)) if len(near) <= MOST_IN_REACH else None
    if shadow is None:
        return None
    lower, value, upper = (shapely.difference(part, shadow) for part in (footprint.lower, footprint.value, footprint.upper))
    return Seen(shapely.Polygon(), shapely.Polygon(), upper) if view.lens == ANY_WAY else Seen(lower, value, upper)


def _shadow(lens: FloatArray, near: FloatArray, plane: Plane, footprint: _Polygon, far: float) -> _Polygon | None:
    """The part of a footprint that triangles (t, 3, 3) hide from a lens (3,); None where they are too many."""
    corners, count = _projected(lens, near, np.array([plane.z0, plane.gx, plane.gy]), 4 * far + 10.0)
    polygons: list[NDArray[np.object_]] = []
    for n in (3, 4, 5):
        rings = corners[count == n, :n]
        if len(rings):
            polygons.append(shapely.polygons(rings))
    if not polygons:
        return shapely.Polygon()
    shadows = np.concatenate(polygons)
    shapely.prepare(footprint)
    shadows = shadows[(shapely.area(shadows) > THINNEST_M2) & shapely.intersects(footprint, shadows)]
    return None if len(shadows) > MOST_TRIANGLES else shapely.union_all(shadows)


@njit(cache=True, nogil=True)
def _projected(lens: FloatArray, near: FloatArray, plane: FloatArray, far: float) -> Any:
    """Corners (t, 5, 2) of the shadows of triangles (t, 3, 3) on the plane, and how many each has; 0: none within `far` of the lens."""
    out, count = np.zeros((len(near), 5, 2)), np.zeros(len(near), np.int64)
    whole = lens[2] - plane[0] - plane[1] * lens[0] - plane[2] * lens[1]  # signed height of the lens above the plane
    side = 1.0 if whole > 0 else -1.0
    top = abs(whole)
    for t in range(len(near)):
        points, heights, away = np.zeros((8, 3)), np.zeros(8), math.inf
        for k in range(3):
            points[k] = near[t, k]
            heights[k] = side * (near[t, k, 2] - plane[0] - plane[1] * near[t, k, 0] - plane[2] * near[t, k, 1])
        away = _distance(lens, near[t])
        n = _clip(points, heights, 3, 0.0, 1.0)
        n = _clip(points, heights, n, top * (1.0 - max(min(away / far, 0.5), 1e-9)), -1.0)
        for k in range(n):
            scale = top / (top - heights[k])
            out[t, k, 0] = lens[0] + (points[k, 0] - lens[0]) * scale
            out[t, k, 1] = lens[1] + (points[k, 1] - lens[1]) * scale
        count[t] = n if n >= 3 else 0
    return out, count


@njit(cache=True, nogil=True)
def _clip(points: FloatArray, heights: FloatArray, n: int, limit: float, sign: float) -> int:
    """Keep in place of a convex polygon's n corners the part where sign·(height - limit) >= 0; how many corners it has."""
    kept, tall, m = np.zeros((8, 3)), np.zeros(8), 0
    for k in range(n):
        j = (k + 1) % n
        a, b = sign * (heights[k] - limit), sign * (heights[j] - limit)
        if a >= 0:
            kept[m], tall[m] = points[k], heights[k]
            m += 1
        if (a > 0 > b) or (a < 0 < b):
            share = a / (a - b)
            kept[m], tall[m] = points[k] + share * (points[j] - points[k]), limit
            m += 1
    points[:m], heights[:m] = kept[:m], tall[:m]
    return m


@njit(cache=True, nogil=True)
def _distance(lens: FloatArray, triangle: FloatArray) -> float:
    """The least distance in plan from a lens to a triangle's edges; 0 where it stands above or below it."""
    x, y = lens[0], lens[1]
    least, turns = math.inf, 0
    for k in range(3):
        ax, ay = triangle[k, 0] - x, triangle[k, 1] - y
        dx, dy = triangle[(k + 1) % 3, 0] - triangle[k, 0], triangle[(k + 1) % 3, 1] - triangle[k, 1]
        length = dx * dx + dy * dy
        share = 0.0 if length == 0 else min(1.0, max(0.0, -(ax * dx + ay * dy) / length))
        least = min(least, math.hypot(ax + share * dx, ay + share * dy))
        turn = dx * -ay - dy * -ax
        turns += 1 if turn > 0 else -1 if turn < 0 else 0
    return 0.0 if abs(turns) == 3 else least


def _footprint(view: View, criteria: Criteria, plane: Plane) -> Seen:
    """What of a plane is in view, in range, fine enough and not too steep, were nothing in the way."""
    radius, lean = _farthest(view, criteria, plane)
    parts = [_disc(view, radius, lean, grow) for grow in (0, 1, 2)]
    if view.lens not in {FISHEYE, ANY_WAY}:
        wedge = _wedge(view, criteria, plane, parts[2])
        parts = [shapely.intersection(part, wedge) for part in parts]
    for radius, lean in _holes(view, criteria, plane):
        holes = [_disc(view, radius, lean, grow) for grow in (2, 1, 0)]
        parts = [shapely.difference(part, hole) for part, hole in zip(parts, holes, strict=True)]
    return Seen(*parts)


def _holes(view: View, criteria: Criteria, plane: Plane) -> list[tuple[float, float]]:
    """The radii about the foot of a lens within which targets are too steep below it, or too high above a fisheye, each with how far the
    true outline may be from that circle. [m]"""
    steepest, above, half = criteria.max_depression_rad, _above(view, plane), view.hfov_rad / 2
    if steepest is not None and above > 0:
        return [_cone(above, max(math.pi / 2 - steepest, 0.0), plane)]
    return [_cone(-above, math.pi - half, plane)] if view.lens == FISHEYE and above < 0 and half >= math.pi / 2 else []


def _above(view: View, plane: Plane) -> float:
    """Height of a lens above the plane, upright. [m]"""
    x, y, z = view.position
    return z - (plane.z0 + plane.gx * x + plane.gy * y)


def _farthest(view: View, criteria: Criteria, plane: Plane) -> tuple[float, float]:
    """The radius about the foot of a lens within which targets on the plane are in range, of a fisheye in its cone too; and how far the
    true outline may be from that circle, as the plane is not level. [m]"""
    slant, above = reach(view, criteria), _above(view, plane)
    radius = math.sqrt(max(slant**2 - above**2, 0.0))
    lean = abs(above) * plane.slope + radius * plane.slope**2
    half = view.hfov_rad / 2
    if view.lens != FISHEYE or half >= math.pi / 2:
        return radius, lean
    inner, lean_inner = _cone(max(above, 0.0), half, plane)
    return min(radius, inner), max(lean, lean_inner) if abs(radius - inner) < lean + lean_inner or inner < radius else lean


def _cone(above: float, half: float, plane: Plane) -> tuple[float, float]:
    """The radius in which a plane `above` [m] below cuts an upright cone with that half angle [rad], and how far it is off a circle. [m]"""
    spread = min(math.tan(half), 2 * FARTHEST_M / max(above, 1e-9))
    radius, tilt = above * spread, plane.slope * spread
    return radius, radius * tilt / (1 - tilt) if tilt < 0.5 else radius


def _disc(view: View, radius: float, lean: float, grow: int) -> _Polygon:
    """A circle about the foot of a lens as a polygon: inside what it may be (0), of its area (1), round what it may be (2)."""
    x, y, _ = view.position
    half = math.pi / CORNERS
    factors = (1.0, math.sqrt(2 * half / math.sin(2 * half)), 1 / math.cos(half))
    r = max(radius + (grow - 1) * lean, 0.0) * factors[grow]
    if r <= 0:
        return shapely.Polygon()
    angle = np.arange(CORNERS) * 2 * half
    return shapely.polygons(np.column_stack([x + r * np.cos(angle), y + r * np.sin(angle)]))


def _wedge(view: View, criteria: Criteria, plane: Plane, around: _Polygon) -> _Polygon:
    """The part of a plane between the planes that bound a picture: its four sides, its greatest depth, its focus."""
    rows = pack(view, criteria)[PLANES : PLANES + PLANE * N_PLANES].reshape(N_PLANES, PLANE)
    ring = shapely.get_coordinates(shapely.box(*around.bounds))[:-1] if not around.is_empty else np.empty((0, 2))
    for row in rows[np.isfinite(rows[:, 3])]:
        ring = _cut(ring, view, plane, -row[:3], -float(row[3]))
    return shapely.polygons(ring) if len(ring) else shapely.Polygon()


def _cut(ring: FloatArray, view: View, plane: Plane, normal: FloatArray, least: float) -> FloatArray:
    """The corners (n, 2) of the part of a convex region where normal·v >= least, v being the way from the lens to a target on the plane."""
    if not len(ring):
        return ring
    way = np.column_stack([ring, plane.z(ring)]) - np.array(view.position)
    value = way @ normal - least
    corners: list[FloatArray] = []
    for k in range(len(ring)):
        j = (k + 1) % len(ring)
        if value[k] >= 0:
            corners.append(ring[k])
        if value[k] * value[j] < 0:
            corners.append(ring[k] + value[k] / (value[k] - value[j]) * (ring[j] - ring[k]))
    return np.array(corners) if len(corners) >= 3 else np.empty((0, 2))


def together(parts: Sequence[Seen], k: int) -> Seen:
    """Where at least k of some cameras see."""
    return Seen(*(at_least([getattr(part, name) for part in parts], k) for name in ("lower", "value", "upper")))


def at_least(shapes: Sequence[_Polygon] | NDArray[np.object_], k: int) -> _Polygon:
    """The points that lie in at least k of some shapes."""
    if k <= 1:
        return shapely.union_all(np.array(shapes, object)) if len(shapes) else shapely.Polygon()
    solid = np.array([_areal(shape) for shape in shapes if not shape.is_empty], object)
    if len(solid) < k:
        return shapely.Polygon()
    cells = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(shapely.boundary(solid)))))
    inside, _ = shapely.STRtree(solid).query(shapely.point_on_surface(cells), predicate="within")
    return shapely.union_all(cells[np.bincount(inside, minlength=len(cells)) >= k])


def _areal(shape: _Polygon) -> _Polygon:
    """The polygons of a shape, without the lines and points that cutting may leave."""
    if shape.geom_type != "GeometryCollection":
        return shape
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
