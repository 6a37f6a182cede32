"""The outer walls of one building as upright faces, before anybody asks what lies in front of them.

Of a building without a model the faces are the sides of its footprint, from its base to its top. Of a model they are read storey by
storey: the outline of the storey is a section through its walls, closed where windows and doors leave gaps and filled by its rooms; on
each side of that outline the face is what the storey's walls, windows and doors show when seen straight on, so that gables and set-backs
are as they are built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import Building, is_shared
from twin.coverage.upright import Plane
from twin.measures.outlines import areal, union
from twin.measures.surfaces.levels import Level
from twin.model import Element, Mesh, Model
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]

ENCLOSING = ("IfcWall", "IfcCurtainWall", "IfcWindow", "IfcDoor", "IfcPlate")
SIDES = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
BENDS_M = 0.05  # corners of a footprint that lie within this of a straight side are none
STEPS_M = 0.25  # the same of a section through walls: pilasters and frames
CLOSE_M = 0.35  # half the widest gap in a section that is closed: between a wall and the window in it
DEEP_M, PROUD_M = 0.8, 0.3  # walls, frames and glass up to so far behind and before the side of the outline make the face
UPRIGHT = 0.35  # a triangle whose normal rises or falls by more than this share is no part of a wall
LEAST_SHARE = 0.05  # walls that fill less of a side are not all there: the whole side counts
SHORTEST_M = 0.3  # sides shorter than this are no faces
SECTIONS = (0.15, 0.45, 0.75)  # heights of sections, as shares of a storey: sills, windows, lintels; low walls under a roof
COURT_M2 = 4.0  # smaller holes in an outline are no courtyards


@dataclass(frozen=True)
class Wall:
    """One side of a building, whole or of one storey: its plane, its length and its shape in (u, v)."""

    id: str
    plane: Plane
    length: float  # [m]
    shape: Any  # shapely, (u, v) [m]
    side: str  # of the compass
    building_id: str
    storey_id: str | None = None  # None: of the whole height


def walls_of(store: Store, building: Building, own: Sequence[Level]) -> list[Wall]:
    """The outer walls of a building; `own` are all its levels, roofs too."""
    models = [model for model in store.models() if model.id in building.model_ids and not is_shared(model)]
    found = [wall for model in models for wall in _of_model(store, building, model, [level for level in own if level.model_id == model.id])]
    return found or _of_footprint(store, building)


def _of_footprint(store: Store, building: Building) -> list[Wall]:
    """The sides of a building's footprint, from base to top."""
    if building.footprint is None:
        return []
    frame = store.park().frame
    outline = areal(shapely.make_valid(frame.project(shapely.force_2d(building.footprint))))
    if outline.is_empty:
        return []
    base = float(z_of_height(frame, shapely.get_coordinates(outline.centroid), [building.base_h_m])[0])
    sides = _sides(shapely.simplify(outline, BENDS_M))
    return [
        Wall(f"{building.id}/{k}", plane, length, shapely.box(0, base, length, base + building.height_m), side, building.id)
        for k, (plane, length, side) in enumerate(sides, 1)
    ]


def _of_model(store: Store, building: Building, model: Model, own: Sequence[Level]) -> list[Wall]:
    """The walls of one model, storey by storey."""
    elements = {element.id: element for element in store.elements(model.id) if element.ifc_class.startswith(ENCLOSING)}
    if not elements or not own:
        return []
    corners = _triangles(store.mesh(model.id), elements)
    if not len(corners):
        return []
    floors = [level.floor_z for level in own]
    tops = [*floors[1:], float(corners[..., 2].max())]
    out: list[Wall] = []
    for level, low, high in zip(own, floors, tops, strict=True):
        if high - low > SHORTEST_M:
            band = corners[(corners[..., 2].min(axis=1) < high) & (corners[..., 2].max(axis=1) > low)]
            outline = _outline(band, level, low, high)
            for k, (plane, length, side) in enumerate(_sides(outline), 1):
                shifted, shape = _shown(plane, length, band, low, high)
                out.append(Wall(f"{level.id}/{k}", shifted, length, shape, side, building.id, level.id))
    return out


def _triangles(mesh: Mesh, elements: Mapping[str, Element]) -> FloatArray:
    """The triangles (f, 3, 3) of the elements. [m, enu]"""
    wanted = np.array([name in elements for name in mesh.element_ids], bool)
    return mesh.vertices[mesh.faces[wanted[mesh.face_element]]] if len(mesh.faces) else np.empty((0, 3, 3))


def _outline(corners: FloatArray, level: Level, low: float, high: float) -> Any:
    """The outline of a storey: sections through its walls, closed, and what of the storey's floor lies among them."""
    section = union([_section(corners, low + share * (high - low)) for share in SECTIONS])
    if section.is_empty:
        return section
    inside = level.outline.intersection(section.convex_hull)  # balconies and eaves stay outside
    closed = union([section, inside]).buffer(CLOSE_M, join_style="mitre")
    filled = union([_without_small_holes(part) for part in shapely.get_parts(areal(closed))]).buffer(-CLOSE_M, join_style="mitre")
    kept = [part for part in shapely.get_parts(areal(filled)) if part.area > COURT_M2]
    return shapely.simplify(union(kept), STEPS_M)


def _without_small_holes(polygon: Any) -> Any:
    return shapely.Polygon(polygon.exterior, [hole for hole in polygon.interiors if shapely.Polygon(hole).area > COURT_M2])


def _section(corners: FloatArray, z: float) -> Any:
    """The area that bodies (f, 3, 3) cover at a height: the rings in which their triangles cross it, holes left out."""
    above = corners[..., 2] > z  # (f, 3)
    mixed = above.any(axis=1) & ~above.all(axis=1)
    p, over = corners[mixed], above[mixed]
    if not len(p):
        return shapely.Polygon()
    row = np.arange(len(p))
    lone = np.where(over.sum(axis=1) == 1, over.argmax(axis=1), over.argmin(axis=1))  # alone on its side
    ends = []
    for other in ((lone + 1) % 3, (lone + 2) % 3):
        a, b = p[row, lone], p[row, other]
        low, high = np.where(a[:, 2:] < b[:, 2:], a, b), np.where(a[:, 2:] < b[:, 2:], b, a)  # so that neighbours agree to the last bit
        t = (z - low[:, 2]) / (high[:, 2] - low[:, 2])
        ends.append((low + t[:, None] * (high - low))[:, :2])
    lines: Any = shapely.linestrings(np.stack(ends, axis=1))
    lines = shapely.set_precision(lines, 1e-4)
    rings = shapely.polygonize([shapely.union_all(lines[~shapely.is_empty(lines)])])
    return union([part for part in shapely.get_parts(rings) if part.area > 0])


def _sides(outline: Any) -> list[tuple[Plane, float, str]]:
    """The sides of an outline that are long enough: plane, length and where it looks; the building is behind each."""
    found: list[tuple[Plane, float, str]] = []
    for part in shapely.get_parts(shapely.orient_polygons(outline)):
        for ring in shapely.get_rings(part):
            xy = shapely.get_coordinates(ring)
            for (x, y), (x1, y1) in zip(xy[:-1].tolist(), xy[1:].tolist(), strict=True):
                length = float(np.hypot(x1 - x, y1 - y))
                if length >= SHORTEST_M:
                    along = ((x1 - x) / length, (y1 - y) / length)
                    out = (along[1], -along[0])
                    found.append((Plane(x, y, along, out), length, _compass(out)))
    return found


def _compass(out: tuple[float, float]) -> str:
    return SIDES[round(float(np.degrees(np.arctan2(out[0], out[1]))) / 45) % 8]


def _shown(plane: Plane, length: float, corners: FloatArray, low: float, high: float) -> tuple[Plane, Any]:
    """What the walls of a side show between two heights when seen straight on, and the plane laid on the outermost of them."""
    whole = shapely.box(0, low, length, high)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    facing = (normal[:, 0] * plane.out[0] + normal[:, 1] * plane.out[1]) / size
    away = plane.before(corners)  # (f, 3)
    along = plane.within(corners)  # (f, 3, 2)
    reach = (along[..., 0].max(axis=1) > 0) & (along[..., 0].min(axis=1) < length)
    near = (away.min(axis=1) > -DEEP_M) & (away.max(axis=1) < PROUD_M) & (facing > 1 - UPRIGHT) & reach
    if not near.any():
        return plane, whole
    shift = float(away[near].max())
    moved = Plane(plane.x + shift * plane.out[0], plane.y + shift * plane.out[1], plane.along, plane.out)
    triangles: Any = shapely.polygons(along[near])
    seen = areal(shapely.union_all(shapely.make_valid(triangles)).intersection(whole))
    filled = union([shapely.Polygon(part.exterior) for part in shapely.get_parts(seen.buffer(0.05, join_style="mitre")) if part.area > 0])
    shape = areal(filled.buffer(-0.05, join_style="mitre").intersection(whole))
    return moved, whole if shape.area < LEAST_SHARE * whole.area else shape
