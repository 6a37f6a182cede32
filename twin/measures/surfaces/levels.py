"""The storeys of a park's buildings: their floors as outlines, and which is the ground floor, the top, or below ground.

A model's storeys are those that hold rooms, or, where it has no rooms at all, walls or doors; a level that carries only a roof or footings
is none. The outline of a storey is that of its slabs and rooms, else of the whole model. A building without a model has as many storeys as
its table says, else one for every STOREY_HEIGHT_M of its height, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from twin.buildings import STOREY_HEIGHT_M, Building, buildings
from twin.coverage.surface import Piece, Surface
from twin.measures.outlines import areal, is_near, union
from twin.model import Model, Storey
from twin.scene.ground import ground_of
from twin.store import Store
from twin.terrain import z_of_height

BELOW_M = 1.5  # a floor this far below the ground outside is below ground
SHARE_OF_MODEL = 0.1  # slabs and rooms that cover less of the model's outline do not show a storey's floor
_ENCLOSING = ("IfcWall", "IfcDoor", "IfcWindow", "IfcCurtainWall", "IfcColumn")


@dataclass(frozen=True)
class Level:
    """One storey of one building: its floor [m, enu], its clear height [m] and its place: basement, ground, typical, top or only."""

    id: str
    name: str
    building_id: str
    outline: Any  # shapely (Multi)Polygon, x y [m, enu]
    floor_z: float
    height_m: float | None
    place: str = "typical"
    model_id: str | None = None
    is_assumed: bool = False  # the number of storeys is assumed from the height


def storeys(store: Store) -> Surface:
    """Every storey of every building as a piece; its usage is its place in the building."""
    found = levels(store, buildings(store))
    pieces = [
        Piece(level.id, level.name, level.outline, level.floor_z, level.building_id, level.id, level.place)
        for level in found
        if level.outline.area > 0
    ]
    assumed = sorted({level.building_id for level in found if level.is_assumed})
    warnings = [{"code": "storeys_assumed", "subject": ", ".join(assumed[:5]), "count": len(assumed)}] if assumed else []
    return Surface("storeys", pieces, (), warnings)


def levels(store: Store, standing: Sequence[Building], *, every: bool = False) -> list[Level]:
    """The storeys of some buildings, each building's lowest first.

    Parameters
    ----------
    store
        The park.
    standing
        Of which buildings.
    every
        Also levels that are no storeys: roofs, footings.
    """
    models = {model.id: model for model in store.models()}
    found: list[Level] = []
    for building in standing:
        own = [level for name in building.model_ids if name in models for level in _of_model(store, building, models[name], every)]
        own = _of_one_building(own) if own else _by_count(store, building)
        found += _placed(store, own)
    return found


def _of_model(store: Store, building: Building, model: Model, every: bool) -> list[Level]:
    """The storeys of one model; of a model of many buildings, those that are this one's."""
    spaces = [space for space in store.spaces(model.id) if building.holds(model.id, space.id)]
    elements = [element for element in store.elements(model.id) if building.holds(model.id, element.id)]
    enclosed = {element.storey_id for element in elements if element.ifc_class.startswith(_ENCLOSING)}
    lived = {space.storey_id for space in spaces} if spaces else enclosed
    chosen = [storey for storey in store.storeys(model.id) if every or storey.id in lived]
    if not chosen:
        return []
    slabs = _slabs(store, model, {element.id: element.storey_id for element in elements if element.ifc_class.startswith("IfcSlab")})
    frame = store.park().frame
    whole = areal(shapely.make_valid(frame.project(shapely.force_2d(model.outline)))) if model.outline is not None else shapely.Polygon()
    rooms: dict[str | None, list[Any]] = {}
    for space in spaces:
        if space.outline is not None:
            rooms.setdefault(space.storey_id, []).append(areal(shapely.make_valid(frame.project(shapely.force_2d(space.outline)))))
    out: list[Level] = []
    for storey in sorted(chosen, key=lambda each: each.base_h_m):
        outline = union([*rooms.get(storey.id, []), slabs.get(storey.id, shapely.Polygon())])
        outline = whole if outline.area < SHARE_OF_MODEL * whole.area else areal(outline)
        if is_near(outline):
            out.append(_level(store, storey, building, outline))
    return out


def _level(store: Store, storey: Storey, building: Building, outline: Any) -> Level:
    floor = float(z_of_height(store.park().frame, shapely.get_coordinates(outline.centroid), [storey.base_h_m])[0])
    return Level(storey.id, storey.name, building.id, outline, floor, storey.height_m, model_id=storey.model_id)


def _slabs(store: Store, model: Model, storey_of: Mapping[str, str | None]) -> dict[str | None, Any]:
    """The plan of the slabs on each storey."""
    if not storey_of:
        return {}
    mesh = store.mesh(model.id)
    owner = np.array([storey_of.get(name, "") if name in storey_of else "" for name in mesh.element_ids], object)
    owner = np.array([name or "" for name in owner], object)[mesh.face_element] if len(mesh.faces) else np.empty(0, object)
    found: dict[str | None, Any] = {}
    for storey_id in {name for name in storey_of.values() if name}:
        corners = mesh.vertices[mesh.faces[owner == storey_id]]  # (f, 3, 3)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        normal = np.cross(a, b)
        up = normal[:, 2] > 0.5 * np.linalg.norm(normal, axis=1)
        plan: Any = shapely.polygons(corners[up][:, :, :2]) if up.any() else ()
        found[storey_id] = union(list(plan))
    return found


def _of_one_building(found: Sequence[Level]) -> list[Level]:
    """The levels of all models of a building; where two models have one at the same height, the larger one counts."""
    kept: list[Level] = []
    for level in sorted(found, key=lambda each: -each.outline.area):
        if all(other.model_id == level.model_id or abs(other.floor_z - level.floor_z) > 1.0 for other in kept):
            kept.append(level)
    return sorted(kept, key=lambda each: each.floor_z)


def _by_count(store: Store, building: Building) -> list[Level]:
    """The storeys of a building that has no model, equally high."""
    if building.footprint is None:
        return []
    frame = store.park().frame
    outline = areal(shapely.make_valid(frame.project(shapely.force_2d(building.footprint))))
    if not is_near(outline):
        return []
    known = building.storeys is not None and building.storeys > 0
    count = min(building.storeys if known and building.storeys else max(1, round(building.height_m / STOREY_HEIGHT_M)), 300)
    base = float(z_of_height(frame, shapely.get_coordinates(outline.centroid), [building.base_h_m])[0])
    height = building.height_m / count
    return [
        Level(f"{building.id}/{k + 1}", f"{building.name} · {k + 1}", building.id, outline, base + k * height, height, is_assumed=not known)
        for k in range(count)
    ]


def _placed(store: Store, found: Sequence[Level]) -> list[Level]:
    """The levels of one building, lowest first, with the place of each."""
    if not found:
        return []
    ground = float(ground_of(store)(shapely.get_coordinates(found[0].outline.centroid))[0])
    above = [level for level in found if level.floor_z >= ground - BELOW_M]
    first, last = (above[0], above[-1]) if above else (None, None)

    def place(level: Level) -> str:
        if level.floor_z < ground - BELOW_M:
            return "basement"
        if level is first:
            return "only" if first is last else "ground"
        return "top" if level is last else "typical"

    return [replace(level, place=place(level)) for level in found]
