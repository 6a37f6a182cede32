"""The buildings of a park: footprints from GIS, models from IFC, and which belongs to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Building:
    """One building: its footprint in longitude and latitude [deg], heights [m, park datum] and the models that describe it."""

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


def buildings(store: Store) -> Sequence[Building]:
    """All buildings of the park; a model that stands on no footprint is a building of its own.

    A building with models is drawn, and stands in the way, by its models; without, by its footprint and height.
    """
    gis = _from_features(store)
    owner = _owners(gis, store.models())
    linked = [replace(b, model_ids=tuple(m for m, k in owner.items() if k == i)) for i, b in enumerate(gis)]
    alone = [_from_model(model) for model in store.models() if owner.get(model.id) is None and model.outline is not None]
    return [*linked, *alone]


def _from_features(store: Store) -> list[Building]:
    table = store.features_of_kind("building")
    polygons = [k for k, shape in enumerate(table.geometry) if shape is not None and shape.geom_type in {"Polygon", "MultiPolygon"}]
    if not polygons:
        return []
    centres = shapely.get_coordinates(shapely.point_on_surface(table.geometry[polygons]))
    ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu(centres)[:, :2])
    return [_from_row(table, k, float(h)) for k, h in zip(polygons, ground, strict=True)]


def _from_row(table: FeatureTable, k: int, ground_h: float) -> Building:
    row = table.row(k)
    storeys = row.get("storeys")
    height, source = _height(row.get("height_m"), storeys)
    base = row.get("base_m")
    return Building(
        id=table.ids[k],
        name=str(row.get("name") or row.get("name_zh") or table.ids[k]),
        name_zh=str(row.get("name_zh") or row.get("name") or table.ids[k]),
        footprint=shapely.force_2d(table.geometry[k]),
        base_h_m=float(base) if base is not None else ground_h,
        height_m=height,
        storeys=int(storeys) if storeys is not None else None,
        usage=row.get("usage") or row.get("class"),
        attributes=row | {"height_source": source},
    )


def _height(height: float | None, storeys: float | None) -> tuple[float, str]:
    if height is not None and height > 0:
        return float(height), "source"
    if storeys is not None and storeys > 0:
        return float(storeys) * STOREY_HEIGHT_M, "storeys"
    return UNKNOWN_HEIGHT_M, "default"


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
        attributes={"height_source": "model"},
    )
