"""Surfaces indoors: the floors of rooms by use, of one storey, of one room.

The area of a room is that of its outline, which is the net floor; where its model gives a net area of its own, the two are compared, and
rooms that differ by more than AREA_SLACK are named. A model without rooms gives the floors of its storeys instead, which is gross area, and
that is said; a building without a model gives none: its floors are an exclusion with their amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import shapely

from twin.buildings import Building, buildings, owners
from twin.coverage.surface import Piece, Surface
from twin.errors import UnknownParameter
from twin.measures.outlines import areal, is_near
from twin.measures.surfaces.ground import once_each, outdoor
from twin.measures.surfaces.levels import Level, levels
from twin.measures.surfaces.weights import importance_of, persons_in
from twin.measures.usages import usage_in, usage_of
from twin.model import ATTRIBUTES, Space
from twin.store import Store
from twin.terrain import z_of_height

REACHABLE = ("corridor", "lobby", "stair", "parking", "customer")  # indicators: all_reachable
AREA_SLACK = 0.02  # a stated and a drawn area that differ by more are not the same (indicators: monitoring_centre_area)
SLIVER_M2 = 0.01  # a part of a room smaller than this is an error of drawing
NAMED = 5  # ids that a warning names


def rooms(store: Store, name: str, usages: Sequence[str]) -> Surface:
    """The floors of the rooms of some usages, overlapping ones once; with what was left out, and why."""
    used = [(space, usage) for space in store.spaces() if (usage := usage_of(space)) in usages]
    drawn = [(space, usage) for space, usage in used if space.outline is not None]
    standing = buildings(store)
    pieces, slivers = _floors(store, drawn, standing)
    instead, silent = _storeys_instead(store, standing, usages)
    pieces, exclusions = once_each([*sorted(pieces, key=lambda piece: piece.polygon.area), *instead])
    undrawn = [space for space, _ in used if space.outline is None]
    without, without_area = _without_model(store, standing, usages)
    exclusions = [
        *exclusions,
        *_excluded("sliver", slivers),
        *_excluded("no_outline", sum(space.area_m2 or 0.0 for space in undrawn)),
        *_excluded("building_without_model", without_area),
    ]
    warnings = [
        *_differing(pieces),
        *_noted("floors_from_outlines", name, sorted({piece.building_id or piece.id for piece in instead})),
        *_noted("room_without_outline", name, [space.long_name or space.name or space.id for space in undrawn]),
        *_noted("rooms_overlap", name, [1] if any(row["reason"] == "overlap" for row in exclusions) else [], "rooms"),
        *_noted("model_without_rooms", name, silent),
        *_noted("building_without_model", name, without),
    ]
    return Surface(name, pieces, exclusions, warnings)


def together(store: Store, name: str, usages: Sequence[str]) -> Surface:
    """The public ground outdoors and rooms of the usages; one of the two may be missing."""
    ground, inside = outdoor(store), rooms(store, name, usages)
    absent = [{"code": "rooms_missing", "subject": name, "usages": ", ".join(usages)}] if not inside.pieces else []
    return Surface(
        name, [*ground.pieces, *inside.pieces], [*ground.exclusions, *inside.exclusions], [*absent, *ground.warnings, *inside.warnings]
    )


def storey(store: Store, storey_id: str) -> Surface:
    """All rooms of one storey, or its whole floor where it has none."""
    own = next((storey for storey in store.storeys() if storey.id == storey_id), None)
    if own is None:
        raise UnknownParameter("surface_unknown", subject=f"storey:{storey_id}", known="storey:<id>")
    drawn = [(space, usage_of(space)) for space in store.spaces(own.model_id) if space.storey_id == storey_id and space.outline is not None]
    standing = buildings(store)
    if drawn:
        pieces, slivers = _floors(store, drawn, standing)
        pieces, exclusions = once_each(sorted(pieces, key=lambda piece: piece.polygon.area))
        return Surface(storey_id, pieces, [*exclusions, *_excluded("sliver", slivers)], _differing(pieces))
    floor = next((level for level in levels(store, standing, every=True) if level.id == storey_id), None)
    pieces = [] if floor is None else [_as_piece(floor, None)]
    return Surface(storey_id, pieces, (), _noted("floors_from_outlines", storey_id, [storey_id]) if pieces else ())


def single_room(store: Store, space_id: str) -> Surface:
    """The floor of one room."""
    chosen = [space for space in store.spaces() if space.id == space_id]
    if not chosen:
        raise UnknownParameter("surface_unknown", subject=f"space:{space_id}", known="space:<id>")
    pieces, slivers = _floors(store, [(space, usage_of(space)) for space in chosen if space.outline is not None], buildings(store))
    return Surface(space_id, pieces, _excluded("sliver", slivers), _differing(pieces))


def stated_area(space: Space) -> float | None:
    """The net floor area that a room's model states [m2]; None where it states none, or the drawn one stands for it."""
    own = space.attributes.get(ATTRIBUTES)
    if isinstance(own, Mapping):
        said = own.get("area_by_quantity_m2")
        return float(said) if isinstance(said, int | float) and said > 0 else None
    return space.area_m2


def _floors(store: Store, chosen: Sequence[tuple[Space, str | None]], standing: Sequence[Building]) -> tuple[list[Piece], float]:
    """A piece for each room that has a floor, and the area of the slivers that were left out. [m2]"""
    frame = store.park().frame
    owner = owners(standing)
    pieces: list[Piece] = []
    slivers = 0.0
    for space, usage in chosen:
        whole = areal(shapely.make_valid(frame.project(shapely.force_2d(space.outline))))
        polygon = areal(shapely.union_all([part for part in shapely.get_parts(whole) if part.area >= SLIVER_M2]))
        slivers += float(whole.area - polygon.area)
        if not is_near(polygon):
            continue
        floor = float(z_of_height(frame, shapely.get_coordinates(polygon.centroid), [space.floor_h_m])[0])
        name = space.long_name or space.name or space.id
        own = Piece(space.id, name, polygon, floor, owner(space.model_id, space.id), space.storey_id, usage)
        weighted = replace(own, persons=persons_in(space), importance=importance_of(space.attributes))
        pieces.append(replace(weighted, stated_m2=stated_area(space)))
    return pieces, slivers


def _storeys_instead(store: Store, standing: Sequence[Building], usages: Sequence[str]) -> tuple[list[Piece], list[str]]:
    """The floors of buildings whose models have no rooms, where the building's own use counts; and those whose use nobody knows."""
    furnished = {space.model_id for space in store.spaces()}
    bare = [building for building in standing if building.model_ids and not furnished.intersection(building.model_ids)]
    used = {building.id: _usage(building) for building in bare}
    wanted = [building for building in bare if used[building.id] in usages]
    pieces = [_as_piece(level, used[level.building_id]) for level in (levels(store, wanted) if wanted else [])]
    return pieces, [building.name for building in bare if used[building.id] is None]


def _without_model(store: Store, standing: Sequence[Building], usages: Sequence[str]) -> tuple[list[str], float]:
    """Buildings of the usages that have no model, and the area of all their floors by footprint and storeys. [m2]"""
    wanted = [building for building in standing if not building.model_ids and _usage(building) in usages]
    floors = levels(store, wanted) if wanted else []
    return [building.name for building in wanted], float(sum(level.outline.area for level in floors))


def _usage(building: Building) -> str | None:
    for said in (building.usage, building.name, building.name_zh):
        found = usage_in(str(said or ""))
        if found:
            return found
    return None


def _as_piece(level: Level, usage: str | None) -> Piece:
    return Piece(level.id, level.name, level.outline, level.floor_z, level.building_id, level.id, usage)


def _differing(pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
    """Rooms whose stated area is not that of their outline."""
    off = {piece.id: piece.polygon.area / piece.stated_m2 - 1 for piece in pieces if piece.stated_m2}
    wrong = sorted((name for name, share in off.items() if abs(share) > AREA_SLACK), key=lambda name: -abs(off[name]))
    if not wrong:
        return []
    names = {piece.id: piece.name for piece in pieces}
    worst = round(100 * off[wrong[0]], 1)
    return [{"code": "room_area_differs", "subject": ", ".join(names[name] for name in wrong[:NAMED]), "count": len(wrong), "worst": worst}]


def _excluded(reason: str, amount: float) -> list[Mapping[str, Any]]:
    return [{"reason": reason, "amount": amount}] if amount > 0 else []


def _noted(code: str, surface: str, names: Sequence[Any], subject: str = "") -> list[Mapping[str, Any]]:
    shown = subject or ", ".join(str(name) for name in names[:NAMED])
    return [{"code": code, "subject": shown, "surface": surface, "count": len(names)}] if names else []
