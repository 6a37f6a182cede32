"""The named evaluation surfaces of a park, gathered from its store.

Outdoors a surface is the park's ground with what is taken away from it, each exclusion with its reason and amount; indoors it is the
floors of rooms. Zones and enterprises cut the ground into pieces, so that every piece has a place in the table of zones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import buildings, owners
from twin.coverage.surface import Piece, Surface
from twin.errors import MissingInput, NotFound, UnknownParameter
from twin.measures.names import both_names
from twin.measures.usages import usage_of
from twin.model import FeatureTable, Space
from twin.scene.gather import FAR_M
from twin.store import Store
from twin.terrain import z_of_height

SURFACES = (
    "outdoor_public_ground", "crowded_rooms", "office_and_workshop_floors", "public_and_floors", "road_surface", "all_reachable",
    "layer:<id>", "storey:<id>", "space:<id>",
)  # fmt: skip
CROWDED = ("canteen", "meeting")  # indicators: crowded_rooms
WORKING = ("office", "workshop")  # indicators: office_and_workshop_floors
REACHABLE = ("corridor", "lobby", "stair", "parking", "customer")  # indicators: all_reachable
HULL_MARGIN_M = 10.0  # round what is there, where nobody has drawn the park's boundary
ROAD_WIDTH_M: Mapping[str, float] = {  # where a centreline has no width: two lanes, or one for service roads
    "motorway": 15.0, "trunk": 14.0, "primary": 12.0, "secondary": 9.0, "tertiary": 7.0, "residential": 6.0, "unclassified": 6.0,
    "service": 4.0, "living_street": 5.0,
}  # fmt: skip
OTHER_ROAD_WIDTH_M = 6.0

_ROUNDING = 1e-9  # share of an area that cutting may lose to rounding
_Polygon = Any  # shapely (Multi)Polygon, x y [m, enu]


def gather_surface(store: Store, surface_id: str, *, usages: Sequence[str] | None = None) -> Surface:
    """The pieces of a named surface, in the park's frame.

    Parameters
    ----------
    store
        The park.
    surface_id
        One of SURFACES.
    usages
        For surfaces of rooms: which usages count, instead of the surface's own.

    Raises
    ------
    UnknownParameter
        If no surface is called so.
    MissingInput
        If the park has nothing of that surface.
    """
    name, _, identity = surface_id.partition(":")
    named: Mapping[str, Callable[[], Surface]] = {
        "outdoor_public_ground": lambda: _outdoor(store),
        "crowded_rooms": lambda: _rooms(store, "crowded_rooms", usages or CROWDED),
        "office_and_workshop_floors": lambda: _rooms(store, "office_and_workshop_floors", usages or WORKING),
        "public_and_floors": lambda: _together(store, "public_and_floors", usages or WORKING),
        "all_reachable": lambda: _together(store, "all_reachable", usages or REACHABLE),
        "road_surface": lambda: _roads(store),
        "layer": lambda: _layer(store, identity),
        "storey": lambda: _storey(store, identity),
        "space": lambda: _space(store, identity),
    }
    if name not in named or (name in {"layer", "storey", "space"}) != bool(identity):
        raise UnknownParameter("surface_unknown", subject=surface_id, known=", ".join(SURFACES))
    surface = named[name]()
    if surface.area <= 0:
        raise MissingInput("surface_empty", subject=surface_id)
    return replace(surface, id=surface_id)


def boundary_of(store: Store) -> _Polygon | None:
    """The park's boundary in its frame; None where no layer of that kind has a polygon."""
    shape = _union(_polygons(store, store.features_of_kind("boundary"), closed_lines=True))
    return None if shape.is_empty else shape


def _outdoor(store: Store) -> Surface:
    park = boundary_of(store)
    warnings: list[dict[str, Any]] = []
    if park is None:
        park = _hull(store)
        warnings.append({"code": "boundary_missing", "subject": "outdoor_public_ground", "area_m2": round(park.area, 1)})
    enterprises = store.features_of_kind("enterprise")
    taken = {
        "building": _union(_footprints(store)),
        "water": _union(_polygons(store, store.features_of_kind("water"))),
        "fenced_yard": _union(_polygons(store, _rows(enterprises, [_is_fenced(enterprises.row(i)) for i in range(len(enterprises))]))),
    }
    left, exclusions = park, list[Mapping[str, Any]]()
    for reason, shape in taken.items():
        before = left.area
        left = left.difference(shape)
        if before - left.area > _ROUNDING * before:
            exclusions.append({"reason": reason, "amount": before - left.area})
    return Surface("outdoor_public_ground", _by_zone(store, _areal(left), "ground"), exclusions, warnings)


def _hull(store: Store) -> _Polygon:
    """The convex hull of buildings, roads and devices, a little wider."""
    frame = store.park().frame
    shapes = [*_footprints(store), *_near(frame.project(_flat(store.features_of_kind("road").geometry)))]
    devices = store.devices()
    if devices:
        xy = frame.to_enu([(device.lon, device.lat) for device in devices])[:, :2]
        shapes += list(_near(shapely.points(xy)))
    hull: Any = shapely.convex_hull(shapely.geometrycollections(np.array(shapes, object)))
    return hull.buffer(HULL_MARGIN_M) if shapes else shapely.Polygon()


def _roads(store: Store) -> Surface:
    areas = _union([*_polygons(store, store.features_of_kind("road_area")), *_polygons(store, store.features_of_kind("road"))])
    table = store.features_of_kind("road")
    frame = store.park().frame
    lines = [(frame.project(shapely.force_2d(shape)), table.row(i)) for i, shape in enumerate(table.geometry) if _is_line(shape)]
    strips = _near(np.array([line.buffer(_road_width(row) / 2, cap_style="flat") for line, row in lines], object))
    shape = _union([areas, *strips])
    park = boundary_of(store)
    if park is not None:
        shape = shape.intersection(park)
    if areas.is_empty and lines:
        warning = [{"code": "road_width_assumed", "subject": "road_surface", "count": sum("width_m" not in row for _, row in lines)}]
    else:
        warning = []
    return Surface("road_surface", _by_zone(store, _areal(shape), "road"), (), warning)


def _road_width(row: Mapping[str, Any]) -> float:
    for name in ("width_m", "width", "宽度", "路宽"):
        try:
            return float(str(row[name]).removesuffix("m"))
        except (KeyError, ValueError):
            continue
    return ROAD_WIDTH_M.get(str(row.get("class", "")), OTHER_ROAD_WIDTH_M)


def _layer(store: Store, layer_id: str) -> Surface:
    try:
        table = store.features(layer_id)
    except NotFound as error:
        known = ", ".join(f"layer:{layer.id}" for layer in store.layers())
        raise UnknownParameter("surface_unknown", subject=f"layer:{layer_id}", known=known) from error
    frame = store.park().frame
    pieces: list[Piece] = []
    for i, shape in enumerate(table.geometry):
        if shape is not None and shape.geom_type in {"Polygon", "MultiPolygon"}:
            row = table.row(i)
            polygon = _areal(shapely.make_valid(frame.project(shapely.force_2d(shape))))
            name = both_names(row, table.ids[i])
            pieces.append(Piece(table.ids[i], name, polygon, building_id=row.get("building_id"), usage=row.get("usage")))
    return Surface(layer_id, [piece for piece in pieces if _is_near(piece.polygon)])


def _together(store: Store, name: str, usages: Sequence[str]) -> Surface:
    """The public ground outdoors and rooms of the usages; one of the two may be missing."""
    ground, rooms = _outdoor(store), _rooms(store, name, usages)
    absent = [{"code": "rooms_missing", "subject": name, "usages": ", ".join(usages)}] if not rooms.pieces else []
    return Surface(name, [*ground.pieces, *rooms.pieces], ground.exclusions, [*ground.warnings, *absent])


def _rooms(store: Store, name: str, usages: Sequence[str]) -> Surface:
    chosen = [(space, usage) for space in store.spaces() if (usage := usage_of(space)) in usages and space.outline is not None]
    return Surface(name, _floors(store, chosen))


def _storey(store: Store, storey_id: str) -> Surface:
    if storey_id not in {storey.id for storey in store.storeys()}:
        raise UnknownParameter("surface_unknown", subject=f"storey:{storey_id}", known=", ".join(SURFACES))
    chosen = [(space, usage_of(space)) for space in store.spaces() if space.storey_id == storey_id and space.outline is not None]
    return Surface(storey_id, _floors(store, chosen) if chosen else _whole_storey(store, storey_id))


def _space(store: Store, space_id: str) -> Surface:
    chosen = [space for space in store.spaces() if space.id == space_id]
    if not chosen:
        raise UnknownParameter("surface_unknown", subject=f"space:{space_id}", known=", ".join(SURFACES))
    return Surface(space_id, _floors(store, [(space, usage_of(space)) for space in chosen if space.outline is not None]))


def _floors(store: Store, chosen: Sequence[tuple[Space, str | None]]) -> list[Piece]:
    frame = store.park().frame
    owner = owners(buildings(store) if chosen else [])
    pieces: list[Piece] = []
    for space, usage in chosen:
        polygon = _areal(shapely.make_valid(frame.project(shapely.force_2d(space.outline))))
        if polygon.is_empty or not _is_near(polygon):
            continue
        middle = shapely.get_coordinates(polygon.centroid)
        floor = float(z_of_height(frame, middle, [space.floor_h_m])[0])
        name = space.long_name or space.name or space.id
        pieces.append(Piece(space.id, name, polygon, floor, owner(space.model_id, space.id), space.storey_id, usage))
    return pieces


def _whole_storey(store: Store, storey_id: str) -> list[Piece]:
    """The outline of the model as the floor of a storey without rooms."""
    storey = next(storey for storey in store.storeys() if storey.id == storey_id)
    model = next((model for model in store.models() if model.id == storey.model_id), None)
    if model is None or model.outline is None:
        return []
    frame = store.park().frame
    polygon = _areal(shapely.make_valid(frame.project(shapely.force_2d(model.outline))))
    floor = float(z_of_height(frame, shapely.get_coordinates(polygon.centroid), [storey.base_h_m])[0])
    return [Piece(storey.id, storey.name, polygon, floor, model.building_id or model.id, storey.id)]


def _by_zone(store: Store, shape: _Polygon, rest: str) -> list[Piece]:
    """`shape` cut by the park's zones and enterprises; where these overlap the first counts. What lies in none is piece `rest`."""
    pieces: list[Piece] = []
    for kind in ("zone", "enterprise"):
        table = store.features_of_kind(kind)
        for i, polygon in _indexed_polygons(store, table):
            part = _areal(shape.intersection(polygon))
            if part.area > _ROUNDING * polygon.area:
                row = table.row(i)
                pieces.append(Piece(f"{kind}/{table.ids[i]}", both_names(row, table.ids[i]), part))
                shape = _areal(shape.difference(polygon))
    return [*pieces, Piece(rest, rest, shape)] if shape.area > 0 else pieces


def _footprints(store: Store) -> list[_Polygon]:
    shapes = [building.footprint for building in buildings(store) if building.footprint is not None]
    return _near(shapely.make_valid(store.park().frame.project(_flat(np.array(shapes, object))))) if shapes else []


def _is_fenced(row: Mapping[str, Any]) -> bool:
    marks = [str(row.get(name, "")).strip().lower() for name in ("fenced", "access", "class", "usage", "围合", "封闭")]
    return any(mark in {"1", "true", "yes", "fenced", "yard", "private", "closed", "是", "封闭", "围合"} for mark in marks)


def _rows(table: FeatureTable, keep: Sequence[bool]) -> FeatureTable:
    chosen = [i for i, ok in enumerate(keep) if ok]
    columns = {name: [values[i] for i in chosen] for name, values in table.columns.items()}
    return FeatureTable([table.ids[i] for i in chosen], table.geometry[chosen], columns)


def _polygons(store: Store, table: FeatureTable, *, closed_lines: bool = False) -> list[_Polygon]:
    return [polygon for _, polygon in _indexed_polygons(store, table, closed_lines=closed_lines)]


def _indexed_polygons(store: Store, table: FeatureTable, *, closed_lines: bool = False) -> list[tuple[int, _Polygon]]:
    """Index and polygon of the areas of a table, mended and in the park's frame; a boundary may be drawn as a closed line."""
    frame = store.park().frame
    found: list[tuple[int, _Polygon]] = []
    for i, shape in enumerate(table.geometry):
        if shape is None:
            continue
        area = _areal(shapely.polygonize(shapely.get_parts(shape))) if closed_lines and _is_line(shape) else shape
        if area.geom_type in {"Polygon", "MultiPolygon"}:
            polygon = _areal(shapely.make_valid(frame.project(shapely.force_2d(area))))
            if _is_near(polygon):
                found.append((i, polygon))
    return found


def _is_line(shape: Any) -> bool:
    return shape is not None and shape.geom_type in {"LineString", "MultiLineString"}


def _flat(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return shapely.force_2d(np.array([shape for shape in shapes if shape is not None], object))


def _near(shapes: Any) -> list[Any]:
    return [shape for shape in np.atleast_1d(shapes) if _is_near(shape)]


def _is_near(shape: Any) -> bool:
    """Whether a shape lies within reach of the park's origin."""
    return not shape.is_empty and float(np.hypot(*shapely.get_coordinates(shape)[0])) < FAR_M


def _union(shapes: Sequence[Any]) -> Any:
    return shapely.union_all(np.array(shapes, object)) if len(shapes) else shapely.Polygon()


def _areal(shape: Any) -> Any:
    """The polygons of a shape, without the lines and points that cutting may leave."""
    if shape.geom_type in {"Polygon", "MultiPolygon"}:
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return _union(parts)
