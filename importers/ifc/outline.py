"""Outlines on the ground: the floor of a room, the ground a building stands on. Plane coordinates, metres."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import shapely.errors
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 3)
Recall = Callable[[NDArray[np.float64], Callable[[], Any]], Any]  # the union of triangles (f, 3, 2), known or made by what is given
_DIGITS = 4  # coordinates are rounded to a tenth of a millimetre before shapes are united: what almost touches, touches
_LEVEL = 0.95  # cosine of the steepest face that counts as level
_GAP_M = 0.3  # gaps between elements narrower than twice this are closed
_COURT_M2 = 30.0  # holes smaller than this are no courtyards
_CRUMB_SHARE = 0.02  # parts smaller than this share of the whole are no building
_SMALL_M2 = 4.0  # bodies that stand on less are not looked at closely
_AT_ONCE = 200  # bodies: many thousand corners as shapes of their own take much memory
_HOLLOW = 0.99  # a body that covers less than this share of its hull goes round something
_FLAT = ("IfcSlab", "IfcRoof", "IfcCovering", "IfcPlate", "IfcFooting", "IfcRamp", "IfcStairFlight")


@dataclass(frozen=True)
class Floor:
    """A room's floor: its outline (shapely, metres), its lowest point and the height to its highest [m]; no outline without level faces."""

    outline: Any
    z_m: float
    height_m: float


def afresh(_: NDArray[np.float64], unite: Callable[[], Any]) -> Any:
    """The `Recall` that knows nothing."""
    return unite()


def floor(vertices: Points, faces: NDArray[np.int64], recall: Recall = afresh) -> Floor | None:
    """The union of a body's level faces seen from above, facing up or down; of all faces where none is level.

    Orientation and closedness of the body do not matter.

    Parameters
    ----------
    vertices
        Corners (v, 3). [m, any upright frame]
    faces
        Triangles (f, 3).
    recall
        What is known of unions.
    """
    if not len(faces):
        return None
    corners = vertices[faces]  # (f, 3, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # (f, 3)
    size = np.linalg.norm(cross, axis=1)
    level = (np.abs(cross[:, 2]) > _LEVEL * size) & (size > 0)
    outline = _united(corners[level], recall) if level.any() else None
    if outline is None or outline.is_empty:
        outline = _united(corners, recall)
    z = float(corners[level][:, :, 2].min()) if level.any() else float(vertices[:, 2].min())
    return Floor(None if outline.is_empty else outline, z, float(vertices[:, 2].max()) - z)


def ground(pieces: Sequence[tuple[str, Points, NDArray[np.int64]]], recall: Recall = afresh) -> Any:
    """The ground that elements stand on or reach over: (class, vertices, faces) each; a shapely polygon, or None for nothing.

    Slabs and roofs count by their triangles, everything else by the hull of its corners unless that is much larger than what it covers
    (a wall around a corner); joints are closed, small holes filled. Without a slab or roof it is the hull of all.
    """
    flat = [vertices[faces] for kind, vertices, faces in pieces if kind.startswith(_FLAT)]
    upright = _footings([(vertices, faces) for kind, vertices, faces in pieces if len(vertices) > 1 and not kind.startswith(_FLAT)], recall)
    shapes: list[Any] = [*(_united(part, recall) for part in flat), *upright]
    areas = [shape for shape in shapes if shape.geom_type in {"Polygon", "MultiPolygon"} and not shape.is_empty]
    if not areas:
        return None
    if not flat:  # only uprights: what they surround is the ground
        return shapely.convex_hull(_joined(areas))
    return closed(_joined(areas))


def _footings(pieces: Sequence[tuple[Points, NDArray[np.int64]]], recall: Recall) -> list[Any]:
    """What upright bodies stand on."""
    found: list[Any] = []
    for start in range(0, len(pieces), _AT_ONCE):
        some = pieces[start : start + _AT_ONCE]
        points = np.round(np.concatenate([vertices[:, :2] for vertices, _ in some]), _DIGITS)
        owner = np.repeat(np.arange(len(some)), [len(vertices) for vertices, _ in some])
        hulls: Any = shapely.convex_hull(shapely.linestrings(points, indices=owner))  # made in a tenth of the time of points
        areas: list[float] = np.asarray(shapely.area(hulls)).tolist()
        found += [
            hull if area < _SMALL_M2 else _closer(hull, _united(vertices[faces], recall))
            for hull, area, (vertices, faces) in zip(hulls, areas, some, strict=True)
        ]
    return found


def _closer(hull: Any, body: Any) -> Any:
    """The body itself where it goes round something, else its hull."""
    return body if body.area < _HOLLOW * hull.area else hull


def covered(pieces: Sequence[tuple[Points, NDArray[np.int64]]]) -> Any:
    """The plane that bodies cover, seen from above: (vertices, faces) each; an empty polygon for nothing."""
    shapes = [_united(vertices[faces], afresh) for vertices, faces in pieces if len(faces)]
    return _joined(shapes) if shapes else shapely.Polygon()


def closed(whole: Any) -> Any:
    """A plane area without joints, small holes and crumbs; None where nothing is left."""
    if whole is None or whole.is_empty:
        return None
    return _tidy(whole.buffer(_GAP_M, join_style="mitre").buffer(-_GAP_M, join_style="mitre").union(whole))


def _tidy(area: Any) -> Any:
    parts = [_without_small_holes(part) for part in _polygons(area)]
    if not parts:
        return None
    least = _CRUMB_SHARE * max(part.area for part in parts)
    kept = shapely.union_all(np.array([part for part in parts if part.area >= least], dtype=object)).simplify(0.02)
    return kept if kept.is_valid else kept.buffer(0)


def _without_small_holes(polygon: Any) -> Any:
    holes = [ring for ring in polygon.interiors if shapely.Polygon(ring).area >= _COURT_M2]
    return shapely.Polygon(polygon.exterior, holes)


def _united(corners: NDArray[np.float64], recall: Recall) -> Any:
    """The union of triangles (f, 3, 3) seen from above."""
    plane = np.round(corners[:, :, :2], _DIGITS)
    edges = plane[:, 1:] - plane[:, :1]  # (f, 2, 2)
    double = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    plane = plane[double > 1e-8]
    return recall(plane, lambda: _union(plane)) if len(plane) else shapely.Polygon()


def _union(plane: NDArray[np.float64]) -> Any:
    triangles = shapely.polygons(np.concatenate([plane, plane[:, :1]], axis=1))
    united = _joined(triangles)
    areas = _polygons(united)
    return areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)


def _joined(shapes: Any) -> Any:
    """The union of shapes; of slivers that cannot be united exactly, on a grid of a millimetre, then a centimetre; else their hull."""
    array = np.array(shapes, dtype=object)
    for grid in (None, 1e-3, 1e-2):
        with contextlib.suppress(shapely.errors.GEOSException):
            return shapely.union_all(array, grid_size=grid)
    return shapely.convex_hull(shapely.geometrycollections(array))


def _polygons(geometry: Any) -> list[Any]:
    parts: list[Any] = list(shapely.get_parts(geometry))
    nested = [inner for part in parts for inner in (list(shapely.get_parts(part)) if part.geom_type.startswith("Multi") else [part])]
    return [part for part in nested if part.geom_type == "Polygon" and not part.is_empty]
