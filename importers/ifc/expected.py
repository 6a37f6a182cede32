"""Where a body must lie, from the numbers of its definition alone: the alarm for what a kernel builds (runs in the child).

Independent of every kernel: profile points swept by the extrusion or the revolution, points of tessellations and shells, operators of
mapped items. Of what bends, it is a box that the body cannot leave. Arcs within outlines and paths of swept disks are left out: no
expectation is better than a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ifcopenshell.util.placement
import numpy as np
from numpy.typing import NDArray

from importers.ifc.entity import attribute

Points = NDArray[np.float64]  # (n, 3)
_FACES_LIMIT = 400  # bigger shells cost more to read than the alarm is worth
_LEAST_EXTENT = 2  # axes along which a box has to have a size
_DEPTH, _TREE = 8, 64  # of mapped items in each other, of boolean operations
# profiles by where their width and depth stand among the attributes; all are centred on their box (IFC 4.3, 8.15.3)
_SIZES = {
    "IfcRectangleProfileDef": (3, 4), "IfcRectangleHollowProfileDef": (3, 4), "IfcRoundedRectangleProfileDef": (3, 4),
    "IfcIShapeProfileDef": (3, 4), "IfcUShapeProfileDef": (4, 3), "IfcTShapeProfileDef": (4, 3), "IfcCShapeProfileDef": (4, 3),
    "IfcLShapeProfileDef": (4, 3),
}  # fmt: skip
_RADII = {"IfcCircleProfileDef": (3, 3), "IfcCircleHollowProfileDef": (3, 3), "IfcEllipseProfileDef": (3, 4)}
_SQUARE = {"IfcRectangleProfileDef", "IfcRectangleHollowProfileDef"}  # those whose corners are the box's own
_BOX_FACES = np.array(
    [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4], [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5]],
    np.int32,
)


@dataclass(frozen=True)
class Expected:
    """Points whose box is the body's, or a box it cannot leave where `is_exact` is false. [file units, product frame]"""

    points: Points
    is_exact: bool = True


@dataclass(frozen=True)
class Corners:
    """A box: corners (8, 3) [file units, product frame] and triangles (12, 3)."""

    points: Points
    faces: NDArray[np.int32]


def expected(product: Any) -> Expected | None:
    """What the definition of the product's body says; None where it has a part that is not understood."""
    return Expectations().of(product)


@dataclass
class Expectations:
    """Answers about the bodies of one open file; a shape that many products map is looked at once."""

    _mapped: dict[int, Expected | None] = field(default_factory=dict[int, "Expected | None"])

    def of(self, product: Any) -> Expected | None:
        """See `expected`."""
        parts = product.Representation.get_argument(2)
        bodies = [part for part in parts if (part.get_argument(1) or "").lower() in {"body", "facetation"}]
        if len(bodies) != 1:
            return None
        found = self._of_items(bodies[0].get_argument(3), depth=0)
        return Expected(found.points, found.is_exact and not attribute(product, "HasOpenings")) if found else None

    def _of_items(self, items: Any, depth: int) -> Expected | None:
        parts = [self._of_item(item, depth) for item in items or ()]
        known = [part for part in parts if part is not None and len(part.points)]
        if not known or len(known) != len(parts):
            return None
        if len(known) == 1:
            return known[0]
        return Expected(np.vstack([part.points for part in known]), all(part.is_exact for part in known))

    def _of_item(self, item: Any, depth: int) -> Expected | None:
        kind = item.is_a()
        if kind == "IfcExtrudedAreaSolid":
            return _extrusion(item)
        if kind == "IfcMappedItem" and depth < _DEPTH:
            return self._of_mapped(item, depth)
        if kind in {"IfcBooleanClippingResult", "IfcBooleanResult"} and item.Operator == "DIFFERENCE" and depth < _TREE:
            first = self._of_item(item.FirstOperand, depth + 1)
            return Expected(first.points, is_exact=False) if first else None
        return _SIMPLE[kind](item) if kind in _SIMPLE else None

    def _of_mapped(self, item: Any, depth: int) -> Expected | None:
        shared = item.MappingSource.MappedRepresentation
        if shared.id() not in self._mapped:
            self._mapped[shared.id()] = self._of_items(shared.Items, depth + 1)
        found = self._mapped[shared.id()]
        if found is None:
            return None
        matrix = np.array(ifcopenshell.util.placement.get_mappeditem_transformation(item), float)
        return Expected(_moved(found.points, matrix), found.is_exact)


def box(product: Any) -> Corners | None:
    """The box around what the definition says of the product's body, else the file's own bounding box; None where it has no extent."""
    hope = expected(product)
    points = hope.points if hope is not None else _stated_box(product)
    if points is None or not np.isfinite(points).all():
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    if int((high - low > 0).sum()) < _LEAST_EXTENT:
        return None
    corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
    return Corners(corners, _BOX_FACES)


def _stated_box(product: Any) -> Points | None:
    """Corners of the first IfcBoundingBox of a product."""
    items = [item for part in product.Representation.get_argument(2) for item in part.get_argument(3) or ()]
    found = next((item for item in items if item.is_a("IfcBoundingBox")), None)
    if found is None:
        return None
    low = np.array(found.Corner.Coordinates, float)
    return np.stack([low, low + np.array([found.XDim, found.YDim, found.ZDim], float)])


def disagreement(vertices: Points, hope: Expected, length_m: float) -> float:
    """How far a built body (n, 3) [m, product frame] leaves what was expected, or, where that is exact, falls short of it. [m]"""
    low, high = hope.points.min(axis=0) * length_m, hope.points.max(axis=0) * length_m
    outside = float(max((low - vertices.min(axis=0)).max(), (vertices.max(axis=0) - high).max()))
    if not hope.is_exact:
        return max(outside, 0.0)
    short = float(max((vertices.min(axis=0) - low).max(), (high - vertices.max(axis=0)).max()))
    return max(outside, short, 0.0)


def _points(item: Any) -> Expected:
    return Expected(np.array(item.Coordinates.CoordList, float).reshape(-1, 3), is_exact=False)


def _brep(item: Any) -> Expected | None:
    return _faces(item.Outer.CfsFaces)


def _surfaces(item: Any) -> Expected | None:
    return _faces([face for shell in item.get_argument(0) for face in attribute(shell, "CfsFaces") or ()])


def _faces(faces: Any) -> Expected | None:
    if len(faces) > _FACES_LIMIT:
        return None
    loops = [bound.Bound for face in faces for bound in face.Bounds]
    if not all(loop.is_a("IfcPolyLoop") for loop in loops):
        return None
    points = [point.get_argument(0) for loop in loops for point in loop.get_argument(0)]
    return Expected(np.array(points, float).reshape(-1, 3)) if points else None


def _extrusion(item: Any) -> Expected | None:
    area, position, direction, depth = (item.get_argument(k) for k in range(4))  # by position: this runs for most elements
    outline = _profile(area)
    if outline is None:
        return None
    base = _flat(outline)
    ratios = direction.get_argument(0)
    share = depth / math.hypot(*ratios)
    points = np.concatenate([base, base + [share * ratio for ratio in ratios]])
    return Expected(points if position is None else _moved(points, _axes(position)), area.is_a() not in _WITHIN)


def _revolution(item: Any) -> Expected | None:
    """Corners of boxes around the circles on which the profile's points go round: the body is within, however far it turns."""
    area, position, axis = (item.get_argument(k) for k in range(3))
    outline = _profile(area)
    if outline is None:
        return None
    direction = axis.get_argument(1)
    along = np.array(_unit(direction.get_argument(0) if direction is not None else (0.0, 0.0, 1.0)))
    around = np.array(axis.get_argument(0).get_argument(0), float)
    arms = _flat(outline) - around
    centres = (arms @ along)[:, None] * along
    radii = np.linalg.norm(arms - centres, axis=1)
    reach = radii[:, None] * np.sqrt(np.maximum(1.0 - along**2, 0.0))
    points = (around + centres)[:, None] + _CORNERS[None] * reach[:, None]
    points = points.reshape(-1, 3)
    return Expected(points if position is None else _moved(points, _axes(position)), is_exact=False)


def _flat(outline: NDArray[np.float64]) -> Points:
    points = np.zeros((len(outline), 3))
    points[:, :2] = outline
    return points


def _axes(position: Any) -> NDArray[np.float64]:
    """The (4, 4) frame of an IfcAxis2Placement3D; x is made square to z, as the standard has it."""
    location, axis, reference = (position.get_argument(k) for k in range(3))
    zx, zy, zz = _unit(axis.get_argument(0)) if axis is not None else (0.0, 0.0, 1.0)
    x = reference.get_argument(0) if reference is not None else (1.0, 0.0, 0.0)
    along = x[0] * zx + x[1] * zy + x[2] * zz
    xx, xy, xz = _unit((x[0] - along * zx, x[1] - along * zy, x[2] - along * zz))
    ox, oy, oz = location.get_argument(0)
    y = (zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx)
    return np.array([[xx, y[0], zx, ox], [xy, y[1], zy, oy], [xz, y[2], zz, oz], [0.0, 0.0, 0.0, 1.0]])


def _unit(vector: Any) -> tuple[float, float, float]:
    size = math.hypot(*vector)
    return vector[0] / size, vector[1] / size, vector[2] / size


def _profile(profile: Any) -> NDArray[np.float64] | None:
    """Points (n, 2) whose box is the profile's, under any turn where it is a polygon, else one around it; None for what is not known."""
    kind = profile.is_a()
    if kind in {"IfcArbitraryClosedProfileDef", "IfcArbitraryProfileDefWithVoids"}:
        return _curve(profile.get_argument(2))
    sizes = _SIZES.get(kind) or _RADII.get(kind)
    if sizes is None:
        return None
    x, y = (profile.get_argument(k) or profile.get_argument(3) for k in sizes)  # an L may have one size for both
    half = np.array([x, y], float) / (1.0 if kind in _RADII else 2.0)
    return _placed(half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]), profile.get_argument(2))


def _placed(corners: NDArray[np.float64], position: Any) -> NDArray[np.float64]:
    if position is None:
        return corners
    location, reference = position.get_argument(0), position.get_argument(1)
    x, y = reference.get_argument(0)[:2] if reference is not None else (1.0, 0.0)
    turn = np.array([[x, y], [-y, x]]) / math.hypot(x, y)
    return corners @ turn + location.get_argument(0)[:2]


def _curve(curve: Any) -> NDArray[np.float64] | None:
    if curve.is_a("IfcPolyline"):
        return np.array([point.get_argument(0)[:2] for point in curve.get_argument(0)], float)
    if curve.is_a("IfcIndexedPolyCurve") and not any(segment.is_a("IfcArcIndex") for segment in curve.Segments or ()):
        return np.array(curve.Points.CoordList, float)[:, :2]
    return None


def _moved(points: Points, matrix: NDArray[np.float64]) -> Points:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


_WITHIN = (_SIZES.keys() | _RADII.keys()) - _SQUARE
_CORNERS = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
_SIMPLE: Mapping[str, Callable[[Any], Expected | None]] = {
    "IfcTriangulatedFaceSet": _points,
    "IfcPolygonalFaceSet": _points,
    "IfcFacetedBrep": _brep,
    "IfcFaceBasedSurfaceModel": _surfaces,
    "IfcShellBasedSurfaceModel": _surfaces,
    "IfcRevolvedAreaSolid": _revolution,
}
