"""Entities of a drawing as plane geometry: curves as chords, hatches with their holes, meshes as the ground they cover."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from ezdxf import path as paths
from ezdxf.render.mesh import MeshBuilder

CURVES = {"LINE", "LWPOLYLINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "HELIX"}
FACES = {"SOLID", "TRACE", "3DFACE"}
Point = tuple[float, float, float]
Flat = tuple[float, float]
Flat3 = tuple[float, float, float]  # x, y, bulge
MOST_CHORDS = 100_000  # of one arc; what needs more has no radius anybody meant
_FRAME = 16  # flag of a polyline's vertex that is not on it but steers its curve
_CLOSE = 1e-9  # ends that miss each other by less are one [drawing units]
_FLAT = 1e-9  # heights that differ by less are one height [drawing units]


@dataclass(frozen=True)
class Shape:
    """Geometry of an entity and what its drawing says of it, lengths in drawing units."""

    geometry: Any
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])


def shape_of(entity: Any, chord: float) -> Shape | None:
    """The geometry of an entity; None where it has none that lies on the ground.

    Parameters
    ----------
    entity
        Any entity but blocks and text, in world coordinates or on a plane of its own.
    chord
        The greatest distance of a chord from its curve. [drawing units]
    """
    kind = entity.dxftype()
    if kind in CURVES:
        return _curve(entity, chord)
    if kind in FACES:
        return _faces([[tuple(v) for v in entity.wcs_vertices()]])
    reader = _READERS.get(kind)
    return reader(entity, chord) if reader is not None else None


def asymmetry_deg(shapes: Iterable[Any]) -> float | None:
    """Which way a symbol points within its block: from the base point to the middle of what it covers; None where it has no direction."""
    geometry = shapely.union_all([shapely.force_2d(each) for each in shapes]) if shapes else None
    if geometry is None or geometry.is_empty:
        return None
    hull = geometry.convex_hull
    x, y = hull.centroid.x, hull.centroid.y
    size = math.sqrt(max(hull.area, 1e-300))
    return math.degrees(math.atan2(y, x)) if math.hypot(x, y) > 0.2 * size else None


def _curve(entity: Any, chord: float) -> Shape | None:
    said = _thickness(entity)
    if entity.dxftype() == "LWPOLYLINE" and entity.dxf.get("const_width", 0.0) > 0.0:
        said["width"] = float(entity.dxf.const_width)
    geometry = _line(_once(_points_of(entity, chord), _is_closed(entity)))
    return None if geometry is None else Shape(geometry, said)


def _points_of(entity: Any, chord: float) -> list[Point]:
    """The points of a curve; arcs by their own circle, since the library's curves stand for them to a 4000th of the radius only."""
    kind = entity.dxftype()
    if kind == "LINE":
        return _finite([entity.dxf.start, entity.dxf.end])
    if kind == "LWPOLYLINE":
        flat = bulged([(x, y, bulge) for x, y, bulge in entity.get_points("xyb")], entity.closed, chord)
        return _world(entity, flat, float(entity.dxf.elevation))
    if kind in {"CIRCLE", "ARC"}:
        center, radius = entity.dxf.center, float(entity.dxf.radius)
        start, end = (0.0, 360.0) if kind == "CIRCLE" else (float(entity.dxf.start_angle), float(entity.dxf.end_angle))
        sweep = math.radians((end - start) % 360.0 or 360.0)
        return _world(entity, arc((center.x, center.y), radius, math.radians(start), sweep, chord), float(center.z))
    path = paths.make_path(entity)
    _finite(path.control_vertices())
    return _finite(path.flattening(chord, segments=8))


def _polyline(entity: Any, chord: float) -> Shape | None:
    if entity.is_poly_face_mesh or entity.is_polygon_mesh:
        return _faces([[tuple(v) for v in face.vertices] for face in _mesh_faces(entity)])
    said = _thickness(entity)
    if entity.is_2d_polyline and entity.dxf.get("default_start_width", 0.0) > 0.0:
        said["width"] = float(entity.dxf.default_start_width)
    drawn = [vertex for vertex in entity.vertices if not vertex.dxf.get("flags", 0) & _FRAME]
    if entity.is_2d_polyline:
        flat = [(v.dxf.location.x, v.dxf.location.y, float(v.dxf.get("bulge", 0.0))) for v in drawn]
        points = _world(entity, bulged(flat, entity.is_closed, chord), float(drawn[0].dxf.location.z) if drawn else 0.0)
    else:
        points = _finite([vertex.dxf.location for vertex in drawn])
    geometry = _line(_once(points, entity.is_closed))
    return None if geometry is None else Shape(geometry, said)


def bulged(points: Sequence[Flat3], is_closed: bool, chord: float) -> list[Flat]:
    """The points of a polyline given by x, y and the bulge to the next point: a quarter of the angle's tangent, positive to the left."""
    ends = [*points[1:], *(points[:1] if is_closed else [])]
    out: list[Flat] = [(x, y) for x, y, _ in points[:1]]
    for (x, y, bulge), (u, v, _) in zip(points, ends, strict=False):
        if bulge and (x, y) != (u, v):
            half = (1.0 / bulge - bulge) / 4.0  # from the middle of the chord to the centre, to the left, in chords
            center = ((x + u) / 2 - (v - y) * half, (y + v) / 2 + (u - x) * half)
            start = math.atan2(y - center[1], x - center[0])
            out += arc(center, math.dist(center, (x, y)), start, 4.0 * math.atan(bulge), chord)[1:-1]
        out.append((u, v))
    return out


def arc(center: Flat, radius: float, start: float, sweep: float, chord: float) -> list[Flat]:
    """The points of an arc from angle `start` over `sweep`, negative clockwise [rad], none of whose chords is further off than `chord`."""
    if not all(map(math.isfinite, (*center, radius, start, sweep))) or radius <= 0.0:
        raise ValueError(radius)
    step = 2.0 * math.acos(1.0 - min(chord, radius / 8) / radius)
    count = max(2, math.ceil(abs(sweep) / step))
    if count > MOST_CHORDS:
        raise ValueError(radius)
    angles = [start + sweep * k / count for k in range(count + 1)]
    return [(center[0] + radius * math.cos(angle), center[1] + radius * math.sin(angle)) for angle in angles]


def _mesh_faces(entity: Any) -> Iterable[Any]:
    builder = MeshBuilder.from_polyface(entity)
    for face in builder.faces_as_vertices():
        yield _Face(list(face))


@dataclass(frozen=True)
class _Face:
    vertices: Sequence[Any]


def _mesh(entity: Any, _chord: float) -> Shape | None:
    vertices = [tuple(v) for v in entity.vertices]
    return _faces([[vertices[i] for i in face] for face in entity.faces])


def _point(entity: Any, _chord: float) -> Shape:
    x, y, z = _finite([entity.dxf.location])[0]
    return Shape(shapely.Point(x, y, z) if z != 0.0 else shapely.Point(x, y), {})


def _hatch(entity: Any, chord: float) -> Shape | None:
    """The area of a hatch: what an odd number of its boundaries encloses."""
    rings = [_boundary(entity, boundary, chord) for boundary in entity.paths]
    if any(ring is None for ring in rings):  # edges that do not follow one another: the library sorts them
        rings = [_once(_finite(path.flattening(chord, segments=8)), True) for path in paths.from_hatch(entity)]
    area: Any = shapely.Polygon()
    for ring in rings:
        if ring is not None and len(ring) >= 4:
            area = shapely.symmetric_difference(area, shapely.make_valid(shapely.Polygon([point[:2] for point in ring])))
    polygons = [part for part in shapely.get_parts(area) if part.geom_type in {"Polygon", "MultiPolygon"} and part.area > 0]
    if not polygons:
        return None
    said = {} if entity.dxf.get("solid_fill", 0) else {"pattern": str(entity.dxf.get("pattern_name", ""))}
    return Shape(polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons), said)


def _boundary(entity: Any, boundary: Any, chord: float) -> list[Point] | None:
    """One boundary of a hatch as a ring; None where its edges do not follow one another."""
    if hasattr(boundary, "vertices"):
        flat = bulged([(x, y, bulge) for x, y, bulge in boundary.vertices], True, chord)
        return _once(_world(entity, flat, 0.0), True)
    out: list[Flat] = []
    for edge in boundary.edges:
        points = _edge(edge, chord)
        if out and _far(out[-1], points[0]) and not _far(out[-1], points[-1]):
            points = points[::-1]
        if out and _far(out[-1], points[0]):
            return None
        out += points
    return _once(_world(entity, out, 0.0), True) if out and not _far(out[0], out[-1]) else None


def _edge(edge: Any, chord: float) -> list[Flat]:
    kind = type(edge).__name__
    if kind == "LineEdge":
        return [(edge.start.x, edge.start.y), (edge.end.x, edge.end.y)]
    if kind == "ArcEdge":
        sweep = (edge.end_angle - edge.start_angle) % 360.0 or 360.0
        start = edge.start_angle if edge.ccw else edge.end_angle
        points = arc((edge.center.x, edge.center.y), edge.radius, math.radians(edge.start_angle), math.radians(sweep), chord)
        return points if start == edge.start_angle else points[::-1]
    return [point[:2] for point in _finite(edge.construction_tool().flattening(chord, 8))]


def _far(one: Flat, other: Flat) -> bool:
    """Whether two points are not one, by the precision of what draws them."""
    return math.dist(one, other) > 1e-6 * max(1.0, abs(one[0]), abs(one[1])) ** 0.5


def _faces(faces: Sequence[Sequence[tuple[float, float, float]]]) -> Shape | None:
    """The ground that faces cover, with the lowest and the highest of their points; a line where they all stand upright."""
    rings = [np.array(face, float) for face in faces if len(face) >= 3]
    if not rings:
        return None
    points = np.vstack(rings)
    low, high = float(points[:, 2].min()), float(points[:, 2].max())
    flat = [shapely.make_valid(shapely.Polygon(ring[:, :2])) for ring in rings]
    areas = [part for shape in flat for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    said = {"z_low": low, "rise": high - low} if high - low > _FLAT else {}
    if not areas:
        line = _line([tuple(v) for v in [*points, points[0]]])
        return None if line is None else Shape(shapely.force_2d(line), said)
    covered = shapely.union_all(areas)
    if low == high != 0.0:
        covered = shapely.force_3d(covered, low)
    return Shape(covered, said)


def _is_closed(entity: Any) -> bool:
    return bool(getattr(entity, "closed", False) or getattr(entity, "is_closed", False))


def _once(points: Sequence[Point], is_closed: bool) -> list[Point]:
    """The points, each once after the other, the first again where the line is closed."""
    kept = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    if is_closed and len(kept) > 2 and kept[0] != kept[-1]:
        kept = [*kept[:-1], kept[0]] if math.dist(kept[0], kept[-1]) < _CLOSE else [*kept, kept[0]]
    return kept


def _world(entity: Any, points: Sequence[Flat], level: float) -> list[Point]:
    """Points of an entity's own plane in world coordinates."""
    ocs = entity.ocs()
    return _finite([ocs.to_wcs((x, y, level)) for x, y in points] if ocs.transform else [(x, y, level) for x, y in points])


def _finite(points: Iterable[Any]) -> list[Point]:
    """Points as plain numbers.

    Raises
    ------
    ValueError
        If one is no number: a curve through nowhere has no end of chords.
    """
    out = [(float(point[0]), float(point[1]), float(point[2]) if len(point) > 2 else 0.0) for point in points]
    if not np.isfinite(out).all():
        raise ValueError(out)
    return out


def _line(points: Sequence[Point]) -> Any:
    """A line through points, flat where all heights are zero; None where they are not two."""
    if len(points) < 2:
        return None
    solid = any(point[2] != 0.0 for point in points)
    return shapely.LineString(points if solid else [point[:2] for point in points])


def _thickness(entity: Any) -> dict[str, Any]:
    thickness = float(entity.dxf.get("thickness", 0.0) or 0.0) if entity.dxf.is_supported("thickness") else 0.0
    return {"rise": abs(thickness)} if abs(thickness) > _FLAT and math.isfinite(thickness) else {}


_READERS: Mapping[str, Callable[[Any, float], Shape | None]] = {
    "POLYLINE": _polyline,
    "MESH": _mesh,
    "POINT": _point,
    "HATCH": _hatch,
    "MPOLYGON": _hatch,
}
