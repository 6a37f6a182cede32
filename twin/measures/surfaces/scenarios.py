"""Surfaces of one purpose: parking bays, and the places where vehicles and goods move and dangers lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from twin.buildings import buildings
from twin.coverage.surface import Piece, Surface
from twin.measures.names import both_names
from twin.measures.outlines import areal, areas, boundary_of, footprints, is_near, lines, road_width, union
from twin.measures.parking import parking
from twin.measures.surfaces.ground import by_zone, once_each, roads
from twin.measures.surfaces.rooms import rooms
from twin.measures.usages import usage_in
from twin.store import Store
from twin.terrain import z_of_height

HAZARD_WORDS = (
    "hazard",
    "chemical",
    "dangerous",
    "explosive",
    "gas station",
    "危",
    "化学",
    "危化",
    "易燃",
    "易爆",
    "油库",
    "加油",
    "燃气站",
)
LOGISTICS_WORDS = ("logistic", "freight", "truck", "cargo", "haul", "物流", "货运", "货车", "运输")
_SAID = ("class", "usage", "name", "name_zh", "用途", "功能")


def parking_spaces(store: Store) -> Surface:
    """The parking bays that have a shape, outdoors and in basements, a piece each."""
    found = parking(store, ())
    frame = store.park().frame
    floors = {storey.id: storey.base_h_m for storey in store.storeys()}
    pieces: list[Piece] = []
    for place in found.places:
        polygon = areal(place.shape)
        if polygon.is_empty or not is_near(polygon):
            continue
        floor = place.z
        if floor is None and place.storey_id in floors:
            floor = float(z_of_height(frame, shapely.get_coordinates(polygon.centroid), [floors[place.storey_id]])[0])
        pieces.append(Piece(place.id, place.id, polygon, floor, None, place.storey_id, place.sort or "parking"))
    kept, overlap = once_each(pieces)
    shapeless = len(found.places) - len(pieces)
    noted = [{"code": "bays_without_shape", "subject": "parking_spaces", "count": shapeless}] if shapeless else []
    # what parking leaves out is bays, which is another quantity than area
    left_out = [{"reason": row["reason"], "amount": 0.0, "count": row["amount"]} for row in found.exclusions]
    return Surface("parking_spaces", kept, [*overlap, *left_out], [*found.warnings, *noted])


def scenario_zones(store: Store) -> Surface:
    """Hazardous areas, warehouses, logistics routes and driving roads; where they overlap the first of these counts."""
    hazards = _places(store, "hazardous_area", HAZARD_WORDS)
    stores = _warehouses(store)
    routes = _routes(store)
    driving = roads(store)
    on_ground = [piece for piece in (*hazards, *stores, *routes) if piece.floor_z is None]
    taken = union([piece.polygon for piece in on_ground])
    rest = areal(union([piece.polygon for piece in driving.pieces]).difference(taken))
    inside = rooms(store, "scenario_zones", ("store", "hazardous"))
    pieces, overlap = once_each([*on_ground, *inside.pieces])
    left = by_zone(store, rest, "driving_road", "driving_road") if rest.area > 0 else []
    noted = [warning for warning in inside.warnings if warning["code"] != "building_without_model"]  # these stand by their footprint
    return Surface("scenario_zones", [*pieces, *left], [*overlap, *driving.exclusions], [*driving.warnings, *noted])


def _places(store: Store, usage: str, words: Sequence[str]) -> list[Piece]:
    """Zones, enterprises and key positions whose words say a use, clipped to the park."""
    park = boundary_of(store)
    pieces: list[Piece] = []
    for kind in ("zone", "enterprise", "key_position"):
        table = store.features_of_kind(kind)
        for i, polygon in areas(store, table):
            row, name = table.row(i), table.ids[i]
            shape = polygon if park is None else areal(polygon.intersection(park))
            if says(row, words) and shape.area > 0:
                pieces.append(Piece(f"{kind}/{name}", both_names(row, name), shape, usage=usage))
    return pieces


def _warehouses(store: Store) -> list[Piece]:
    """Yards and zones for storage, and the ground floors of warehouses whose models show no rooms."""
    frame = store.park().frame
    built = union(footprints(store))
    pieces: list[Piece] = []
    for kind in ("zone", "enterprise"):
        table = store.features_of_kind(kind)
        for i, polygon in areas(store, table):
            row, name = table.row(i), table.ids[i]
            yard = areal(polygon.difference(built))
            if usage_in(_text(row)) == "store" and yard.area > 0:
                pieces.append(Piece(f"{kind}/{name}", both_names(row, name), yard, usage="warehouse"))
    furnished = {space.model_id for space in store.spaces()}
    for building in buildings(store):
        if (
            usage_in(str(building.usage or "")) == "store"
            and not furnished.intersection(building.model_ids)
            and building.footprint is not None
        ):
            polygon = areal(shapely.make_valid(frame.project(shapely.force_2d(building.footprint))))
            if is_near(polygon):
                pieces.append(Piece(f"building/{building.id}", building.name, polygon, None, building.id, usage="warehouse"))
    return pieces


def _routes(store: Store) -> list[Piece]:
    """Roads that goods are moved on, as strips of their width inside the park."""
    park = boundary_of(store)
    table = store.features_of_kind("road")
    pieces: list[Piece] = []
    for i, line in lines(store, table):
        row, name = table.row(i), table.ids[i]
        if says(row, LOGISTICS_WORDS):
            strip = areal(shapely.make_valid(line.buffer(road_width(row) / 2, cap_style="flat")))
            strip = strip if park is None else areal(strip.intersection(park))
            pieces += [Piece(f"road/{name}", both_names(row, name), strip, usage="logistics_route")] if strip.area > 0 else []
    return pieces


def says(row: Mapping[str, Any], words: Sequence[str]) -> bool:
    """Whether any of the texts that tell what a feature is holds one of the words."""
    said = _text(row).casefold()
    return any(word in said for word in words)


def _text(row: Mapping[str, Any]) -> str:
    return " ".join(str(row.get(name) or "") for name in _SAID)
