"""Surfaces on the ground: the public ground outdoors, roads, and the areas of any layer.

Pieces and exclusions add up to what the surface was cut from: the park's boundary, or the roads that are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from twin.coverage.surface import Piece, Surface
from twin.errors import NotFound, UnknownParameter
from twin.measures.names import both_names
from twin.measures.outlines import areal, areas, boundary_of, footprints, is_near, lines, road_width, union, width_of
from twin.measures.surfaces.weights import importance_of, persons_of
from twin.store import Store

HULL_MARGIN_M = 10.0  # round what is there, where nobody has drawn the park's boundary
NOT_BUILT = ("planned", "building", "reserved", "retired")
_ROUNDING = 1e-9  # share of an area that cutting may lose to rounding
_TOLD = 1e-8  # a smaller share is not worth telling
_FENCED = {"1", "true", "yes", "fenced", "fenced_yard", "yard", "private", "closed", "是", "封闭", "围合"}
REST = {  # what lies in no zone
    "ground": "其余地面 · Other ground", "road": "其余道路 · Other roads", "driving_road": "其余行车道路 · Other driving roads",
}  # fmt: skip
_Polygon = Any  # shapely (Multi)Polygon, x y [m, enu]


def outdoor(store: Store) -> Surface:
    """The park's ground without buildings, water and fenced yards."""
    park, warnings = _park(store)
    enterprises = store.features_of_kind("enterprise")
    yards = [polygon for i, polygon in areas(store, enterprises) if is_fenced(enterprises.row(i))]
    taken = {
        "building": union(footprints(store)),
        "water": union([polygon for _, polygon in areas(store, store.features_of_kind("water"))]),
        "fenced_yard": union(yards),
    }
    left, exclusions = park, list[Mapping[str, Any]]()
    for reason, shape in taken.items():
        before = left.area
        left = areal(left.difference(shape))
        if before - left.area > _TOLD * before:
            exclusions.append({"reason": reason, "amount": before - left.area})
    return Surface("outdoor_public_ground", by_zone(store, left, "ground"), exclusions, warnings)


def roads(store: Store) -> Surface:
    """Road areas, and centrelines as strips of their width, inside the park's boundary; what overlaps counts once."""
    table, drawn = store.features_of_kind("road"), store.features_of_kind("road_area")
    polygons = [(drawn.row(i), polygon) for i, polygon in areas(store, drawn)] + [
        (table.row(i), polygon) for i, polygon in areas(store, table)
    ]
    along = [(table.row(i), line) for i, line in lines(store, table)]
    strips = [(row, line.buffer(road_width(row) / 2, cap_style="flat")) for row, line in along]
    whole = union([shape for _, shape in (*polygons, *strips)])
    shape = union([shape for row, shape in (*polygons, *strips) if str(row.get("status", "")) not in NOT_BUILT])
    exclusions = _lost("not_in_service", whole, shape)
    park = boundary_of(store)
    if park is not None:
        inside = areal(shape.intersection(park))
        exclusions += _lost("outside_boundary", shape, inside)
        shape = inside
    assumed = sum(width_of(row) is None for row, _ in along)
    warnings = [{"code": "road_width_assumed", "subject": "road_surface", "count": assumed}] if assumed and not polygons else []
    return Surface("road_surface", by_zone(store, areal(shape), "road"), exclusions, warnings)


def layer(store: Store, layer_id: str) -> Surface:
    """The areas of one layer, a piece each; where they overlap the first counts."""
    try:
        table = store.features(layer_id)
    except NotFound as error:
        known = ", ".join(f"layer:{each.id}" for each in store.layers())
        raise UnknownParameter("surface_unknown", subject=f"layer:{layer_id}", known=known) from error
    pieces: list[Piece] = []
    for i, polygon in areas(store, table):
        row, name = table.row(i), table.ids[i]
        own = Piece(name, both_names(row, name), polygon, building_id=row.get("building_id"), usage=row.get("usage"))
        pieces.append(replace(own, persons=persons_of(row), importance=importance_of(row)))
    kept, exclusions = once_each(pieces)
    return Surface(layer_id, kept, exclusions)


def by_zone(store: Store, shape: _Polygon, rest: str, usage: str | None = None) -> list[Piece]:
    """`shape` cut by the park's zones and enterprises; where these overlap the first counts. What lies in none is piece `rest`."""
    pieces: list[Piece] = []
    for kind in ("zone", "enterprise"):
        table = store.features_of_kind(kind)
        for i, polygon in areas(store, table):
            part = areal(shape.intersection(polygon))
            if part.area > _ROUNDING * polygon.area:
                row, name = table.row(i), table.ids[i]
                own = Piece(f"{kind}/{name}", both_names(row, name), part, usage=usage)
                pieces.append(replace(own, persons=persons_of(row), importance=importance_of(row)))
                shape = areal(shape.difference(polygon))
    return [*pieces, Piece(rest, REST[rest], shape, usage=usage)] if shape.area > 0 else pieces


def once_each(pieces: Sequence[Piece], level_m: float = 1.0) -> tuple[list[Piece], list[Mapping[str, Any]]]:
    """Pieces without what earlier pieces on the same level already cover, and the area that was left out.

    Parameters
    ----------
    pieces
        In the order in which they count.
    level_m
        Floors nearer than this are one level. [m]
    """
    if len(pieces) < 2:
        return list(pieces), []
    shapes = np.array([piece.polygon for piece in pieces], object)
    tree = shapely.STRtree(shapes)
    kept: list[Piece] = []
    lost = 0.0
    for k, piece in enumerate(pieces):
        before = [i for i in tree.query(shapes[k], predicate="intersects").tolist() if i < k and _one_level(pieces[i], piece, level_m)]
        own = areal(shapes[k].difference(union(list(shapes[before])))) if before else shapes[k]
        if shapes[k].area - own.area <= _ROUNDING * shapes[k].area:
            kept.append(piece)
            continue
        lost += shapes[k].area - own.area
        if own.area > _ROUNDING * shapes[k].area:
            kept.append(replace(piece, polygon=own))
        else:
            lost += own.area
    return kept, [{"reason": "overlap", "amount": lost}] if lost else []


def is_fenced(row: Mapping[str, Any]) -> bool:
    """Whether a yard is closed to the public."""
    return any(str(row.get(name, "")).strip().casefold() in _FENCED for name in ("fenced", "access", "class", "usage", "围合", "封闭"))


def _one_level(one: Piece, other: Piece, level_m: float) -> bool:
    if one.floor_z is None or other.floor_z is None:
        return one.floor_z is other.floor_z
    return abs(one.floor_z - other.floor_z) < level_m


def _park(store: Store) -> tuple[_Polygon, list[Mapping[str, Any]]]:
    """The park's boundary; where nobody has drawn one, the hull of what is there, and that it is so."""
    park = boundary_of(store)
    if park is not None:
        return park, []
    hull = _hull(store)
    return hull, [{"code": "boundary_missing", "subject": "outdoor_public_ground", "area_m2": round(hull.area, 1)}]


def _hull(store: Store) -> _Polygon:
    """The convex hull of buildings, roads and devices, a little wider."""
    shapes = [*footprints(store), *(line for _, line in lines(store, store.features_of_kind("road")))]
    devices = store.devices()
    if devices:
        xy = store.park().frame.to_enu([(device.lon, device.lat) for device in devices])[:, :2]
        points: Any = shapely.points(xy)
        shapes += [point for point in points if is_near(point)]
    hull: Any = shapely.convex_hull(shapely.geometrycollections(np.array(shapes, object)))
    return hull.buffer(HULL_MARGIN_M) if shapes else shapely.Polygon()


def _lost(reason: str, before: _Polygon, after: _Polygon) -> list[Mapping[str, Any]]:
    amount = before.area - after.area
    return [{"reason": reason, "amount": amount}] if amount > _TOLD * before.area else []
