"""Of what detail the models of a park are: of each building, and of roads, terrain and pipelines beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from twin.buildings import BUILDING_GROUP, Building, is_shared
from twin.measures.outlines import areas, boundary_of, lines, union
from twin.measures.radio import numbers
from twin.model import Model
from twin.store import Store
from twin.terrain import height_at

BLOCK, EXTERIOR, OPENINGS, ROOMS = 1, 2, 3, 4
OPENING_CLASSES = ("IfcWindow", "IfcDoor", "Window", "Door")
HOUSE = ("architecture", "structure")  # models of other disciplines show no building
ROAD_CLASSES = ("IfcRoad", "IfcPavement", "IfcCourse", "IfcKerb", "Road", "TrafficArea", "Track", "Square")
DEPTH_COLUMNS = ("depth_m", "depth", "invert_start_m", "invert_end_m", "z_m", "埋深", "管底标高", "管顶标高", "起点埋深", "终点埋深")
TERRAIN_STEP_M = 10.0


@dataclass(frozen=True)
class Level:
    """The detail a building is shown in: at least, likely and at most; and by what."""

    least: int
    likely: int
    most: int
    by_model: Mapping[str, int] = field(default_factory=dict[str, int])  # model -> likely level of the building in it
    without_models: int = 0
    sources: Sequence[str] = ()
    georeferencing: Sequence[str] = ()
    loose: Sequence[str] = ()  # models without a place on earth

    def also_seen(self) -> Level:
        """The same building under a mesh that shows everything from above: an exterior, though nobody says how good a one."""
        likely = max(self.likely, EXTERIOR)
        return replace(self, likely=likely, most=max(self.most, OPENINGS), without_models=max(self.without_models, EXTERIOR))


def model_levels(store: Store, standing: Sequence[Building]) -> list[Level]:
    """The level of each building by its height and its models."""
    models = {model.id: model for model in store.models()}
    rooms = {identity: {space.id for space in store.spaces(identity)} for identity in models}
    whole = {identity: _whole_level(store, model, rooms[identity]) for identity, model in models.items() if not is_shared(model)}
    named = {
        group.id: group.attributes.get("lod")
        for identity in models
        for group in store.groups(identity)
        if group.ifc_class == BUILDING_GROUP
    }
    return [_level(building, models, rooms, whole, named) for building in standing]


def _level(
    building: Building,
    models: Mapping[str, Model],
    rooms: Mapping[str, set[str]],
    whole: Mapping[str, int],
    named: Mapping[str, Any],
) -> Level:
    block = BLOCK if building.attributes.get("height_source") in {"source", "storeys"} else 0
    by_model: dict[str, int] = {}
    unsure = 0
    loose = [identity for identity in building.model_ids if identity in models and models[identity].georeferencing.kind == "none"]
    for identity in (*building.model_ids, *building.replaced):  # what is replaced by a finer model is there without it
        if identity not in models or identity in loose:
            continue
        if identity in whole:
            by_model[identity] = whole[identity]
        else:
            inside = bool(rooms[identity] & (building.parts.get(identity, building.replaced.get(identity, frozenset()))))
            said = _said(building.attributes.get("lod"), named.get(building.id))
            by_model[identity] = ROOMS if inside else said if said is not None else BLOCK
            unsure += said is None and not inside
    likely = max([block, *by_model.values()])
    own = [models[identity] for identity in by_model]
    sources = list(dict.fromkeys(model.source or model.name for model in own))
    kinds = list(dict.fromkeys(model.georeferencing.kind for model in own))
    return Level(likely, likely, max(likely, ROOMS) if unsure else likely, by_model, block, sources, kinds, loose)


def _whole_level(store: Store, model: Model, rooms: set[str]) -> int:
    """The level of a model of one building, by what is in it."""
    if model.outline is None or model.discipline not in HOUSE:
        return 0
    if rooms:
        return ROOMS
    built = [element.ifc_class for element in store.elements(model.id) if element.state in {"built", "degraded"}]
    return OPENINGS if any(each.startswith(OPENING_CLASSES) for each in built) else EXTERIOR if built else 0


def _said(*values: Any) -> int | None:
    """The highest level of detail that texts such as `1, 2.2` name."""
    found = [int(float(number)) for value in values if value is not None for number in re.findall(r"\d+(?:\.\d+)?", str(value))]
    return min(max(found), ROOMS) if found else None


def side_shares(store: Store) -> dict[str, float | None]:
    """Roads with a surface or body by length, ground of known height by area, pipes and ducts of known depth by length; None of none."""
    return {"roads": _roads(store), "terrain": _terrain(store), "pipelines": _pipelines(store)}


def _roads(store: Store) -> float | None:
    drawn = [line for _, line in lines(store, store.features_of_kind("road"))]
    length = sum(line.length for line in drawn)
    if not length:
        return None
    bodies = [element.bbox for element in store.elements() if element.bbox is not None and element.ifc_class.startswith(ROAD_CLASSES)]
    boxes = [shapely.box(box[0], box[1], box[3], box[4]) for box in bodies]
    surface = union([*(area for _, area in areas(store, store.features_of_kind("road_area"))), *boxes])
    shapely.prepare(surface)
    return min(sum(float(shapely.intersection(line, surface).length) for line in drawn) / length, 1.0)


def _terrain(store: Store) -> float | None:
    terrain, park = store.terrain(), boundary_of(store)
    if park is None:
        return None
    if terrain is None:
        return 0.0
    west, south, east, north = park.bounds
    x, y = np.meshgrid(np.arange(west, east, TERRAIN_STEP_M), np.arange(south, north, TERRAIN_STEP_M))
    points = np.column_stack([x.ravel(), y.ravel()])
    inside = points[shapely.contains_xy(park, points[:, 0], points[:, 1])]
    return float(np.isfinite(height_at(terrain, inside)).mean()) if len(inside) else None


def _pipelines(store: Store) -> float | None:
    total = known = 0.0
    for kind in ("pipe", "duct"):
        table = store.features_of_kind(kind)
        for i, line in lines(store, table):
            row = table.row(i)
            z = shapely.get_coordinates(table.geometry[i], include_z=True)[:, 2]
            total += line.length
            known += line.length if bool(np.any(np.nan_to_num(z) != 0)) or any(numbers(row.get(name)) for name in DEPTH_COLUMNS) else 0.0
    return known / total if total else None
