"""Where a body must lie, from the numbers of its definition alone: the alarm for what a kernel builds (runs in the child).

Independent of every kernel: profile points swept by the extrusion, points of tessellations and shells, operators of mapped items.
What bends (arcs, revolutions, swept disks) is left out: no expectation is better than a wrong one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import ifcopenshell.util.placement
import numpy as np
from numpy.typing import NDArray

from importers.ifc.entity import attribute

Points = NDArray[np.float64]  # (n, 3)
_FACES_LIMIT = 400  # bigger shells cost more to read than the alarm is worth
_LEAST_EXTENT = 2  # axes along which a box has to have a size
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
    parts = product.Representation.get_argument(2)
    bodies = [part for part in parts if (part.get_argument(1) or "").lower() in {"body", "facetation"}]
    if len(bodies) != 1:
        return None
    found = _of_items(bodies[0].get_argument(3), depth=0)
    return Expected(found.points, found.is_exact and not attribute(product, "HasOpenings")) if found else None


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


def _of_items(items: Any, depth: int) -> Expected | None:
    parts = [_of_item(item, depth) for item in items or ()]
    known = [part for part in parts if part is not None and len(part.points)]
    if not known or len(known) != len(parts):
        return None
    return Expected(np.vstack([part.points for part in known]), all(part.is_exact for part in known))


def _of_item(item: Any, depth: int) -> Expected | None:
    kind = item.is_a()
    if kind == "IfcExtrudedAreaSolid":
        return _extrusion(item)
    if kind == "IfcMappedItem" and depth < 8:
        return _mapped(item, depth)
    if kind in {"IfcBooleanClippingResult", "IfcBooleanResult"} and item.Operator == "DIFFERENCE" and depth < 64:
        first = _of_item(item.FirstOperand, depth + 1)
        return Expected(first.points, is_exact=False) if first else None
    if kind in {"IfcTriangulatedFaceSet", "IfcPolygonalFaceSet"}:
        return Expected(np.array(item.Coordinates.CoordList, float).reshape(-1, 3), is_exact=False)
    if kind == "IfcFacetedBrep":
        return _shell(item.Outer)
    return None


def _shell(shell: Any) -> Expected | None:
    if len(shell.CfsFaces) > _FACES_LIMIT:
        return None
    loops = [bound.Bound for face in shell.CfsFaces for bound in face.Bounds]
    if not all(loop.is_a("IfcPolyLoop") for loop in loops):
        return None
    points = [point.get_argument(0) for loop in loops for point in loop.get_argument(0)]
    return Expected(np.array(points, float).reshape(-1, 3)) if points else None


def _mapped(item: Any, depth: int) -> Expected | None:
    found = _of_items(item.MappingSource.MappedRepresentation.Items, depth + 1)
    if found is None:
        return None
    matrix = np.array(ifcopenshell.util.placement.get_mappeditem_transformation(item), float)
    return Expected(_moved(found.points, matrix), found.is_exact)


def _extrusion(item: Any) -> Expected | None:
    area, position, direction, depth = (item.get_argument(k) for k in range(4))  # by position: this runs for most elements
    outline = _profile(area)
    if outline is None:
        return None
    base = np.zeros((len(outline), 3))
    base[:, :2] = outline
    ratios = direction.get_argument(0)
    share = depth / math.hypot(*ratios)
    points = np.concatenate([base, base + [share * ratio for ratio in ratios]])
    return Expected(points if position is None else _moved(points, _axes(position)))


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
    """Points (n, 2) that span the profile's box under any turn; None for what is not a polygon or a rectangle."""
    if profile.is_a("IfcArbitraryClosedProfileDef"):
        return _curve(profile.OuterCurve)
    if profile.is_a() in {"IfcRectangleProfileDef", "IfcRectangleHollowProfileDef"}:
        position, x, y = (profile.get_argument(k) for k in (2, 3, 4))
        return _placed(np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) / 2, position)
    return None


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
