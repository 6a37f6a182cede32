"""The buildings of a park: footprints from GIS, models from IFC, city models of many buildings at once, and what belongs to which.

A city model says of each of its buildings what in it is that building's (a group of class `Building`); a footprint of the same id, or one
in the same place, is drawn by that body. Where a model of the building alone is there too, it stands for the body: the finest wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from twin.model import FeatureTable, Model
from twin.store import Store
from twin.terrain import ground_height

STOREY_HEIGHT_M = 3.3  # assumed where only the number of storeys is known
UNKNOWN_HEIGHT_M = 6.0  # assumed where nothing is known: two low storeys
SAME_PLACE_SHARE = 0.5  # a model whose outline covers this share of a footprint (or lies in it by it) is that building's
BUILDING_GROUP = "Building"  # class of the groups by which a model of many buildings says what is whose
TALLEST_M, MOST_STOREYS, HIGHEST_M = 2000.0, 500.0, 1e4  # beyond what any building has, and any ground, a number says nothing
_OF_MANY = ("CityGML", "CityJSON")  # schemas whose models hold many buildings
GROUND_WORKS = "site"  # discipline of models of roads, tracks, earth and what stands along them
_WHOLE_HOUSE = ("architecture", "structure")  # disciplines of models that stand for a building, as pipes and wires do not

Parts = Mapping[str, frozenset[str]]  # model of many buildings -> ids of elements, storeys and spaces in it


@dataclass(frozen=True)
class Building:
    """One building: its footprint in longitude and latitude [deg], heights [m, park datum] and the models that describe it.

    Of a model of many buildings `parts` says what is this building's, and `replaced` what is, but is not drawn because a model of the
    building alone stands for it.
    """

    id: str
    name: str
    name_zh: str
    footprint: Any  # shapely (Multi)Polygon, lon lat [deg]
    base_h_m: float
    height_m: float
    storeys: int | None
    usage: str | None
    model_ids: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    parts: Parts = field(default_factory=dict[str, frozenset[str]])
    replaced: Parts = field(default_factory=dict[str, frozenset[str]])

    def holds(self, model_id: str, identity: str) -> bool:
        """Whether something (an element, storey or space) in a model is of this building."""
        if model_id in self.replaced and identity in self.replaced[model_id]:
            return True
        return model_id in self.model_ids and (model_id not in self.parts or identity in self.parts[model_id])


def buildings(store: Store) -> Sequence[Building]:
    """All buildings of the park; a model that stands on no footprint is a building of its own.

    A building with models is drawn, and stands in the way, by its models; without, by its footprint and height.
    """
    models = store.models()
    shared = {model.id: _members(store, model.id) for model in models if is_shared(model)}
    single = [model for model in models if model.id not in shared]
    gis = _once_each(_from_features(store), shared)
    owner = _owners(gis, single)
    own: dict[int, list[Model]] = {}
    for model in single:
        if (index := owner.get(model.id)) is not None:
            own.setdefault(index, []).append(model)
    linked = [_linked(building, own.get(i, []), _parts_of(building.id, shared)) for i, building in enumerate(gis)]
    alone = [_from_model(model) for model in single if owner.get(model.id) is None and model.outline is not None]
    if not shared:
        return [*linked, *alone]
    return _beside_city(linked, alone, {model.id for model in single if _stands_for_house(model)})


def is_shared(model: Model) -> bool:
    """Whether a model holds many buildings; such a one is drawn once, whatever number of buildings it belongs to."""
    return model.schema.startswith(_OF_MANY)


def is_house(building: Building) -> bool:
    """Whether it stands on the ground as buildings do: a model of roads, tracks or the ground itself is drawn, and takes no ground away."""
    return building.attributes.get("discipline") != GROUND_WORKS


def replaced(found: Sequence[Building]) -> Parts:
    """What of the models of many buildings is not drawn and not in the way, because finer models stand for it."""
    out: dict[str, frozenset[str]] = {}
    for building in found:
        for model_id, ids in building.replaced.items():
            out[model_id] = out.get(model_id, frozenset[str]()) | ids
    return out


def owner_of(found: Sequence[Building], model_id: str, identity: str) -> Building | None:
    """The building that something (an element, storey or space) in a model is of."""
    return next((building for building in found if building.holds(model_id, identity)), None)


def owners(found: Sequence[Building]) -> Callable[[str, str], str | None]:
    """What answers for (model, element, storey or space) with the id of the building it is of; for when many are asked for."""
    whole = {model: building.id for building in reversed(found) for model in building.model_ids if model not in building.parts}
    part = {
        (model, name): building.id
        for building in reversed(found)
        for parts in (building.replaced, building.parts)
        for model, ids in parts.items()
        for name in ids
    }

    def owner(model_id: str, identity: str) -> str | None:
        return part.get((model_id, identity)) or whole.get(model_id)

    return owner


def _members(store: Store, model_id: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Building id -> level of detail and members of its group, in a model of many buildings."""
    groups = [group for group in store.groups(model_id) if group.ifc_class == BUILDING_GROUP]
    return {group.id: (str(group.attributes.get("lod", "")), frozenset(group.members)) for group in groups}


def _once_each(rows: Sequence[Building], shared: Mapping[str, Mapping[str, Any]]) -> list[Building]:
    """The rows, a building of a city model only once: several files may tell of it."""
    known = {name for members in shared.values() for name in members}
    seen: set[str] = set()
    out: list[Building] = []
    for row in rows:
        if row.id not in seen or row.id not in known:
            out.append(row)
        seen.add(row.id)
    return out


def _parts_of(name: str, shared: Mapping[str, Mapping[str, tuple[str, frozenset[str]]]]) -> tuple[Parts, Parts]:
    """What the models of many buildings have of one: of the finest of them, and of the others."""
    having = sorted((members[name][0], model_id) for model_id, members in shared.items() if name in members)
    ranked = [(model_id, shared[model_id][name][1]) for _, model_id in having]
    return dict(ranked[-1:]), dict(ranked[:-1])


def _linked(building: Building, own: Sequence[Model], parts: tuple[Parts, Parts]) -> Building:
    """A building with its own models and its share of others; the others' is replaced where one of its own shows the whole house."""
    ids = tuple(model.id for model in own)
    finest, coarser = parts
    if any(_stands_for_house(model) for model in own):
        return replace(building, model_ids=ids, replaced={**coarser, **finest})
    return replace(building, model_ids=(*ids, *finest), parts=finest, replaced=coarser)


def _stands_for_house(model: Model) -> bool:
    return model.outline is not None and model.discipline in _WHOLE_HOUSE


def _beside_city(linked: Sequence[Building], alone: Sequence[Building], houses: set[str]) -> list[Building]:
    """Buildings in the same place as ones of a city model brought together with these.

    A footprint of another source is drawn by the bodies of the city's buildings it shares its ground with. Where a model of a whole house
    (`houses`) stands on it, that model stands for the bodies, and the city's buildings are no buildings beside it.
    """
    city = [building for building in linked if building.parts or building.replaced]
    other = [*(building for building in linked if not building.parts and not building.replaced), *alone]
    pairs = _same_place(other, city)
    gone: set[int] = set()
    beside: list[Building] = []
    for i, building in enumerate(other):
        near = [k for k in pairs.get(i, ()) if k not in gone]
        there = _together([each for k in near for each in (city[k].parts, city[k].replaced)])
        if houses.intersection(building.model_ids):
            gone |= {k for k in near if not houses.intersection(city[k].model_ids)}
            beside.append(replace(building, replaced=there))
        else:
            beside.append(replace(building, model_ids=(*building.model_ids, *there), parts=there))
    return [*(building for k, building in enumerate(city) if k not in gone), *beside]


def _together(all_parts: Sequence[Parts]) -> Parts:
    out: dict[str, frozenset[str]] = {}
    for parts in all_parts:
        for model_id, ids in parts.items():
            out[model_id] = out.get(model_id, frozenset[str]()) | ids
    return out


def _same_place(some: Sequence[Building], city: Sequence[Building]) -> dict[int, list[int]]:
    """Index of a building -> indices of the city's buildings with which it shares more than half of the smaller ground."""
    if not some or not city:
        return {}
    mine = np.array([shapely.make_valid(building.footprint) for building in some], object)
    theirs = np.array([shapely.make_valid(building.footprint) for building in city], object)
    i, k = shapely.STRtree(theirs).query(mine, predicate="intersects")
    shared = shapely.area(shapely.intersection(mine[i], theirs[k]))
    enough = shared > SAME_PLACE_SHARE * np.minimum(shapely.area(mine[i]), shapely.area(theirs[k]))
    out: dict[int, list[int]] = {}
    for one, other in zip(i[enough].tolist(), k[enough].tolist(), strict=True):
        out.setdefault(one, []).append(other)
    return out


def _from_features(store: Store) -> list[Building]:
    table = store.features_of_kind("building")
    areal = {"Polygon", "MultiPolygon"}
    polygons = [k for k, shape in enumerate(table.geometry) if shape is not None and shape.geom_type in areal and not shape.is_empty]
    if not polygons:
        return []
    centres = shapely.get_coordinates(shapely.point_on_surface(table.geometry[polygons]))
    ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu(centres)[:, :2])
    return [_from_row(table, k, float(h)) for k, h in zip(polygons, ground, strict=True)]


def _from_row(table: FeatureTable, k: int, ground_h: float) -> Building:
    row = table.row(k)
    storeys = row.get("storeys")
    height, source = _height(row.get("height_m"), storeys)
    base = _possible(row.get("base_m"), HIGHEST_M)
    return Building(
        id=table.ids[k],
        name=str(row.get("name") or row.get("name_zh") or table.ids[k]),
        name_zh=str(row.get("name_zh") or row.get("name") or table.ids[k]),
        footprint=shapely.force_2d(table.geometry[k]),
        base_h_m=ground_h if base is None else base,
        height_m=height,
        storeys=int(storeys) if storeys is not None else None,
        usage=row.get("usage") or row.get("class"),
        attributes=row | {"height_source": source},
    )


def _height(height: float | None, storeys: float | None) -> tuple[float, str]:
    known, levels = _possible(height, TALLEST_M) or 0.0, _possible(storeys, MOST_STOREYS) or 0.0
    if known > 0:
        return known, "source"
    if levels > 0:
        return levels * STOREY_HEIGHT_M, "storeys"
    return UNKNOWN_HEIGHT_M, "default"


def _possible(value: float | None, most: float) -> float | None:
    """A number that can be so; None for any other."""
    return float(value) if value is not None and abs(value) <= most else None


def _owners(gis: Sequence[Building], models: Sequence[Model]) -> dict[str, int | None]:
    """Model id -> index of the building it belongs to: named by it, or the one its outline shares most ground with."""
    by_id = {building.id: i for i, building in enumerate(gis)}
    footprints = np.array([building.footprint for building in gis], object)
    tree = shapely.STRtree(footprints) if len(footprints) else None
    return {model.id: by_id.get(model.building_id or "", _best_overlap(model, footprints, tree)) for model in models}


def _best_overlap(model: Model, footprints: Any, tree: shapely.STRtree | None) -> int | None:
    if tree is None or model.outline is None or model.outline.is_empty:
        return None
    near = tree.query(model.outline, predicate="intersects")
    if not len(near):
        return None
    shared = shapely.area(shapely.intersection(shapely.make_valid(footprints[near]), model.outline))
    smaller = np.minimum(shapely.area(footprints[near]), model.outline.area)
    best = int(np.argmax(shared))
    return int(near[best]) if shared[best] > SAME_PLACE_SHARE * smaller[best] else None


def _from_model(model: Model) -> Building:
    return Building(
        id=model.id,
        name=model.name,
        name_zh=model.name,
        footprint=model.outline,
        base_h_m=model.base_h_m,
        height_m=model.top_h_m - model.base_h_m,
        storeys=None,
        usage=None,
        model_ids=(model.id,),
        attributes={"height_source": "model", "discipline": model.discipline},
    )
