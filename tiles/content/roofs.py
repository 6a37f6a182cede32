"""Roofs of extruded buildings: what their attributes say, as planes, and the planes as a body.

Said in OpenStreetMap's way (roof:shape, roof:height, roof:orientation, roof:direction; Simple 3D Buildings), in CityGML's
(RoofTypeType 1000 to 1130), or in Chinese. A roof is the lower envelope of planes over the outline, which is how roofs of one slope are:

    gabled: two planes from the long eaves   hipped: one from each eave   pyramidal: one from each eave through the top   skillion: one

Outlines that are not convex are drawn by their oriented rectangle's planes where they fill most of it; others, and ones with holes that
the planes would leave standing, stay flat, and it is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["gabled", "hipped", "pyramidal", "skillion"]

FILLED = 0.8  # an outline that fills this share of its oriented rectangle may be roofed by the rectangle's planes
SLOPE = 0.577  # 30°, where no height is said; Neufert, Architects' Data: tiled roofs from 22° to 45°
MOST_SHARE = 0.6  # of a building's height that a roof whose height is not said may take
LEVEL_M = 3.0  # height of a storey in the roof (roof:levels; Simple 3D Buildings)
GRID_M = 1e-3
_SHAPES: Mapping[Kind, re.Pattern[str]] = {
    "gabled": re.compile(r"gabled|gable|saltbox|gambrel|mansard|双坡|两坡|人字|硬山|悬山|\b1030\b|\b3100\b", re.IGNORECASE),
    "pyramidal": re.compile(r"pyramid|pavilion|cone|tented|broach|攒尖|四角|锥|\b1070\b|\b1080\b|\b1120\b|\b3500\b", re.IGNORECASE),
    "hipped": re.compile(r"hip|四坡|庑殿|歇山|\b1040\b|\b1050\b|\b3200\b", re.IGNORECASE),
    "skillion": re.compile(r"skillion|mono-?pitch|lean[_ -]to|pent\b|shed|单坡|\b1010\b|\b2100\b", re.IGNORECASE),
}
_SHAPE_KEYS = (
    "roof:shape",
    "roof_shape",
    "roofshape",
    "rooftype",
    "roof_type",
    "roof_form",
    "roof",
    "屋顶形式",
    "屋顶形状",
    "屋顶类型",
    "屋面形式",
    "屋顶",
)
_HEIGHT_KEYS = ("roof:height", "roof_height", "roofheight", "屋顶高度", "屋顶高", "屋面高度")
_COLOR_KEYS = {
    "roof": ("roof:colour", "roof:color", "roof_color", "屋顶颜色"),
    "wall": ("building:colour", "building:color", "building_color", "外墙颜色"),
}
_BELOW_KEYS = ("building:levels:underground", "levels_underground", "storeysbelowground", "storeys_below_ground", "地下层数")
_NAMED = {
    "black": (40, 40, 42), "white": (240, 240, 238), "grey": (140, 140, 140), "gray": (140, 140, 140), "silver": (190, 190, 192),
    "red": (176, 64, 52), "maroon": (120, 44, 40), "brown": (124, 88, 64), "orange": (214, 138, 70), "yellow": (226, 202, 112),
    "beige": (226, 214, 188), "green": (92, 132, 88), "blue": (82, 116, 168), "红": (176, 64, 52), "灰": (140, 140, 140),
    "白": (240, 240, 238), "蓝": (82, 116, 168), "绿": (92, 132, 88), "黄": (226, 202, 112), "棕": (124, 88, 64),
}  # fmt: skip


@dataclass(frozen=True)
class Roof:
    """What is said of a roof that is not flat."""

    kind: Kind
    height_m: float | None  # from the eaves to the top; None where it is not said
    is_across: bool  # the ridge runs the short way
    direction_deg: float | None  # the way a skillion falls, clockwise from north


@dataclass(frozen=True)
class Raised:
    """The body of one roofed building."""

    vertices: Floats  # (v, 3) [m, enu]
    faces: NDArray[np.int64]  # (f, 3), normals outward
    is_roof: NDArray[np.bool_]  # (f,)


def roof_of(attributes: Mapping[str, Any]) -> Roof | None:
    """What the attributes say of the roof; None where they say nothing, or that it is flat, or a form that is not drawn."""
    said = _said(attributes)
    shape = str(_first(said, _SHAPE_KEYS) or "")
    kind: Kind | None = next((kind for kind, pattern in _SHAPES.items() if pattern.search(shape)), None)
    if kind is None:
        return None
    levels = _number(said.get("roof:levels") or said.get("roof_levels"))
    height = _number(_first(said, _HEIGHT_KEYS)) or (levels * LEVEL_M if levels else None)
    across = str(said.get("roof:orientation") or said.get("roof_orientation") or "").lower() == "across"
    return Roof(kind, height, across, _number(said.get("roof:direction") or said.get("roof_direction")))


def levels_below(attributes: Mapping[str, Any]) -> float:
    """Storeys below the ground that the attributes tell of."""
    return max(0.0, min(_number(_first(_said(attributes), _BELOW_KEYS)) or 0.0, 20.0))


def color_of(attributes: Mapping[str, Any], part: Literal["roof", "wall"]) -> tuple[int, int, int] | None:
    """The colour said of roof or walls: #rgb, #rrggbb or a common name."""
    text = str(_first(_said(attributes), _COLOR_KEYS[part]) or "").strip().lower()
    if match := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", text):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    return _NAMED.get(text.removesuffix("色"))


def raised(outline: Any, low: float, high: float, roof: Roof) -> Raised | None:
    """The body over an outline with its roof; `high` is the top of the roof [m, enu]. None where it cannot be drawn."""
    outline = shapely.set_precision(outline, GRID_M)
    if outline.geom_type != "Polygon" or outline.is_empty:
        return None
    slopes = _slopes(outline, roof)
    if slopes is None:
        return None
    eave, planes = _eave(slopes, outline, roof, high - low)
    cells = [(cell, plane) for cell, plane in zip(_cells(planes, outline), planes, strict=True) if not cell.is_empty]
    return _body(cells, outline, low, high - eave)


def _slopes(outline: Any, roof: Roof) -> Floats | None:
    """Planes (p, 3): height a·x + b·y + c above the eaves, of slope one; None for an outline that they do not fit."""
    rectangle = shapely.minimum_rotated_rectangle(outline)
    if rectangle.geom_type != "Polygon" or rectangle.area <= 0:
        return None
    frame = shapely.get_coordinates(shapely.orient_polygons(rectangle))[:4]
    sides = np.linalg.norm(np.roll(frame, -1, axis=0) - frame, axis=1)
    if roof.kind == "skillion":
        return _edge_planes(frame)[[_upper(frame, sides, roof.direction_deg)]]
    hull = shapely.convex_hull(outline)
    is_convex = outline.area > 0.99 * hull.area
    if not is_convex and outline.area < FILLED * rectangle.area:
        return None
    if roof.kind == "gabled":
        along = int(np.argmax(sides)) % 2
        return _edge_planes(frame)[[(along + roof.is_across) % 2, (along + roof.is_across) % 2 + 2]]
    ring = shapely.get_coordinates(shapely.orient_polygons(shapely.simplify(hull, 0.05)))[:-1] if is_convex else frame
    planes = _edge_planes(ring)
    if roof.kind == "pyramidal":
        top = shapely.get_coordinates(shapely.centroid(shapely.Polygon(ring)))[0]
        planes /= np.maximum(planes @ [*top, 1.0], 1e-6)[:, None]
    return planes


def _edge_planes(ring: Floats) -> Floats:
    """Distance inwards from each edge of a counter-clockwise ring, as planes (e, 3)."""
    edge = np.roll(ring, -1, axis=0) - ring
    inward = np.column_stack([-edge[:, 1], edge[:, 0]]) / np.linalg.norm(edge, axis=1)[:, None]
    return np.column_stack([inward, -(inward * ring).sum(axis=1)])


def _upper(frame: Floats, sides: Floats, direction_deg: float | None) -> int:
    """The side of the rectangle that a skillion falls to: its distance from there is its height."""
    planes = _edge_planes(frame)
    if direction_deg is None:
        return int(np.argmax(sides))
    way = np.array([np.sin(np.radians(direction_deg)), np.cos(np.radians(direction_deg))])
    return int(np.argmin(planes[:, :2] @ way))  # the inward normal there points against the fall


def _eave(slopes: Floats, outline: Any, roof: Roof, height: float) -> tuple[float, Floats]:
    """Height of the roof [m], and its planes scaled to it."""
    points = [shapely.get_coordinates(cell) for cell in _cells(slopes, outline) if not cell.is_empty]
    tops = [(each @ slopes[:, :2].T + slopes[:, 2]).min(axis=1).max() for each in points]
    rise = max(float(max(tops)), 1e-6)
    assumed = min(SLOPE * (rise if roof.kind != "pyramidal" else np.sqrt(outline.area) / 2), MOST_SHARE * height)
    tall = min(roof.height_m or assumed, height - 0.01)
    return tall, slopes * (tall / rise)


def _cells(planes: Floats, outline: Any) -> list[Any]:
    """The part of the outline over which each plane is the lowest."""
    west, south, east, north = outline.buffer(1.0).bounds
    out: list[Any] = []
    for i, plane in enumerate(planes):
        cell = np.array([[west, south], [east, south], [east, north], [west, north]])
        for k, other in enumerate(planes):
            if k != i and len(cell):
                cell = _clipped(cell, plane - other)
        shape = shapely.Polygon(cell) if len(cell) >= 3 else shapely.Polygon()
        out.append(shapely.intersection(outline, shape, grid_size=GRID_M) if shape.area > GRID_M else shapely.Polygon())
    return out


def _clipped(ring: Floats, line: Floats) -> Floats:
    """The part of a convex ring where a·x + b·y + c ≤ 0 (Sutherland and Hodgman 1974)."""
    side = ring @ line[:2] + line[2]
    out: list[Floats] = []
    for k in range(len(ring)):
        here, there = side[k - 1], side[k]
        if (here <= 0) != (there <= 0):
            out.append(ring[k - 1] + (ring[k] - ring[k - 1]) * (here / (here - there)))
        if there <= 0:
            out.append(ring[k])
    return np.array(out) if out else np.empty((0, 2))


def _body(cells: Sequence[tuple[Any, Floats]], outline: Any, low: float, eave: float) -> Raised | None:
    """Roof over each cell, the floor below it, walls along the outline."""
    triangles: list[Floats] = []
    kinds: list[bool] = []
    for cell, plane in cells:
        flat = _triangles(cell)
        if len(flat):
            top = np.dstack([flat, eave + np.maximum(flat @ plane[:2] + plane[2], 0.0)])  # (t, 3, 3)
            floor = np.dstack([flat, np.full(flat.shape[:2], low)])[:, ::-1]
            walls = _walls(cell, plane, outline, low, eave)
            triangles += [top, floor, walls]
            kinds += [True] * len(top) + [False] * (len(floor) + len(walls))
    if not triangles:
        return None
    corners = np.concatenate(triangles)
    return Raised(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3), np.array(kinds))


def _triangles(cell: Any) -> Floats:
    """Counter-clockwise triangles (t, 3, 2) of a flat shape."""
    parts = [part for part in shapely.get_parts(cell) if part.geom_type == "Polygon" and part.area > 0]
    found = shapely.get_parts(shapely.constrained_delaunay_triangles(np.array(parts, object))) if parts else []
    rings = np.array([shapely.get_coordinates(shapely.orient_polygons(each))[:3] for each in found])
    return rings.reshape(-1, 3, 2)


def _walls(cell: Any, plane: Floats, outline: Any, low: float, eave: float) -> Floats:
    """Triangles (t, 3, 3) of the walls below a cell, along the outline. [m, enu]"""
    out: list[Floats] = []
    parts = shapely.get_parts(shapely.orient_polygons(cell))
    for ring in (ring for part in parts if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)):
        points = shapely.get_coordinates(ring)
        start, end = points[:-1], points[1:]
        at_edge = shapely.distance(outline.boundary, shapely.points((start + end) / 2)) < 2 * GRID_M
        for a, b in zip(start[at_edge], end[at_edge], strict=True):
            top_a, top_b = (eave + max(0.0, float(plane[:2] @ p + plane[2])) for p in (a, b))
            below, above = np.array([[*a, low], [*b, low]]), np.array([[*a, top_a], [*b, top_b]])
            out.append(np.array([[below[0], below[1], above[1]], [below[0], above[1], above[0]]]))
    return np.concatenate(out) if out else np.empty((0, 3, 3))


def _said(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """All that is said, by key in small letters; rare tags of OpenStreetMap lie together under `tags`."""
    rare = attributes.get("tags")
    if isinstance(rare, str):
        try:
            rare = json.loads(rare)
        except ValueError:
            rare = None
    together = {**(rare if isinstance(rare, Mapping) else {}), **attributes}
    return {str(key).lower(): value for key, value in together.items()}


def _first(said: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((said[key] for key in keys if said.get(key) not in (None, "")), None)


def _number(value: Any) -> float | None:
    """The number a text begins with; None where there is none."""
    match = re.match(r"\s*-?\d+(?:\.\d+)?", str(value)) if value is not None else None
    return float(match[0]) if match else None
